// What cub.cu puts into the default stream. Pointers are to device memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include <cuda_runtime_api.h>

namespace cardiograd::bench {

// Writes the temporary memory that it needs to `bytes`, and nothing else, where `temporary` is null.
cudaError_t cub_squared_norm(void* temporary, std::size_t& bytes, std::int64_t count, const float* x, float* y);
cudaError_t cub_scale(std::int64_t count, float factor, const float* x, float* y);
cudaError_t cub_relu(std::int64_t count, const float* x, float* y);
cudaError_t cub_relu_backward(std::int64_t count, const float* y, const float* dy, float* dx);
cudaError_t cub_add(std::int64_t count, const float* a, const float* b, float* y);

}  // namespace cardiograd::bench
