// Layer normalization on the CPU: a row is read from memory once and stays in the first cache for the passes over it.
// The gradients of gamma and beta are sums over rows: blocks of rows are summed by one thread each, then added in
// double in their order.
#include <algorithm>
#include <cmath>

#include "base/threads.h"
#include "kernels/common/elementwise_cpu.h"
#include "kernels/common/scratch.h"
#include "kernels/common/vector_math.h"
#include "kernels/layer_norm/layer_norm.h"

namespace cardiograd::kernels {
namespace {

constexpr std::int64_t kRowsPerBlock = 64;

void normalize_row(std::int64_t width, float mean, float rstd, const float* __restrict x, const float* __restrict gamma,
                   const float* __restrict beta, float* __restrict y) {
  for (std::int64_t d = 0; d < width; ++d) y[d] = gamma[d] * ((x[d] - mean) * rstd) + beta[d];
}

// Adds dy * normal to product and dy to sum.
void add_row(std::int64_t width, float mean, float rstd, const float* __restrict x, const float* __restrict dy,
             float* __restrict product, float* __restrict sum) {
  for (std::int64_t d = 0; d < width; ++d) {
    product[d] += dy[d] * ((x[d] - mean) * rstd);
    sum[d] += dy[d];
  }
}

void gradient_row(std::int64_t width, float mean, float rstd, const float* __restrict x, const float* __restrict gamma,
                  const float* __restrict dy, float* __restrict dx) {
  const float weight = 1.0F / static_cast<float>(width);
  const float offset = weight * lane_sum(width, [&](std::int64_t d) { return gamma[d] * dy[d]; });
  const float slope =
      rstd * weight * lane_sum(width, [&](std::int64_t d) { return gamma[d] * dy[d] * ((x[d] - mean) * rstd); });
  for (std::int64_t d = 0; d < width; ++d) dx[d] = rstd * (gamma[d] * dy[d] - offset - (x[d] - mean) * slope);
}

}  // namespace

void layer_norm_forward_cpu(const LayerNormShape& s, const float* x, const float* gamma, const float* beta, float* y,
                            float* mean, float* rstd) {
  const float width = static_cast<float>(s.width);
  parallel_ranges(s.rows, rows_per_task(s.width), [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t r = first; r < last; ++r) {
      const float* row = x + r * s.width;
      const float center = lane_sum(s.width, [&](std::int64_t d) { return row[d]; }) / width;
      const float squares = lane_sum(s.width, [&](std::int64_t d) { return (row[d] - center) * (row[d] - center); });
      mean[r] = center;
      rstd[r] = 1.0F / std::sqrt(squares / width + static_cast<float>(s.epsilon));
      normalize_row(s.width, center, rstd[r], row, gamma, beta, y + r * s.width);
    }
  });
}

void layer_norm_backward_cpu(const LayerNormShape& s, const float* x, const float* gamma, const float* mean,
                             const float* rstd, const float* dy, float* dx, float* dgamma, float* dbeta) {
  const std::int64_t blocks = (s.rows + kRowsPerBlock - 1) / kRowsPerBlock;
  float* partial = scratch(ScratchUse::kPartial, 2 * blocks * s.width);
  parallel_for(blocks, [&](std::int64_t block) {
    float* product = partial + 2 * block * s.width;
    float* sum = product + s.width;
    std::fill(product, product + 2 * s.width, 0.0F);
    const std::int64_t last = std::min(s.rows, (block + 1) * kRowsPerBlock);
    for (std::int64_t r = block * kRowsPerBlock; r < last; ++r) {
      const std::int64_t at = r * s.width;
      add_row(s.width, mean[r], rstd[r], x + at, dy + at, product, sum);
      gradient_row(s.width, mean[r], rstd[r], x + at, gamma, dy + at, dx + at);
    }
  });
  for (std::int64_t d = 0; d < s.width; ++d) {
    double product = 0;
    double sum = 0;
    for (std::int64_t block = 0; block < blocks; ++block) {
      product += partial[2 * block * s.width + d];
      sum += partial[(2 * block + 1) * s.width + d];
    }
    dgamma[d] += static_cast<float>(product);
    dbeta[d] += static_cast<float>(sum);
  }
}

}  // namespace cardiograd::kernels
