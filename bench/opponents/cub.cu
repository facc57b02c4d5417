// CUB: reductions and passes over elements.
#include <string>

#include <cub/device/device_reduce.cuh>
#include <cub/device/device_transform.cuh>
#include <cub/version.cuh>
#include <cuda/std/tuple>

#include "bench/opponents/cub_launch.h"

namespace cardiograd::bench {
namespace {

struct Plus {
  __device__ float operator()(float a, float b) const { return a + b; }
};
struct Square {
  __device__ float operator()(float x) const { return x * x; }
};
struct Scale {
  float factor;
  __device__ float operator()(float x) const { return factor * x; }
};
struct Relu {
  __device__ float operator()(float x) const { return x > 0 ? x : 0; }
};
struct ReluGradient {
  __device__ float operator()(float y, float dy) const { return y > 0 ? dy : 0; }
};

template <class Operator, class... Inputs>
cudaError_t transform(std::int64_t count, float* out, Operator op, Inputs... inputs) {
  return cub::DeviceTransform::Transform(::cuda::std::make_tuple(inputs...), out, count, op);
}

}  // namespace

cudaError_t cub_squared_norm(void* temporary, std::size_t& bytes, std::int64_t count, const float* x, float* y) {
  return cub::DeviceReduce::TransformReduce(temporary, bytes, x, y, count, Plus(), Square(), 0.0F);
}
cudaError_t cub_scale(std::int64_t count, float factor, const float* x, float* y) {
  return transform(count, y, Scale{factor}, x);
}
cudaError_t cub_relu(std::int64_t count, const float* x, float* y) {
  return transform(count, y, Relu(), x);
}
cudaError_t cub_relu_backward(std::int64_t count, const float* y, const float* dy, float* dx) {
  return transform(count, dx, ReluGradient(), y, dy);
}
cudaError_t cub_add(std::int64_t count, const float* a, const float* b, float* y) {
  return transform(count, y, Plus(), a, b);
}

std::string cub_version() {
  return std::to_string(CUB_MAJOR_VERSION) + "." + std::to_string(CUB_MINOR_VERSION) + "." +
         std::to_string(CUB_SUBMINOR_VERSION);
}

}  // namespace cardiograd::bench
