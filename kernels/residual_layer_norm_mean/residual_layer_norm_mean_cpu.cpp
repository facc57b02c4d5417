// The end of a transformer on the CPU: a record's rows one after the other, in scratch memory, with the bits that
// residual_layer_norm, mean_time and concat have in turn.
#include <algorithm>

#include "kernels/residual_layer_norm/residual_layer_norm_cpu.h"
#include "kernels/residual_layer_norm_mean/residual_layer_norm_mean.h"

namespace cardiograd::kernels {
namespace {

constexpr std::int64_t kTimeChunk = 64;  // samples summed before they join the total, as in mean_time_forward

void add_to(std::int64_t width, const float* __restrict values, float* __restrict sum) {
  for (std::int64_t d = 0; d < width; ++d) sum[d] += values[d];
}
void divide(std::int64_t width, const float* __restrict sum, float count, float* __restrict mean) {
  for (std::int64_t d = 0; d < width; ++d) mean[d] = sum[d] / count;
}

}  // namespace

void residual_layer_norm_mean_forward_cpu(const ResidualLayerNormMeanShape& s, const float* x, const float* bias,
                                          const float* residual, const float* gamma, const float* beta,
                                          const float* beside, float* y, float* mean, float* rstd) {
  const ResidualLayerNormShape rows = s.rows();
  const LayerNormShape norm = {rows.rows, s.width, s.epsilon};
  parallel_for(s.batch, [&](std::int64_t n) {
    float* sum = scratch(ScratchUse::kColumns, 4 * s.width);
    float* row = sum + s.width;
    float* chunk = row + s.width;
    float* total = chunk + s.width;
    std::fill_n(total, s.width, 0.0F);
    for (std::int64_t first = 0; first < s.time; first += kTimeChunk) {
      std::fill_n(chunk, s.width, 0.0F);
      const std::int64_t last = std::min(s.time, first + kTimeChunk);
      for (std::int64_t r = n * s.time + first; r < n * s.time + last; ++r) {
        const std::int64_t at = r * s.width;
        sum_row(rows, at, factors_of(rows, at), x, bias, residual, sum);
        layer_norm_row(norm, sum, gamma, beta, row, mean[r], rstd[r]);
        add_to(s.width, row, chunk);
      }
      add_to(s.width, chunk, total);
    }
    float* to = y + n * (s.width + s.width_b);
    divide(s.width, total, static_cast<float>(s.time), to);
    std::copy_n(beside + n * s.width_b, s.width_b, to + s.width);
  });
}

void residual_layer_norm_mean_backward_cpu(const ResidualLayerNormMeanShape& s, const float* x, const float* bias,
                                           const float* residual, const float* gamma, const float* mean,
                                           const float* rstd, const float* dy, float* dx, float* dresidual,
                                           float* dbias, float* dgamma, float* dbeta, float* dbeside) {
  const std::int64_t pitch = s.width + s.width_b;
  for (std::int64_t n = 0; n < s.batch; ++n) std::copy_n(dy + n * pitch + s.width, s.width_b, dbeside + n * s.width_b);
  const auto gradient_row_of = [&](std::int64_t r) {
    float* row = scratch(ScratchUse::kPadded, s.width);
    divide(s.width, dy + r / s.time * pitch, static_cast<float>(s.time), row);
    return row;
  };
  residual_layer_norm_gradients(s.rows(), x, bias, residual, gamma, mean, rstd, gradient_row_of, dx, dresidual, dbias,
                                dgamma, dbeta);
}

}  // namespace cardiograd::kernels
