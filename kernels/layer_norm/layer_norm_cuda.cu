#include "kernels/layer_norm/layer_norm_cuda.cuh"
#include "kernels/layer_norm/layer_norm_cuda.h"

namespace cardiograd::kernels {
namespace {

dim3 row_blocks(const LayerNormShape& s) {
  return dim3(static_cast<unsigned>((s.rows + kRowWarps - 1) / kRowWarps));
}

}  // namespace

void layer_norm_forward_cuda(const LayerNormShape& s, const float* x, const float* gamma, const float* beta, float* y,
                             float* mean, float* rstd, Stream stream) {
  if (s.rows == 0) return;
  simt::launch<layer_norm_forward_kernel>(row_blocks(s), dim3(32 * kRowWarps), 0, stream, s.rows, s.width,
                                          static_cast<float>(s.epsilon), x, gamma, beta, y, mean, rstd);
}

void layer_norm_backward_cuda(const LayerNormShape& s, const float* x, const float* gamma, const float* mean,
                              const float* rstd, const float* dy, float* dx, float* dgamma, float* dbeta,
                              Stream stream) {
  if (s.rows == 0) return;
  simt::launch<layer_norm_backward_kernel>(row_blocks(s), dim3(32 * kRowWarps), 0, stream, s.rows, s.width, x, gamma,
                                           mean, rstd, dy, dx);
  column_sums<2>(s.rows, s.width, stream, LayerNormLoad{s.width, x, mean, rstd, dy}, LayerNormFinish{dgamma, dbeta});
}

}  // namespace cardiograd::kernels
