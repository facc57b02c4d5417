// How long the threads of OpenMP, on which oneDNN and Eigen compute, wait awake behind a parallel region.
#pragma once

namespace cardiograd::bench {

// Starts this program once more with other settings of OpenMP, unless the user has made some (OMP_WAIT_POLICY,
// GOMP_SPINCOUNT, KMP_BLOCKTIME): threads wait awake for some microseconds, then sleep. The default of libgomp is some
// milliseconds awake, which would be those in which the next library is timed. The settings are read before main():
// hence the second start, which takes about a millisecond. Returns where it is not needed or not possible.
void restart_with_short_waits(char** argv);

}  // namespace cardiograd::bench
