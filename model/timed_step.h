// One training step of HC-CNN-TN as it runs here, kernel by kernel: what each took, and what lay between them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/device.h"
#include "model/hc_cnn_tn.h"
#include "model/roofline.h"

namespace cardiograd::model {

struct TimedKernel {
  KernelCall call;
  double start_s = 0;  // from the start of the step
  double seconds = 0;
};

struct TimedStep {
  std::vector<TimedKernel> kernels;  // of one step, in their order
  double timed_s = 0;                // that step, with the clock read around each kernel
  double step_s = 0;                 // median of steps without
  int steps = 0;                     // how many those were

  // Sum of the kernels' times.
  double kernels_s() const;
  // timed_s without the kernels: fills and copies, memory, the host's work, and on the GPU waiting for launches.
  double between_s() const { return timed_s - kernels_s(); }
};

// Runs steps on random records with `settings.batch` each: two to warm up, `steps` for step_s, and as many again with
// the clock, of which the one of median length is returned. On the CPU a kernel's time is that of the host's clock; on
// the GPU that between two events in the stream, with other steps queued before, so that the GPU does not wait for the
// host. Throws what a step throws.
TimedStep time_training_step(const HcCnnTnConfig& config, std::int64_t batch, Device device, int steps);

// What this machine does at best, measured now on all threads: the largest product of our kernels, and a copy.
struct MeasuredRoof {
  double flop_per_s = 0;
  double bytes_per_s = 0;  // read and written
};
MeasuredRoof measure_cpu_roof();

}  // namespace cardiograd::model
