// Batch normalization, ReLU and max pooling on the CPU: two sweeps over x in either direction, in blocks of pairs that
// stay in the cache. The second sweep runs backwards: it begins with what the first left in the cache.
//
// Which of a pair is the larger one is decided before the ReLU: where both are negative, neither has a gradient.
#include <algorithm>

#include "base/threads.h"
#include "kernels/batch_norm/batch_norm_cpu.h"
#include "kernels/batch_norm_pool/batch_norm_pool.h"
#include "kernels/common/scratch.h"

namespace cardiograd::kernels {
namespace {

constexpr std::int64_t kPairsPerBlock = 64;

// Pairs first ... first + count - 1 of a record; `row` is that of the first sample, `pair` that of y. The last block of
// a record also has the odd sample that is in no pair.
struct Block {
  std::int64_t row;
  std::int64_t pair;
  std::int64_t count;
  bool odd;
};

std::int64_t blocks_per_record(const BatchNormPoolShape& s) {
  return (s.output_time() + kPairsPerBlock - 1) / kPairsPerBlock;
}

Block block_at(const BatchNormPoolShape& s, std::int64_t index) {
  const std::int64_t blocks = blocks_per_record(s);
  const std::int64_t record = index / blocks;
  const std::int64_t first = index % blocks * kPairsPerBlock;
  return {record * s.time + 2 * first, record * s.output_time() + first,
          std::min(kPairsPerBlock, s.output_time() - first), index % blocks == blocks - 1 && s.time % 2 != 0};
}

// Whether `next` takes the place of `best`: it is larger, or NaN.
inline bool replaces(float next, float best) {
  return static_cast<bool>(static_cast<int>(next > best) | static_cast<int>(next != next));
}

template <bool kRelu>
void pool_pairs(std::int64_t pairs, std::int64_t channels, const float* __restrict x, const float* __restrict mean,
                const float* __restrict scale, const float* __restrict shift, float* __restrict y) {
  for (std::int64_t t = 0; t < pairs; ++t, x += 2 * channels, y += channels) {
    for (std::int64_t c = 0; c < channels; ++c) {
      const float first = (x[c] - mean[c]) * scale[c] + shift[c];
      const float second = (x[channels + c] - mean[c]) * scale[c] + shift[c];
      const float larger = replaces(second, first) ? second : first;
      y[c] = kRelu && larger <= 0.0F ? 0.0F : larger;
    }
  }
}

// What the pair of one channel passes on of dy.
struct PairGradient {
  float first;
  float second;
};
template <bool kRelu>
inline PairGradient pair_gradient(float first_deviation, float second_deviation, float scale, float beta, float dy) {
  const float first = first_deviation * scale + beta;
  const float second = second_deviation * scale + beta;
  const float passed = kRelu && (replaces(second, first) ? second : first) <= 0.0F ? 0.0F : dy;
  return {replaces(second, first) ? 0.0F : passed, replaces(second, first) ? passed : 0.0F};
}

// Adds the gradients and gradients * (x - mean) of kPairs pairs to sum and product. Several at a time spare trips of
// the sums through the first cache.
template <bool kRelu, int kPairs>
void add_pairs(std::int64_t channels, const float* __restrict x, const float* __restrict dy,
               const float* __restrict mean, const float* __restrict scale, const float* __restrict beta,
               float* __restrict sum, float* __restrict product) {
  for (std::int64_t c = 0; c < channels; ++c) {
    float pair_sum = 0;
    float pair_product = 0;
#pragma GCC unroll 4
    for (int t = 0; t < kPairs; ++t) {
      const float first = x[2 * t * channels + c] - mean[c];
      const float second = x[(2 * t + 1) * channels + c] - mean[c];
      const PairGradient g = pair_gradient<kRelu>(first, second, scale[c], beta[c], dy[t * channels + c]);
      pair_sum += g.first + g.second;
      pair_product += g.first * first + g.second * second;
    }
    sum[c] += pair_sum;
    product[c] += pair_product;
  }
}

template <bool kRelu>
void gradient_sums(std::int64_t pairs, std::int64_t channels, const float* x, const float* dy, const float* mean,
                   const float* scale, const float* beta, float* sum, float* product) {
  std::fill(sum, sum + channels, 0.0F);
  std::fill(product, product + channels, 0.0F);
  std::int64_t t = 0;
  for (; t + 2 <= pairs; t += 2)
    add_pairs<kRelu, 2>(channels, x + 2 * t * channels, dy + t * channels, mean, scale, beta, sum, product);
  for (; t < pairs; ++t)
    add_pairs<kRelu, 1>(channels, x + 2 * t * channels, dy + t * channels, mean, scale, beta, sum, product);
}

// Per channel, (C) each: dx = scale * (gradient - offset - (x - mean) * slope).
struct Coefficients {
  const float* mean;
  const float* scale;
  const float* beta;
  const float* offset;
  const float* slope;
};

template <bool kRelu>
void write_pairs(std::int64_t pairs, std::int64_t channels, const float* __restrict x, const float* __restrict dy,
                 const Coefficients& of, float* __restrict dx) {
  const float* __restrict mean = of.mean;
  const float* __restrict scale = of.scale;
  const float* __restrict beta = of.beta;
  const float* __restrict offset = of.offset;
  const float* __restrict slope = of.slope;
  for (std::int64_t t = 0; t < pairs; ++t, x += 2 * channels, dx += 2 * channels, dy += channels) {
    for (std::int64_t c = 0; c < channels; ++c) {
      const float first = x[c] - mean[c];
      const float second = x[channels + c] - mean[c];
      const PairGradient g = pair_gradient<kRelu>(first, second, scale[c], beta[c], dy[c]);
      dx[c] = scale[c] * (g.first - offset[c] - first * slope[c]);
      dx[channels + c] = scale[c] * (g.second - offset[c] - second * slope[c]);
    }
  }
}

// Of a sample that is in no pair.
void write_odd(std::int64_t channels, const float* x, const Coefficients& of, float* dx) {
  for (std::int64_t c = 0; c < channels; ++c)
    dx[c] = of.scale[c] * (0.0F - of.offset[c] - (x[c] - of.mean[c]) * of.slope[c]);
}

}  // namespace

void batch_norm_pool_forward_cpu(const BatchNormPoolShape& s, const float* x, const float* gamma, const float* beta,
                                 float* running_mean, float* running_var, float* y, float* mean, float* variance) {
  float* scale = scratch(ScratchUse::kColumns, 2 * s.channels);
  float* shift = scale + s.channels;
  batch_norm_statistics_cpu(s.norm(), x, gamma, beta, running_mean, running_var, mean, variance, scale, shift);
  const std::int64_t blocks = s.batch * blocks_per_record(s);
  parallel_for(blocks, [&](std::int64_t task) {
    const Block block = block_at(s, blocks - 1 - task);
    const auto pool = s.relu ? pool_pairs<true> : pool_pairs<false>;
    pool(block.count, s.channels, x + block.row * s.channels, mean, scale, shift, y + block.pair * s.channels);
  });
}

void batch_norm_pool_given_forward_cpu(const BatchNormPoolShape& s, const float* x, const float* gamma,
                                       const float* beta, const float* mean, const float* variance, float* y) {
  float* normalized = scratch(ScratchUse::kColumns, s.batch * s.time * s.channels);
  batch_norm_eval_forward_cpu(s.norm(), x, gamma, beta, mean, variance, normalized);
  max_pool_forward_cpu(s.pool(), normalized, y);
}

void batch_norm_pool_add_forward_cpu(const BatchNormPoolShape& s, const float* x, const float* gamma, const float* beta,
                                     const float* mean, const float* variance, const float* added, float* y) {
  batch_norm_pool_given_forward_cpu(s, x, gamma, beta, mean, variance, y);
  const std::int64_t record = s.output_time() * s.channels;
  parallel_for(s.batch, [&](std::int64_t n) {
    for (std::int64_t i = 0; i < record; ++i) y[n * record + i] += added[i];
  });
}

void batch_norm_pool_backward_cpu(const BatchNormPoolShape& s, const float* x, const float* gamma, const float* beta,
                                  const float* mean, const float* variance, const float* dy, float* dx, float* dgamma,
                                  float* dbeta) {
  const std::int64_t blocks = s.batch * blocks_per_record(s);
  const std::int64_t channels = s.channels;
  float* partial = scratch(ScratchUse::kPartial, (2 * blocks + 3) * channels);
  float* scale = partial + 2 * blocks * channels;
  float* offset = scale + channels;
  float* slope = offset + channels;
  batch_norm_scale_cpu(s.norm(), gamma, variance, scale);
  parallel_for(blocks, [&](std::int64_t index) {
    const Block block = block_at(s, index);
    float* sum = partial + 2 * index * channels;
    const auto sums = s.relu ? gradient_sums<true> : gradient_sums<false>;
    sums(block.count, channels, x + block.row * channels, dy + block.pair * channels, mean, scale, beta, sum,
         sum + channels);
  });
  batch_norm_gradients_cpu(s.norm(), true, blocks, partial, variance, offset, slope, dgamma, dbeta);
  const Coefficients coefficients = {mean, scale, beta, offset, slope};
  parallel_for(blocks, [&](std::int64_t task) {
    const Block block = block_at(s, blocks - 1 - task);
    const std::int64_t at = block.row * channels;
    const auto write = s.relu ? write_pairs<true> : write_pairs<false>;
    write(block.count, channels, x + at, dy + block.pair * channels, coefficients, dx + at);
    const std::int64_t odd = at + 2 * block.count * channels;
    if (block.odd) write_odd(channels, x + odd, coefficients, dx + odd);
  });
}

}  // namespace cardiograd::kernels
