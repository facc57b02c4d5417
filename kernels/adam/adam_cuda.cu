#include "kernels/adam/adam_cuda.cuh"
#include "kernels/adam/adam_cuda.h"
#include "kernels/common/scratch_cuda.h"

namespace cardiograd::kernels {

void adam_begin_step_cuda(const AdamShape& s, const float* loss, AdamProgress* progress, Stream stream) {
  simt::launch<adam_begin_step_kernel>(dim3(1), dim3(1), 0, stream, s, loss, progress);
}

void adam_step_cuda(std::int64_t slices, std::int64_t blocks, const AdamSlice* table, const AdamProgress* progress,
                    Stream stream) {
  if (blocks == 0) return;
  simt::launch<adam_step_kernel>(dim3(static_cast<unsigned>(blocks)), dim3(kAdamThreads), 0, stream, slices, table,
                                 progress);
}

void adam_forward_cuda(const AdamShape& s, const float* gradient, float* parameter, float* m, float* v, Stream stream) {
  constexpr std::int64_t kFloats = (sizeof(AdamSingle) + sizeof(float) - 1) / sizeof(float);
  void* place = cuda_scratch(stream, CudaScratchUse::kCoefficients, kFloats);
  auto* at = static_cast<AdamSingle*>(place);
  const AdamSingle value = {.progress = {.lr = s.lr, .step = s.step - 1, .stopped = 0, .coefficients = {}},
                            .slice = {gradient, parameter, m, v, s.count, 0}};
  simt::launch<adam_single_kernel>(dim3(1), dim3(1), 0, stream, value, at);
  adam_begin_step_cuda(s, nullptr, &at->progress, stream);
  adam_step_cuda(1, adam_blocks(s.count), &at->slice, &at->progress, stream);
}

}  // namespace cardiograd::kernels
