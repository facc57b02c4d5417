// One task does one head of one record. Queries come in blocks, so that the block of scores (kQueryBlock x T) stays in
// the second-level cache and the memory does not grow with T squared.
#include <algorithm>
#include <cmath>

#include "base/threads.h"
#include "kernels/attention/attention.h"
#include "kernels/attention/attention_micro.h"
#include "kernels/common/instruction_set.h"
#include "kernels/common/scratch.h"
#include "kernels/common/vector_math.h"
#include "kernels/dropout/dropout.h"
#include "kernels/gemm/gemm_cpu.h"

namespace cardiograd::kernels {
namespace {

constexpr std::int64_t kQueryBlock = 128;

const AttentionRows& row_functions() {
  static const AttentionRows& chosen = use_avx512() ? kAttentionRowsAvx512 : kAttentionRowsAvx2;
  return chosen;
}

// Where one head of one record lies.
struct Head {
  Head(const AttentionShape& s, std::int64_t task)
      : width(s.width),
        row(3 * s.heads * s.width),
        first(task / s.heads * s.time * row + task % s.heads * s.width),
        part(s.heads * s.width),
        y_row(part),
        y_first(task / s.heads * s.time * y_row + task % s.heads * s.width),
        lse_first(task * s.time) {}

  std::int64_t width;
  std::int64_t row;    // distance between rows of qkv
  std::int64_t first;  // q of row 0; k and v follow at `part` and 2 * `part`
  std::int64_t part;
  std::int64_t y_row;
  std::int64_t y_first;
  std::int64_t lse_first;

  // Rows i ... i + count - 1; which: 0 for q, 1 for k, 2 for v.
  Rows of_qkv(const float* qkv, int which, std::int64_t i, std::int64_t count) const {
    return {qkv + first + which * part + i * row, count, width, row};
  }
  Rows of_y(const float* y, std::int64_t i, std::int64_t count) const {
    return {y + y_first + i * y_row, count, width, y_row};
  }
};

// The factors of the mask of queries first ... first + count - 1, s.mask_row() apart; nullptr without dropout.
const float* factors_of(const AttentionShape& s, std::int64_t task, std::int64_t first, std::int64_t count) {
  if (s.dropout.probability == 0) return nullptr;
  return dropout_factors_cpu(s.dropout, (task * s.time + first) * s.mask_row(), count * s.mask_row());
}

void multiply_rows(std::int64_t rows, std::int64_t columns, std::int64_t stride, float factor, float* x) {
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t c = 0; c < columns; ++c) x[i * stride + c] *= factor;
}

// Asks for rows that are about to be read: they are too far apart for the processor to foresee.
void prefetch(const Rows& rows) {
  constexpr std::int64_t kLine = 16;
  for (std::int64_t i = 0; i < rows.count; ++i)
    for (std::int64_t c = 0; c < rows.width; c += kLine) __builtin_prefetch(rows.data + i * rows.stride + c);
}

MatrixView view_of(const Rows& rows) {
  return {rows.data, rows.stride, 1};
}

// The products of one head. Matrices of queries and keys have rows of `row()` floats, time rounded up to whole tiles,
// so that no tile has a remainder.
//
// In fp32 the mask's factor, the sum's inverse and the scale are part of the weights. Where factors are rounded
// (attention.h) they are not: multiply_rows() comes behind the products.
class HeadProducts {
 public:
  explicit HeadProducts(const AttentionShape& s) : s_(s), row_(padded_columns(s.time)) {
    const std::int64_t block = std::min(kQueryBlock, s.time);
    left_ = scratch(ScratchUse::kFactorA,
                    std::max(left_size(s.precision, {nullptr, block, s.time, row_}),
                             left_size(s.precision, {nullptr, block, s.width, 3 * s.heads * s.width})));
  }

  std::int64_t row() const { return row_; }
  std::int64_t wide_size() const { return packed_size(s_.precision, s_.width, s_.time); }
  std::int64_t tall_size() const { return packed_size(s_.precision, s_.time, s_.width); }

  // k or v as right factors, transposed for scores.
  void pack_wide(const Rows& rows, float* packed) const {
    pack_b(s_.precision, s_.width, s_.time, transposed(view_of(rows)), packed);
  }
  void pack_tall(const Rows& rows, float* packed) const {
    pack_b(s_.precision, rows.count, s_.width, view_of(rows), packed);
  }
  // scores (rows.count x time) = rows times what pack_wide() packed.
  void score(const Rows& rows, const float* packed, float* scores) const {
    gemm_packed(s_.precision, rows.count, row_, s_.width, left_factors(s_.precision, rows, left_), packed, scores,
                row_);
  }
  // to (count x width) = weights (count x time) times what pack_tall() packed.
  void combine(std::int64_t count, const float* weights, const float* packed, float* to, std::int64_t to_row) const {
    gemm_packed(s_.precision, count, s_.width, s_.time, left_factors(s_.precision, matrix(count, weights), left_),
                packed, to, to_row);
  }
  // to (time x width) = or += the transpose of weights (count x time) times what pack_tall() packed of `count` rows.
  void combine_transposed(std::int64_t count, const float* weights, const float* packed, float* to, std::int64_t to_row,
                          bool accumulate) const {
    gemm_packed(s_.precision, s_.time, s_.width, count, left_transposed(s_.precision, matrix(count, weights), left_),
                packed, to, to_row, {.accumulate = accumulate});
  }

 private:
  Rows matrix(std::int64_t count, const float* weights) const { return {weights, count, s_.time, row_}; }

  const AttentionShape& s_;
  std::int64_t row_;
  float* left_;
};

const float* row_of(const float* factors, const AttentionShape& s, std::int64_t i) {
  return factors == nullptr ? nullptr : factors + i * s.mask_row();
}

void forward_head(const AttentionShape& s, std::int64_t task, const float* qkv, float* y, float* lse) {
  const AttentionRows& rows = row_functions();
  const bool exact = s.precision == Precision::kFp32;
  const float scale = s.scale();
  const Head head(s, task);
  const HeadProducts products(s);
  for (int which = 0; which < 3; ++which) prefetch(head.of_qkv(qkv, which, 0, s.time));
  float* keys = scratch(ScratchUse::kAttentionA, products.wide_size() + products.tall_size());
  float* values = keys + products.wide_size();
  products.pack_wide(head.of_qkv(qkv, 1, 0, s.time), keys);
  products.pack_tall(head.of_qkv(qkv, 2, 0, s.time), values);
  float* weights = scratch(ScratchUse::kAttentionB, std::min(kQueryBlock, s.time) * products.row());
  float* largest = scratch(ScratchUse::kAttentionC, 2 * kQueryBlock);
  float* sums = largest + kQueryBlock;
  for (std::int64_t first = 0; first < s.time; first += kQueryBlock) {
    const std::int64_t count = std::min(kQueryBlock, s.time - first);
    products.score(head.of_qkv(qkv, 0, first, count), keys, weights);
    const float* factors = factors_of(s, task, first, count);
    rows.exponentials(count, s.time, products.row(), scale, weights, largest, sums);
    for (std::int64_t i = 0; i < count; ++i) {
      float* row = weights + i * products.row();
      lse[head.lse_first + first + i] = scale * largest[i] + std::log(sums[i]);
      if (exact)
        rows.weights(s.time, 1.0F / sums[i], row_of(factors, s, i), row);
      else
        rows.kept(s.time, row_of(factors, s, i), row, row);
    }
    float* out = y + head.y_first + first * head.y_row;
    products.combine(count, weights, values, out, head.y_row);
    for (std::int64_t i = 0; i < count && !exact; ++i)
      multiply_rows(1, s.width, head.y_row, s.dropout_factor() / sums[i], out + i * head.y_row);
  }
}

void backward_head(const AttentionShape& s, std::int64_t task, const float* qkv, const float* y, const float* lse,
                   const float* dy, float* dqkv) {
  const AttentionRows& rows = row_functions();
  const bool exact = s.precision == Precision::kFp32;
  const float scale = s.scale();
  const Head head(s, task);
  const HeadProducts products(s);
  for (int which = 0; which < 3; ++which) prefetch(head.of_qkv(qkv, which, 0, s.time));
  prefetch(head.of_y(dy, 0, s.time));
  prefetch(head.of_y(y, 0, s.time));
  float* keys_wide = scratch(ScratchUse::kAttentionA, 2 * products.wide_size() + 2 * products.tall_size());
  float* values_wide = keys_wide + products.wide_size();
  float* keys_tall = values_wide + products.wide_size();
  float* rows_tall = keys_tall + products.tall_size();  // dy, then q of the block
  products.pack_wide(head.of_qkv(qkv, 1, 0, s.time), keys_wide);
  products.pack_wide(head.of_qkv(qkv, 2, 0, s.time), values_wide);
  products.pack_tall(head.of_qkv(qkv, 1, 0, s.time), keys_tall);
  const std::int64_t block = std::min(kQueryBlock, s.time) * products.row();
  float* weights = scratch(ScratchUse::kAttentionB, block);
  float* dropped = scratch(ScratchUse::kAttentionC, block);   // mask * P, then dS
  float* dweights = scratch(ScratchUse::kAttentionD, block);  // d(mask * P)
  float* dq = dqkv + head.first;
  for (std::int64_t first = 0; first < s.time; first += kQueryBlock) {
    const std::int64_t count = std::min(kQueryBlock, s.time - first);
    const Rows queries = head.of_qkv(qkv, 0, first, count);
    const Rows dy_rows = head.of_y(dy, first, count);
    products.score(queries, keys_wide, weights);
    products.score(dy_rows, values_wide, dweights);
    const float* factors = factors_of(s, task, first, count);
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t at = i * products.row();
      rows.probabilities(s.time, scale, lse[head.lse_first + first + i], weights + at);
      (exact ? rows.dropped : rows.kept)(s.time, row_of(factors, s, i), weights + at, dropped + at);
    }
    products.pack_tall(dy_rows, rows_tall);
    products.combine_transposed(count, dropped, rows_tall, dq + 2 * head.part, head.row, first > 0);
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t at = i * products.row();
      const float* dy_row = head.of_y(dy, first + i, 1).data;
      const float* y_row = head.of_y(y, first + i, 1).data;
      const float mean = lane_sum(s.width, [&](std::int64_t c) { return dy_row[c] * y_row[c]; });
      if (exact)
        rows.dscores(s.time, scale, mean, weights + at, dweights + at, dropped + at);
      else
        rows.dscores_unscaled(s.time, mean, row_of(factors, s, i), weights + at, dweights + at, dropped + at);
    }
    products.combine(count, dropped, keys_tall, dq + first * head.row, head.row);
    products.pack_tall(queries, rows_tall);
    products.combine_transposed(count, dropped, rows_tall, dq + head.part, head.row, first > 0);
  }
  if (exact) return;
  multiply_rows(s.time, s.width, head.row, scale, dq);
  multiply_rows(s.time, s.width, head.row, scale, dq + head.part);
  multiply_rows(s.time, s.width, head.row, s.dropout_factor(), dq + 2 * head.part);
}

}  // namespace

void attention_forward_cpu(const AttentionShape& s, const float* qkv, float* y, float* lse) {
  parallel_for(s.batch * s.heads, [&](std::int64_t task) { forward_head(s, task, qkv, y, lse); });
}

void attention_backward_cpu(const AttentionShape& s, const float* qkv, const float* y, const float* lse,
                            const float* dy, float* dqkv) {
  parallel_for(s.batch * s.heads, [&](std::int64_t task) { backward_head(s, task, qkv, y, lse, dy, dqkv); });
}

}  // namespace cardiograd::kernels
