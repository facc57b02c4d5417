// Batch normalization on the CPU, in blocks of rows that stay in the cache.
//
// Statistics: a block finds its own mean in a first pass and, in a second, the sum and the squares of the deviations
// from it; blocks are combined in double in their order (Chan, Golub and LeVeque, 1983). E[x^2] - E[x]^2 would lose
// every digit of a small variance beside a large mean. The second sweep over memory, which writes y or dx, runs through
// the blocks backwards: it begins with those that the first sweep left in the cache.
#include "kernels/batch_norm/batch_norm_cpu.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "base/threads.h"
#include "kernels/common/scratch.h"

namespace cardiograd::kernels {
namespace {

constexpr std::int64_t kRowsPerBlock = 128;
// Channels that one task combines over all blocks.
constexpr std::int64_t kChannelTile = 16;

std::int64_t block_count(const BatchNormShape& s) {
  return (s.rows + kRowsPerBlock - 1) / kRowsPerBlock;
}
std::int64_t rows_of_block(const BatchNormShape& s, std::int64_t block) {
  return std::min(kRowsPerBlock, s.rows - block * kRowsPerBlock);
}

// Rows of C floats in scratch memory; the names are those of the sums and coefficients below.
struct Block {
  float* pivot;    // about the mean of the block
  float* sum;      // of x - pivot
  float* squares;  // of x - pivot
};
Block block_at(float* partial, std::int64_t channels, std::int64_t block) {
  float* first = partial + 3 * block * channels;
  return {first, first + channels, first + 2 * channels};
}

void block_statistics(std::int64_t rows, std::int64_t channels, const float* __restrict x, float* __restrict pivot,
                      float* __restrict sum, float* __restrict squares) {
  std::fill(pivot, pivot + channels, 0.0F);
  std::fill(sum, sum + channels, 0.0F);
  std::fill(squares, squares + channels, 0.0F);
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t c = 0; c < channels; ++c) pivot[c] += x[r * channels + c];
  const float weight = 1.0F / static_cast<float>(rows);
  for (std::int64_t c = 0; c < channels; ++c) pivot[c] *= weight;
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < channels; ++c) {
      const float deviation = x[r * channels + c] - pivot[c];
      sum[c] += deviation;
      squares[c] += deviation * deviation;
    }
  }
}

// Mean and sum of squared deviations of channels first ... first+count-1 over all blocks.
void combine_blocks(const BatchNormShape& s, float* partial, std::int64_t first, std::int64_t count, double* mean,
                    double* squares) {
  std::fill(mean, mean + count, 0.0);
  std::fill(squares, squares + count, 0.0);
  for (std::int64_t b = 0; b < block_count(s); ++b) {
    const Block block = block_at(partial, s.channels, b);
    const double rows = static_cast<double>(rows_of_block(s, b));
    for (std::int64_t c = 0; c < count; ++c) mean[c] += rows * block.pivot[first + c] + block.sum[first + c];
  }
  for (std::int64_t c = 0; c < count; ++c) mean[c] /= static_cast<double>(s.rows);
  for (std::int64_t b = 0; b < block_count(s); ++b) {
    const Block block = block_at(partial, s.channels, b);
    const double rows = static_cast<double>(rows_of_block(s, b));
    for (std::int64_t c = 0; c < count; ++c) {
      // The block's own squares about its exact mean, and those of that mean about the mean of all.
      const double offset = block.sum[first + c] / rows;
      const double between = block.pivot[first + c] + offset - mean[c];
      squares[c] += block.squares[first + c] - rows * offset * offset + rows * between * between;
    }
  }
}

// y = (x - center) * scale + shift, one value of each per channel.
template <bool kRelu>
void apply_rows(std::int64_t rows, std::int64_t channels, const float* __restrict x, const float* __restrict center,
                const float* __restrict scale, const float* __restrict shift, float* __restrict y) {
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < channels; ++c) {
      const float value = (x[r * channels + c] - center[c]) * scale[c] + shift[c];
      y[r * channels + c] = kRelu && value <= 0.0F ? 0.0F : value;
    }
  }
}

void apply(const BatchNormShape& s, const float* x, const float* center, const float* scale, const float* shift,
           float* y) {
  const std::int64_t blocks = block_count(s);
  parallel_for(blocks, [&](std::int64_t task) {
    const std::int64_t block = blocks - 1 - task;
    const std::int64_t offset = block * kRowsPerBlock * s.channels;
    const auto rows = s.relu ? apply_rows<true> : apply_rows<false>;
    rows(rows_of_block(s, block), s.channels, x + offset, center, scale, shift, y + offset);
  });
}

// Adds dy and dy * (x - mean) over kRows rows to sum and product, dy masked by ReLU. Four rows at a time spare three of
// four trips of the sums through the first cache.
template <bool kRelu, int kRows>
void add_gradient_rows(std::int64_t channels, const float* __restrict x, const float* __restrict dy,
                       const float* __restrict mean, const float* __restrict scale, const float* __restrict beta,
                       float* __restrict sum, float* __restrict product) {
  for (std::int64_t c = 0; c < channels; ++c) {
    float row_sum = 0;
    float row_product = 0;
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
      const float deviation = x[r * channels + c] - mean[c];
      const float above = dy[r * channels + c];
      const float gradient = kRelu && deviation * scale[c] + beta[c] <= 0.0F ? 0.0F : above;
      row_sum += gradient;
      row_product += gradient * deviation;
    }
    sum[c] += row_sum;
    product[c] += row_product;
  }
}

template <bool kRelu>
void gradient_sums(std::int64_t rows, std::int64_t channels, const float* x, const float* dy, const float* mean,
                   const float* scale, const float* beta, float* sum, float* product) {
  std::fill(sum, sum + channels, 0.0F);
  std::fill(product, product + channels, 0.0F);
  std::int64_t r = 0;
  for (; r + 4 <= rows; r += 4)
    add_gradient_rows<kRelu, 4>(channels, x + r * channels, dy + r * channels, mean, scale, beta, sum, product);
  for (; r < rows; ++r)
    add_gradient_rows<kRelu, 1>(channels, x + r * channels, dy + r * channels, mean, scale, beta, sum, product);
}

// dx = scale * (dy - offset - (x - mean) * slope), dy masked by ReLU.
template <bool kRelu>
void gradient_rows(std::int64_t rows, std::int64_t channels, const float* __restrict x, const float* __restrict dy,
                   const float* __restrict mean, const float* __restrict scale, const float* __restrict beta,
                   const float* __restrict offset, const float* __restrict slope, float* __restrict dx) {
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < channels; ++c) {
      const float deviation = x[r * channels + c] - mean[c];
      const float above = dy[r * channels + c];
      const float gradient = kRelu && deviation * scale[c] + beta[c] <= 0.0F ? 0.0F : above;
      dx[r * channels + c] = scale[c] * (gradient - offset[c] - deviation * slope[c]);
    }
  }
}

// Of all blocks: their own means, sums and squares.
void find_block_statistics(const BatchNormShape& s, const float* x, float* partial) {
  parallel_for(block_count(s), [&](std::int64_t b) {
    const Block block = block_at(partial, s.channels, b);
    block_statistics(rows_of_block(s, b), s.channels, x + b * kRowsPerBlock * s.channels, block.pivot, block.sum,
                     block.squares);
  });
}

// Of all blocks: the sums of dy and of dy * (x - mean), (block, 2, C). `done` is called with each block.
template <class Done>
void find_gradient_sums(const BatchNormShape& s, const float* x, const float* mean, const float* scale,
                        const float* beta, const float* dy, float* partial, const Done& done) {
  parallel_for(block_count(s), [&](std::int64_t block) {
    const std::int64_t at = block * kRowsPerBlock * s.channels;
    float* sum = partial + 2 * block * s.channels;
    const auto sums = s.relu ? gradient_sums<true> : gradient_sums<false>;
    sums(rows_of_block(s, block), s.channels, x + at, dy + at, mean, scale, beta, sum, sum + s.channels);
    done(block);
  });
}

// Both backward directions. With running statistics, which do not depend on x, offset and slope are zero.
void backward(const BatchNormShape& s, bool training, const float* x, const float* gamma, const float* beta,
              const float* mean, const float* variance, const float* dy, float* dx, float* dgamma, float* dbeta) {
  const std::int64_t blocks = block_count(s);
  const std::int64_t channels = s.channels;
  float* partial = scratch(ScratchUse::kPartial, (2 * blocks + 3) * channels);
  float* scale = partial + 2 * blocks * channels;
  float* offset = scale + channels;
  float* slope = offset + channels;
  batch_norm_scale_cpu(s, gamma, variance, scale);
  std::fill(offset, offset + 2 * channels, 0.0F);
  const auto write_block = [&](std::int64_t block) {
    const std::int64_t at = block * kRowsPerBlock * channels;
    const auto rows = s.relu ? gradient_rows<true> : gradient_rows<false>;
    rows(rows_of_block(s, block), channels, x + at, dy + at, mean, scale, beta, offset, slope, dx + at);
  };
  find_gradient_sums(s, x, mean, scale, beta, dy, partial, [&](std::int64_t block) {
    if (!training) write_block(block);  // while x and dy are in the cache
  });
  batch_norm_gradients_cpu(s, training, blocks, partial, variance, offset, slope, dgamma, dbeta);
  if (training) parallel_for(blocks, [&](std::int64_t task) { write_block(blocks - 1 - task); });
}

}  // namespace

void batch_norm_statistics_cpu(const BatchNormShape& s, const float* x, const float* gamma, const float* beta,
                               float* running_mean, float* running_var, float* mean, float* variance, float* scale,
                               float* shift) {
  float* partial = scratch(ScratchUse::kPartial, 3 * block_count(s) * s.channels);
  find_block_statistics(s, x, partial);
  parallel_for((s.channels + kChannelTile - 1) / kChannelTile, [&](std::int64_t tile) {
    const std::int64_t first = tile * kChannelTile;
    const std::int64_t count = std::min(kChannelTile, s.channels - first);
    double exact_mean[kChannelTile];
    double squares[kChannelTile];
    combine_blocks(s, partial, first, count, exact_mean, squares);
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t c = first + i;
      const double biased = squares[i] / static_cast<double>(s.rows);
      const double unbiased = squares[i] / static_cast<double>(s.rows - 1);
      mean[c] = static_cast<float>(exact_mean[i]);
      variance[c] = static_cast<float>(biased);
      running_mean[c] = static_cast<float>((1 - s.momentum) * running_mean[c] + s.momentum * exact_mean[i]);
      running_var[c] = static_cast<float>((1 - s.momentum) * running_var[c] + s.momentum * unbiased);
      // What rounding takes from a mean that is large beside the deviation goes into the shift.
      const double factor = gamma[c] / std::sqrt(biased + s.epsilon);
      scale[c] = static_cast<float>(factor);
      shift[c] = static_cast<float>(beta[c] - factor * (exact_mean[i] - mean[c]));
    }
  });
}

void batch_norm_scale_cpu(const BatchNormShape& s, const float* gamma, const float* variance, float* scale) {
  for (std::int64_t c = 0; c < s.channels; ++c)
    scale[c] = static_cast<float>(gamma[c] * (1 / std::sqrt(variance[c] + s.epsilon)));
}

void batch_norm_gradients_cpu(const BatchNormShape& s, bool training, std::int64_t blocks, const float* sums,
                              const float* variance, float* offset, float* slope, float* dgamma, float* dbeta) {
  const std::int64_t channels = s.channels;
  parallel_for((channels + kChannelTile - 1) / kChannelTile, [&](std::int64_t tile) {
    const std::int64_t first = tile * kChannelTile;
    const std::int64_t count = std::min(kChannelTile, channels - first);
    double sum[kChannelTile] = {};
    double product[kChannelTile] = {};
    for (std::int64_t b = 0; b < blocks; ++b) {
      for (std::int64_t i = 0; i < count; ++i) {
        sum[i] += sums[2 * b * channels + first + i];
        product[i] += sums[(2 * b + 1) * channels + first + i];
      }
    }
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t c = first + i;
      const double rstd = 1 / std::sqrt(variance[c] + s.epsilon);
      const double gradient = product[i] * rstd;
      if (training) {
        offset[c] = static_cast<float>(sum[i] / static_cast<double>(s.rows));
        slope[c] = static_cast<float>(gradient * rstd / static_cast<double>(s.rows));
      }
      dgamma[c] += static_cast<float>(gradient);
      dbeta[c] += static_cast<float>(sum[i]);
    }
  });
}

void batch_norm_moments_cpu(const BatchNormShape& s, const float* x, double* mean, double* squares) {
  float* partial = scratch(ScratchUse::kPartial, 3 * block_count(s) * s.channels);
  find_block_statistics(s, x, partial);
  combine_blocks(s, partial, 0, s.channels, mean, squares);
}

void batch_norm_shared_backward_cpu(const BatchNormShape& s, std::int64_t all_rows, const float* x, const float* gamma,
                                    const float* beta, const float* mean, const float* variance, const float* dy,
                                    const std::function<void(double* sums)>& share, float* dx, float* dgamma,
                                    float* dbeta) {
  const std::int64_t blocks = block_count(s);
  const std::int64_t channels = s.channels;
  float* partial = scratch(ScratchUse::kPartial, (2 * blocks + 3) * channels);
  float* scale = partial + 2 * blocks * channels;
  float* offset = scale + channels;
  float* slope = offset + channels;
  batch_norm_scale_cpu(s, gamma, variance, scale);
  find_gradient_sums(s, x, mean, scale, beta, dy, partial, [](std::int64_t) {});
  std::vector<double> sums(static_cast<std::size_t>(2 * channels));
  for (std::int64_t b = 0; b < blocks; ++b)
    for (std::int64_t i = 0; i < 2 * channels; ++i)
      sums[static_cast<std::size_t>(i)] += static_cast<double>(partial[2 * b * channels + i]);
  const auto rstd = [&](std::int64_t c) { return 1 / std::sqrt(variance[c] + s.epsilon); };
  const double* sum = sums.data();
  const double* product = sum + channels;
  for (std::int64_t c = 0; c < channels; ++c) {
    dgamma[c] += static_cast<float>(product[c] * rstd(c));
    dbeta[c] += static_cast<float>(sum[c]);
  }
  share(sums.data());
  for (std::int64_t c = 0; c < channels; ++c) {
    offset[c] = static_cast<float>(sum[c] / static_cast<double>(all_rows));
    slope[c] = static_cast<float>(product[c] * rstd(c) * rstd(c) / static_cast<double>(all_rows));
  }
  parallel_for(blocks, [&](std::int64_t block) {
    const std::int64_t at = block * kRowsPerBlock * channels;
    const auto rows = s.relu ? gradient_rows<true> : gradient_rows<false>;
    rows(rows_of_block(s, block), channels, x + at, dy + at, mean, scale, beta, offset, slope, dx + at);
  });
}

void batch_norm_forward_cpu(const BatchNormShape& s, const float* x, const float* gamma, const float* beta,
                            float* running_mean, float* running_var, float* y, float* mean, float* variance) {
  float* scale = scratch(ScratchUse::kColumns, 2 * s.channels);
  float* shift = scale + s.channels;
  batch_norm_statistics_cpu(s, x, gamma, beta, running_mean, running_var, mean, variance, scale, shift);
  apply(s, x, mean, scale, shift, y);
}

void batch_norm_backward_cpu(const BatchNormShape& s, const float* x, const float* gamma, const float* beta,
                             const float* mean, const float* variance, const float* dy, float* dx, float* dgamma,
                             float* dbeta) {
  backward(s, true, x, gamma, beta, mean, variance, dy, dx, dgamma, dbeta);
}

void batch_norm_eval_forward_cpu(const BatchNormShape& s, const float* x, const float* gamma, const float* beta,
                                 const float* running_mean, const float* running_var, float* y) {
  float* scale = scratch(ScratchUse::kPartial, s.channels);
  for (std::int64_t c = 0; c < s.channels; ++c)
    scale[c] = static_cast<float>(gamma[c] / std::sqrt(running_var[c] + s.epsilon));
  apply(s, x, running_mean, scale, beta, y);
}

void batch_norm_eval_backward_cpu(const BatchNormShape& s, const float* x, const float* gamma, const float* beta,
                                  const float* running_mean, const float* running_var, const float* dy, float* dx,
                                  float* dgamma, float* dbeta) {
  backward(s, false, x, gamma, beta, running_mean, running_var, dy, dx, dgamma, dbeta);
}

}  // namespace cardiograd::kernels
