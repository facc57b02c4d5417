#include "kernels/attention/attention_cuda.cuh"
#include "kernels/attention/attention_cuda.h"
#include "kernels/common/scratch_cuda.h"

namespace cardiograd::kernels {
namespace {

AttentionHead head_of(const AttentionShape& s) {
  return {static_cast<int>(s.time),     static_cast<int>(s.width), static_cast<int>(s.heads), s.scale(),
          s.dropout.probability > 0.0F, dropout_mask(s.dropout)};
}

dim3 grid_of(const AttentionShape& s, int rows, int width_of_slice) {
  return dim3(static_cast<unsigned>(s.batch * s.heads), static_cast<unsigned>((s.time + rows - 1) / rows),
              static_cast<unsigned>((s.width + width_of_slice - 1) / width_of_slice));
}

constexpr unsigned kThreads = 32 * kAttentionWarps;

}  // namespace

void attention_forward_cuda(const AttentionShape& s, const float* qkv, float* y, float* lse, Stream stream) {
  const AttentionHead head = head_of(s);
  if (s.batch * s.heads * s.time * s.width == 0) return;
  simt::launch<attention_forward_kernel>(grid_of(s, kAttentionRows, kMaxSlice), dim3(kThreads),
                                         attention_shared_bytes(s.width, 1), stream, head, qkv, y, lse);
}

void attention_backward_cuda(const AttentionShape& s, const float* qkv, const float* y, const float* lse,
                             const float* dy, float* dqkv, Stream stream) {
  const AttentionHead head = head_of(s);
  if (s.batch * s.heads * s.time * s.width == 0) return;
  float* mean = cuda_scratch(stream, CudaScratchUse::kPartial, s.batch * s.heads * s.time);
  const std::size_t shared = attention_shared_bytes(s.width, 2);
  simt::launch<attention_mean_kernel>(grid_of(s, kAttentionWarps, static_cast<int>(s.width)), dim3(kThreads), 0, stream,
                                      head, y, dy, mean);
  simt::launch<attention_query_gradient_kernel>(grid_of(s, kAttentionRows, kMaxSlice), dim3(kThreads), shared, stream,
                                                head, qkv, lse, mean, dy, dqkv);
  simt::launch<attention_key_gradient_kernel>(grid_of(s, kAttentionRows, kMaxSlice), dim3(kThreads), shared, stream,
                                              head, qkv, lse, mean, dy, dqkv);
}

}  // namespace cardiograd::kernels
