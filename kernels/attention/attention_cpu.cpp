// One task does one head of one record. Queries come in blocks, so that the block of scores (kQueryBlock x T) stays in
// the second-level cache and the memory does not grow with T squared.
#include <algorithm>
#include <cmath>

#include "base/threads.h"
#include "kernels/attention/attention.h"
#include "kernels/common/scratch.h"
#include "kernels/common/vector_math.h"
#include "kernels/dropout/dropout.h"
#include "kernels/gemm/gemm_cpu.h"

namespace cardiograd::kernels {
namespace {

constexpr std::int64_t kQueryBlock = 128;

// Where one head of one record lies.
struct Head {
  Head(const AttentionShape& s, std::int64_t task)
      : row(3 * s.heads * s.width),
        first(task / s.heads * s.time * row + task % s.heads * s.width),
        part(s.heads * s.width),
        y_row(part),
        y_first(task / s.heads * s.time * y_row + task % s.heads * s.width),
        lse_first(task * s.time) {}

  std::int64_t row;    // distance between rows of qkv
  std::int64_t first;  // q of row 0; k and v follow at `part` and 2 * `part`
  std::int64_t part;
  std::int64_t y_row;
  std::int64_t y_first;
  std::int64_t lse_first;

  MatrixView q(const float* qkv, std::int64_t i) const { return {qkv + first + i * row, row, 1}; }
  MatrixView k(const float* qkv) const { return {qkv + first + part, row, 1}; }
  MatrixView v(const float* qkv) const { return {qkv + first + 2 * part, row, 1}; }
  MatrixView y(const float* y, std::int64_t i) const { return {y + y_first + i * y_row, y_row, 1}; }
};

const float* factors_of(const AttentionShape& s, std::int64_t task, std::int64_t first, std::int64_t count) {
  if (s.dropout.probability == 0) return nullptr;
  return dropout_factors_cpu(s.dropout, (task * s.time + first) * s.time, count * s.time);
}

}  // namespace

void attention_forward_cpu(const AttentionShape& s, const float* qkv, float* y, float* lse) {
  const float scale = s.scale();
  parallel_for(s.batch * s.heads, [&](std::int64_t task) {
    const Head head(s, task);
    const std::int64_t keys_size = packed_size(s.width, s.time);
    float* keys = scratch(ScratchUse::kAttentionA, keys_size + packed_size(s.time, s.width));
    float* values = keys + keys_size;
    pack_b(s.width, s.time, transposed(head.k(qkv)), keys);
    pack_b(s.time, s.width, head.v(qkv), values);
    float* weights = scratch(ScratchUse::kAttentionB, std::min(kQueryBlock, s.time) * s.time);
    for (std::int64_t first = 0; first < s.time; first += kQueryBlock) {
      const std::int64_t count = std::min(kQueryBlock, s.time - first);
      gemm_packed(count, s.time, s.width, head.q(qkv, first), keys, weights, s.time);
      const float* factors = factors_of(s, task, first, count);
      for (std::int64_t i = 0; i < count; ++i) {
        float* row = weights + i * s.time;
        const float largest = lane_max(s.time, row);
        for (std::int64_t j = 0; j < s.time; ++j) row[j] = fast_exp(scale * (row[j] - largest));
        const float sum = lane_sum(s.time, [row](std::int64_t j) { return row[j]; });
        lse[head.lse_first + first + i] = scale * largest + std::log(sum);
        const float inverse = 1.0F / sum;
        if (factors == nullptr) {
          for (std::int64_t j = 0; j < s.time; ++j) row[j] *= inverse;
        } else {
          for (std::int64_t j = 0; j < s.time; ++j) row[j] *= inverse * factors[i * s.time + j];
        }
      }
      gemm_packed(count, s.width, s.time, row_major(weights, s.time), values, y + head.y_first + first * head.y_row,
                  head.y_row);
    }
  });
}

void attention_backward_cpu(const AttentionShape& s, const float* qkv, const float* y, const float* lse,
                            const float* dy, float* dqkv) {
  const float scale = s.scale();
  parallel_for(s.batch * s.heads, [&](std::int64_t task) {
    const Head head(s, task);
    const std::int64_t wide = packed_size(s.width, s.time);
    const std::int64_t tall = packed_size(s.time, s.width);
    float* keys_wide = scratch(ScratchUse::kAttentionA, 2 * wide + 2 * tall);
    float* values_wide = keys_wide + wide;
    float* keys_tall = values_wide + wide;
    float* rows_tall = keys_tall + tall;  // dy, then q of the block
    pack_b(s.width, s.time, transposed(head.k(qkv)), keys_wide);
    pack_b(s.width, s.time, transposed(head.v(qkv)), values_wide);
    pack_b(s.time, s.width, head.k(qkv), keys_tall);
    const std::int64_t block = std::min(kQueryBlock, s.time) * s.time;
    float* weights = scratch(ScratchUse::kAttentionB, block);
    float* dropped = scratch(ScratchUse::kAttentionC, block);   // mask * P, then dS
    float* dweights = scratch(ScratchUse::kAttentionD, block);  // d(mask * P)
    for (std::int64_t first = 0; first < s.time; first += kQueryBlock) {
      const std::int64_t count = std::min(kQueryBlock, s.time - first);
      const MatrixView dy_rows = head.y(dy, first);
      const MatrixView y_rows = head.y(y, first);
      gemm_packed(count, s.time, s.width, head.q(qkv, first), keys_wide, weights, s.time);
      gemm_packed(count, s.time, s.width, dy_rows, values_wide, dweights, s.time);
      const float* factors = factors_of(s, task, first, count);
      for (std::int64_t i = 0; i < count; ++i) {
        const float log_sum = lse[head.lse_first + first + i];
        float* p = weights + i * s.time;
        float* masked = dropped + i * s.time;
        for (std::int64_t j = 0; j < s.time; ++j) p[j] = fast_exp(scale * p[j] - log_sum);
        for (std::int64_t j = 0; j < s.time; ++j)
          masked[j] = factors == nullptr ? p[j] : p[j] * factors[i * s.time + j];
      }
      const Epilogue add = {.accumulate = first > 0};
      pack_b(count, s.width, dy_rows, rows_tall);
      gemm_packed(s.time, s.width, count, transposed(row_major(dropped, s.time)), rows_tall,
                  dqkv + head.first + 2 * head.part, head.row, add);
      for (std::int64_t i = 0; i < count; ++i) {
        const float* dy_row = dy_rows.data + i * dy_rows.row_stride;
        const float* y_row = y_rows.data + i * y_rows.row_stride;
        const float mean = lane_sum(s.width, [&](std::int64_t c) { return dy_row[c] * y_row[c]; });
        const float* p = weights + i * s.time;
        const float* dmasked = dweights + i * s.time;
        float* masked = dropped + i * s.time;
        for (std::int64_t j = 0; j < s.time; ++j) masked[j] = scale * (masked[j] * dmasked[j] - p[j] * mean);
      }
      gemm_packed(count, s.width, s.time, row_major(dropped, s.time), keys_tall, dqkv + head.first + first * head.row,
                  head.row);
      pack_b(count, s.width, head.q(qkv, first), rows_tall);
      gemm_packed(s.time, s.width, count, transposed(row_major(dropped, s.time)), rows_tall,
                  dqkv + head.first + head.part, head.row, add);
    }
  });
}

}  // namespace cardiograd::kernels
