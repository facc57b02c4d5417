// One row of layer normalization on the CPU, for the kernels that are made of it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "kernels/common/vector_math.h"
#include "kernels/layer_norm/layer_norm.h"

namespace cardiograd::kernels {

inline void normalize_row(std::int64_t width, float mean, float rstd, const float* __restrict x,
                          const float* __restrict gamma, const float* __restrict beta, float* __restrict y) {
  for (std::int64_t d = 0; d < width; ++d) y[d] = gamma[d] * ((x[d] - mean) * rstd) + beta[d];
}

// Adds dy * normal to product and dy to sum.
inline void layer_norm_row_gradients(std::int64_t width, float mean, float rstd, const float* __restrict x,
                                     const float* __restrict dy, float* __restrict product, float* __restrict sum) {
  for (std::int64_t d = 0; d < width; ++d) {
    product[d] += dy[d] * ((x[d] - mean) * rstd);
    sum[d] += dy[d];
  }
}

inline void gradient_row(std::int64_t width, float mean, float rstd, const float* __restrict x,
                         const float* __restrict gamma, const float* __restrict dy, float* __restrict dx) {
  const float weight = 1.0F / static_cast<float>(width);
  const float offset = weight * lane_sum(width, [&](std::int64_t d) { return gamma[d] * dy[d]; });
  const float slope =
      rstd * weight * lane_sum(width, [&](std::int64_t d) { return gamma[d] * dy[d] * ((x[d] - mean) * rstd); });
  for (std::int64_t d = 0; d < width; ++d) dx[d] = rstd * (gamma[d] * dy[d] - offset - (x[d] - mean) * slope);
}

inline void layer_norm_row(const LayerNormShape& s, const float* x, const float* gamma, const float* beta, float* y,
                           float& mean, float& rstd) {
  const float width = static_cast<float>(s.width);
  const float center = lane_sum(s.width, [&](std::int64_t d) { return x[d]; }) / width;
  const float squares = lane_sum(s.width, [&](std::int64_t d) { return (x[d] - center) * (x[d] - center); });
  mean = center;
  rstd = 1.0F / std::sqrt(squares / width + static_cast<float>(s.epsilon));
  normalize_row(s.width, center, rstd, x, gamma, beta, y);
}

// to[k] (D) += the sums of blocks of rows, (block, kSums, D), added up in double in their order.
template <int kSums>
inline void add_block_sums(std::int64_t blocks, std::int64_t width, const float* partial, float* const (&to)[kSums]) {
  constexpr std::int64_t kTile = 64;
  for (int k = 0; k < kSums; ++k) {
    for (std::int64_t first = 0; first < width; first += kTile) {
      const std::int64_t count = std::min(kTile, width - first);
      double sums[kTile] = {};
      for (std::int64_t block = 0; block < blocks; ++block) {
        const float* from = partial + (kSums * block + k) * width + first;
        for (std::int64_t i = 0; i < count; ++i) sums[i] += from[i];
      }
      for (std::int64_t i = 0; i < count; ++i) to[k][first + i] += static_cast<float>(sums[i]);
    }
  }
}

}  // namespace cardiograd::kernels
