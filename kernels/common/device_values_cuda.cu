// Small device work around the operations (elementwise_cuda.cuh).
#include <cstdint>

#include "kernels/common/device_values_cuda.h"
#include "kernels/common/elementwise_cuda.cuh"
#include "kernels/common/finite.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

struct FillMap {
  float value;
  __device__ float operator()() const { return value; }
};

struct ScaleByMap {
  const float* factor;
  __device__ float operator()(float x) const { return x * *factor; }
};

struct FindNotFiniteBody {
  const float* x;
  std::int32_t* found;
  __device__ void operator()(std::int64_t i) const {
    if (!is_finite(x[i])) atomicExch(found, 1);
  }
};

struct SumRanksBody {
  int ranks;
  std::int64_t count;
  const float* parts;
  const float* weights;
  float* sum;
  __device__ void operator()(std::int64_t i) const {
    double total = 0;
    for (int r = 0; r < ranks; ++r) {
      const auto value = static_cast<double>(parts[r * count + i]);
      total += weights == nullptr ? value : static_cast<double>(weights[r]) * value;
    }
    sum[i] = static_cast<float>(total);
  }
};

static __global__ void __launch_bounds__(32) probe_kernel() {}

void fill_cuda(std::int64_t count, float value, float* x, Stream stream) {
  map_elements(count, stream, FillMap{value}, x);
}

void scale_by_cuda(std::int64_t count, const float* factor, float* x, Stream stream) {
  map_elements(count, stream, ScaleByMap{factor}, x, x);
}

void find_not_finite_cuda(std::int64_t count, const float* x, std::int32_t* found, Stream stream) {
  for_each_element(count, stream, FindNotFiniteBody{x, found});
}

void sum_ranks_cuda(int ranks, std::int64_t count, const float* parts, const float* weights, float* sum,
                    Stream stream) {
  for_each_element(count, stream, SumRanksBody{ranks, count, parts, weights, sum});
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
