// Launchers of small device work that is no operation of its own: what the engine needs around one. Pointers are to
// device memory.
#pragma once

#include <cstdint>
#include <string>

#include "kernels/common/stream.h"

namespace cardiograd::kernels {

// x[i] = value
void fill_cuda(std::int64_t count, float value, float* x, Stream stream);

// x[i] *= *factor, which is read when the kernel runs.
void scale_by_cuda(std::int64_t count, const float* factor, float* x, Stream stream);

// *found = 1 when a NaN or an infinity is among x[0 ... count-1]; else it stays.
void find_not_finite_cuda(std::int64_t count, const float* x, std::int32_t* found, Stream stream);

// sum[i] = sum over r of weights[r] * parts[r * count + i], r in 0 ... ranks - 1 in this order and in double. `weights`
// (ranks) may be null: all 1. `sum` may be one of the parts.
void sum_ranks_cuda(int ranks, std::int64_t count, const float* parts, const float* weights, float* sum, Stream stream);

// Runs a kernel that does nothing. Throws Error when this build has none for the GPU.
void probe_cuda(Stream stream);

// The compute capabilities that the device code was compiled for: "75, 80, 86".
std::string compiled_architectures();

}  // namespace cardiograd::kernels
