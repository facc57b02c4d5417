#include "kernels/common/device_values_cuda.cuh"
#include "kernels/common/device_values_cuda.h"
#include "kernels/common/elementwise_cuda.cuh"

namespace cardiograd::kernels {

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
