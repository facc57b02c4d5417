// Working memory of CUDA launchers: per stream, grown on demand, kept for the next call, so that a training step
// allocates nothing after its first iteration.
#pragma once

#include <cstdint>

#include "kernels/common/stream.h"

namespace cardiograd::kernels {

// Uses that may be live at the same time on one stream.
enum class CudaScratchUse { kPartial, kCoefficients, kColumnSums, kMatmul, kFactorA, kFactorB };

// At least `count` floats of device memory, 256-byte aligned; the content is undefined. Valid until the next call with
// the same stream and use. Growing waits for the device. Throws OutOfMemory when the device has no memory left.
float* cuda_scratch(Stream stream, CudaScratchUse use, std::int64_t count);

// While more calls said true than false, memory that has grown keeps its old place too: recorded graphs use it. The old
// places are released with the last.
void hold_cuda_scratch(bool hold);

// kCudaCounters counters of device memory for the blocks of one launch (last_block_cuda.cuh). They are 0, and whoever
// counts with them leaves 0.
inline constexpr int kCudaCounters = 65536;
unsigned* cuda_counters(Stream stream);

// What to call before giving up: whoever keeps memory of the device for later gives it back.
void on_scratch_exhausted(void (*release)());

}  // namespace cardiograd::kernels
