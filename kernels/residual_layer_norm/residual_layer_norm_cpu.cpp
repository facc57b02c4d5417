// Residual sum and layer normalization on the CPU, row by row.
#include "kernels/residual_layer_norm/residual_layer_norm_cpu.h"

namespace cardiograd::kernels {

void residual_layer_norm_forward_cpu(const ResidualLayerNormShape& s, const float* x, const float* bias,
                                     const float* residual, const float* gamma, const float* beta, float* y,
                                     float* mean, float* rstd) {
  const LayerNormShape norm = {s.rows, s.width, s.epsilon};
  parallel_ranges(s.rows, rows_per_task(s.width), [&](std::int64_t first, std::int64_t last) {
    float* sum = scratch(ScratchUse::kColumns, s.width);
    for (std::int64_t r = first; r < last; ++r) {
      const std::int64_t at = r * s.width;
      sum_row(s, at, factors_of(s, at), x, bias, residual, sum);
      layer_norm_row(norm, sum, gamma, beta, y + r * s.width, mean[r], rstd[r]);
    }
  });
}

void residual_layer_norm_backward_cpu(const ResidualLayerNormShape& s, const float* x, const float* bias,
                                      const float* residual, const float* gamma, const float* mean, const float* rstd,
                                      const float* dy, float* dx, float* dresidual, float* dbias, float* dgamma,
                                      float* dbeta) {
  residual_layer_norm_gradients(
      s, x, bias, residual, gamma, mean, rstd, [&](std::int64_t r) { return dy + r * s.width; }, dx, dresidual, dbias,
      dgamma, dbeta);
}

}  // namespace cardiograd::kernels
