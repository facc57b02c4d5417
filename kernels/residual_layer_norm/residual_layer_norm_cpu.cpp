// Residual sum and layer normalization on the CPU: a row is summed up in scratch memory and stays in the first cache
// for the passes over it.
#include <algorithm>

#include "base/threads.h"
#include "kernels/common/elementwise_cpu.h"
#include "kernels/common/scratch.h"
#include "kernels/layer_norm/layer_norm_cpu.h"
#include "kernels/residual_layer_norm/residual_layer_norm.h"

namespace cardiograd::kernels {
namespace {

constexpr std::int64_t kRowsPerBlock = 64;

void add_row(std::int64_t width, const float* __restrict x, const float* __restrict bias,
             const float* __restrict residual, float* __restrict sum) {
  for (std::int64_t d = 0; d < width; ++d) sum[d] = residual[d] + (x[d] + bias[d]);
}

void add_dropped_row(std::int64_t width, const float* __restrict x, const float* __restrict bias,
                     const float* __restrict residual, const float* __restrict factors, float* __restrict sum) {
  // Two loops, so that product and sum are rounded one after the other, as dropout and addition are.
  for (std::int64_t d = 0; d < width; ++d) sum[d] = (x[d] + bias[d]) * factors[d];
  for (std::int64_t d = 0; d < width; ++d) sum[d] += residual[d];
}

// The factors of the mask of the row at element `at`; nullptr without dropout.
const float* factors_of(const ResidualLayerNormShape& s, std::int64_t at) {
  return s.dropout.probability > 0 ? dropout_factors_cpu(s.dropout, at, s.width) : nullptr;
}

// h of the row at element `at`.
void sum_row(const ResidualLayerNormShape& s, std::int64_t at, const float* factors, const float* x, const float* bias,
             const float* residual, float* sum) {
  if (factors != nullptr)
    add_dropped_row(s.width, x + at, bias, residual + at, factors, sum);
  else
    add_row(s.width, x + at, bias, residual + at, sum);
}

// dx = dresidual * factors, added to the sums of dbias.
void drop_gradient(std::int64_t width, const float* __restrict factors, const float* __restrict dresidual,
                   float* __restrict dx, float* __restrict bias_sum) {
  for (std::int64_t d = 0; d < width; ++d) {
    const float gradient = factors == nullptr ? dresidual[d] : dresidual[d] * factors[d];
    dx[d] = gradient;
    bias_sum[d] += gradient;
  }
}

}  // namespace

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
  const std::int64_t blocks = (s.rows + kRowsPerBlock - 1) / kRowsPerBlock;
  float* partial = scratch(ScratchUse::kPartial, 3 * blocks * s.width);
  parallel_for(blocks, [&](std::int64_t block) {
    float* product = partial + 3 * block * s.width;
    float* sums = product + s.width;
    float* bias_sum = sums + s.width;
    float* row = scratch(ScratchUse::kColumns, s.width);
    std::fill(product, product + 3 * s.width, 0.0F);
    const std::int64_t last = std::min(s.rows, (block + 1) * kRowsPerBlock);
    for (std::int64_t r = block * kRowsPerBlock; r < last; ++r) {
      const std::int64_t at = r * s.width;
      const float* factors = factors_of(s, at);
      sum_row(s, at, factors, x, bias, residual, row);
      layer_norm_row_gradients(s.width, mean[r], rstd[r], row, dy + at, product, sums);
      gradient_row(s.width, mean[r], rstd[r], row, gamma, dy + at, dresidual + at);
      drop_gradient(s.width, factors, dresidual + at, dx + at, bias_sum);
    }
  });
  add_block_sums(blocks, s.width, partial, {dgamma, dbeta, dbias});
}

}  // namespace cardiograd::kernels
