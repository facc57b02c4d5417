// Small device work around the operations (elementwise_cuda.cuh).
#include <cstdint>

#include "kernels/common/device_values_cuda.h"
#include "kernels/common/elementwise_cuda.cuh"
#include "kernels/common/finite.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

struct FillBody {
  float value;
  float* x;
  __device__ void operator()(std::int64_t i) const { x[i] = value; }
};

struct ScaleByBody {
  const float* factor;
  float* x;
  __device__ void operator()(std::int64_t i) const { x[i] *= *factor; }
};

struct FindNotFiniteBody {
  const float* x;
  std::int32_t* found;
  __device__ void operator()(std::int64_t i) const {
    if (!is_finite(x[i])) atomicExch(found, 1);
  }
};

// One thread in all.
static __global__ void __launch_bounds__(32)
    clip_factor_kernel(std::int64_t count, const float* squares, double largest, float* norm, float* factor) {
  double sum = 0;
  for (std::int64_t i = 0; i < count; ++i) sum += squares[i];
  const double root = sqrt(sum);
  const double scale = largest / (root + 1e-6);  // PyTorch's guard against a norm of zero.
  *norm = static_cast<float>(root);
  *factor = scale < 1 ? static_cast<float>(scale) : 1.0F;
}

static __global__ void __launch_bounds__(32) probe_kernel() {}

void fill_cuda(std::int64_t count, float value, float* x, Stream stream) {
  for_each_element(count, stream, FillBody{value, x});
}

void scale_by_cuda(std::int64_t count, const float* factor, float* x, Stream stream) {
  for_each_element(count, stream, ScaleByBody{factor, x});
}

void find_not_finite_cuda(std::int64_t count, const float* x, std::int32_t* found, Stream stream) {
  for_each_element(count, stream, FindNotFiniteBody{x, found});
}

void clip_factor_cuda(std::int64_t count, const float* squares, double largest, float* norm, float* factor,
                      Stream stream) {
  simt::launch<clip_factor_kernel>(dim3(1), dim3(1), 0, stream, count, squares, largest, norm, factor);
}

void probe_cuda(Stream stream) {
  simt::launch<probe_kernel>(dim3(1), dim3(1), 0, stream);
}

#if defined(__CUDA_ARCH_LIST__)
std::string compiled_architectures() {
  std::string text;
  for (const int architecture : {__CUDA_ARCH_LIST__})
    text += (text.empty() ? "" : ", ") + std::to_string(architecture / 10);
  return text;
}
#else
std::string compiled_architectures() {
  return "the host";
}
#endif

}  // namespace cardiograd::kernels
