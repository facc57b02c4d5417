// Layer normalization on the CPU: a row is read from memory once and stays in the first cache for the passes over it.
// The gradients of gamma and beta are sums over rows: blocks of rows are summed by one thread each, then added in
// double in their order.
#include "kernels/layer_norm/layer_norm_cpu.h"

#include <algorithm>

#include "base/threads.h"
#include "kernels/common/elementwise_cpu.h"
#include "kernels/common/scratch.h"
#include "kernels/layer_norm/layer_norm.h"

namespace cardiograd::kernels {
namespace {

constexpr std::int64_t kRowsPerBlock = 64;

}  // namespace

void layer_norm_forward_cpu(const LayerNormShape& s, const float* x, const float* gamma, const float* beta, float* y,
                            float* mean, float* rstd) {
  parallel_ranges(s.rows, rows_per_task(s.width), [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t r = first; r < last; ++r)
      layer_norm_row(s, x + r * s.width, gamma, beta, y + r * s.width, mean[r], rstd[r]);
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
      layer_norm_row_gradients(s.width, mean[r], rstd[r], x + at, dy + at, product, sum);
      gradient_row(s.width, mean[r], rstd[r], x + at, gamma, dy + at, dx + at);
    }
  });
  add_block_sums(blocks, s.width, partial, {dgamma, dbeta});
}

}  // namespace cardiograd::kernels
