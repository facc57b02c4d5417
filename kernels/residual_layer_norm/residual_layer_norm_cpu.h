// Rows of a residual sum and their layer normalization on the CPU, for the kernels that are made of them: a row is
// summed up in scratch memory and stays in the first cache for the passes over it.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/threads.h"
#include "kernels/common/elementwise_cpu.h"
#include "kernels/common/scratch.h"
#include "kernels/layer_norm/layer_norm_cpu.h"
#include "kernels/residual_layer_norm/residual_layer_norm.h"

namespace cardiograd::kernels {

inline constexpr std::int64_t kResidualRowsPerBlock = 64;

inline void add_row(std::int64_t width, const float* __restrict x, const float* __restrict bias,
                    const float* __restrict residual, float* __restrict sum) {
  for (std::int64_t d = 0; d < width; ++d) sum[d] = residual[d] + (x[d] + bias[d]);
}

inline void add_dropped_row(std::int64_t width, const float* __restrict x, const float* __restrict bias,
                            const float* __restrict residual, const float* __restrict factors, float* __restrict sum) {
  // Two loops, so that product and sum are rounded one after the other, as dropout and addition are.
  for (std::int64_t d = 0; d < width; ++d) sum[d] = (x[d] + bias[d]) * factors[d];
  for (std::int64_t d = 0; d < width; ++d) sum[d] += residual[d];
}

// The factors of the mask of the row at element `at`; nullptr without dropout.
inline const float* factors_of(const ResidualLayerNormShape& s, std::int64_t at) {
  return s.dropout.probability > 0 ? dropout_factors_cpu(s.dropout, at, s.width) : nullptr;
}

// h of the row at element `at`.
inline void sum_row(const ResidualLayerNormShape& s, std::int64_t at, const float* factors, const float* x,
                    const float* bias, const float* residual, float* sum) {
  if (factors != nullptr)
    add_dropped_row(s.width, x + at, bias, residual + at, factors, sum);
  else
    add_row(s.width, x + at, bias, residual + at, sum);
}

// dx = dresidual * factors, added to the sums of dbias.
inline void drop_gradient(std::int64_t width, const float* __restrict factors, const float* __restrict dresidual,
                          float* __restrict dx, float* __restrict bias_sum) {
  for (std::int64_t d = 0; d < width; ++d) {
    const float gradient = factors == nullptr ? dresidual[d] : dresidual[d] * factors[d];
    dx[d] = gradient;
    bias_sum[d] += gradient;
  }
}

// The backward pass; gradient_row_of(r) gives row r of dy, valid until the thread's next call.
template <class GradientRow>
void residual_layer_norm_gradients(const ResidualLayerNormShape& s, const float* x, const float* bias,
                                   const float* residual, const float* gamma, const float* mean, const float* rstd,
                                   const GradientRow& gradient_row_of, float* dx, float* dresidual, float* dbias,
                                   float* dgamma, float* dbeta) {
  const std::int64_t blocks = (s.rows + kResidualRowsPerBlock - 1) / kResidualRowsPerBlock;
  float* partial = scratch(ScratchUse::kPartial, 3 * blocks * s.width);
  parallel_for(blocks, [&](std::int64_t block) {
    float* product = partial + 3 * block * s.width;
    float* sums = product + s.width;
    float* bias_sum = sums + s.width;
    float* row = scratch(ScratchUse::kColumns, s.width);
    std::fill(product, product + 3 * s.width, 0.0F);
    const std::int64_t last = std::min(s.rows, (block + 1) * kResidualRowsPerBlock);
    for (std::int64_t r = block * kResidualRowsPerBlock; r < last; ++r) {
      const std::int64_t at = r * s.width;
      const float* factors = factors_of(s, at);
      const float* dy = gradient_row_of(r);
      sum_row(s, at, factors, x, bias, residual, row);
      layer_norm_row_gradients(s.width, mean[r], rstd[r], row, dy, product, sums);
      gradient_row(s.width, mean[r], rstd[r], row, gamma, dy, dresidual + at);
      drop_gradient(s.width, factors, dresidual + at, dx + at, bias_sum);
    }
  });
  add_block_sums(blocks, s.width, partial, {dgamma, dbeta, dbias});
}

}  // namespace cardiograd::kernels
