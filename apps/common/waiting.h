// How long threads wait awake at the end of a parallel loop.
#pragma once

namespace cardiograd::apps {

// Starts this program once more with other settings of OpenMP, unless the user has made some (OMP_WAIT_POLICY,
// GOMP_SPINCOUNT, KMP_BLOCKTIME): threads wait awake for some microseconds, then sleep. The default of libgomp is some
// milliseconds awake, which takes the processor from the thread that is waited for as soon as the machine has other
// work. The settings are read before main() and cannot be changed later: hence the second start, which takes about a
// millisecond. Returns where it is not needed or not possible.
void restart_with_short_waits(char** argv);

}  // namespace cardiograd::apps
