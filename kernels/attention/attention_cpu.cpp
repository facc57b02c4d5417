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

// The factors of the mask of queries first ... first + count - 1, s.mask_row() apart; nullptr without dropout.
const float* factors_of(const AttentionShape& s, std::int64_t task, std::int64_t first, std::int64_t count) {
  if (s.dropout.probability == 0) return nullptr;
  return dropout_factors_cpu(s.dropout, (task * s.time + first) * s.mask_row(), count * s.mask_row());
}

void round_all(const AttentionShape& s, std::int64_t count, float* x) {
  for (std::int64_t j = 0; j < count; ++j) x[j] = round_to(s.precision, x[j]);
}

// One row of weights. factors: of the mask, nullptr without dropout.
//
// In fp32 the mask's factor, the sum's inverse and the scale are part of the weights. Where factors are rounded
// (attention.h) they are not: `*_rounded` leaves them to multiply_rows().

void finish_weights(std::int64_t count, float inverse, const float* factors, float* row) {
  if (factors == nullptr)
    for (std::int64_t j = 0; j < count; ++j) row[j] *= inverse;
  else
    for (std::int64_t j = 0; j < count; ++j) row[j] *= inverse * factors[j];
}

void drop_weights(std::int64_t count, const float* factors, const float* p, float* dropped) {
  for (std::int64_t j = 0; j < count; ++j) dropped[j] = factors == nullptr ? p[j] : p[j] * factors[j];
}

void drop_weights_rounded(const AttentionShape& s, const float* factors, const float* p, float* dropped) {
  for (std::int64_t j = 0; j < s.time; ++j) dropped[j] = factors == nullptr || factors[j] != 0.0F ? p[j] : 0.0F;
  round_all(s, s.time, dropped);
}

// From the dropped weights to dS.
void finish_dscores(std::int64_t count, float scale, float mean, const float* p, const float* dmasked, float* dropped) {
  for (std::int64_t j = 0; j < count; ++j) dropped[j] = scale * (dropped[j] * dmasked[j] - p[j] * mean);
}

void finish_dscores_rounded(const AttentionShape& s, const float* factors, float mean, const float* p,
                            const float* dmasked, float* dscore) {
  for (std::int64_t j = 0; j < s.time; ++j)
    dscore[j] = p[j] * ((factors == nullptr ? 1.0F : factors[j]) * dmasked[j] - mean);
  round_all(s, s.time, dscore);
}

void multiply_rows(std::int64_t rows, std::int64_t columns, std::int64_t stride, float factor, float* x) {
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t c = 0; c < columns; ++c) x[i * stride + c] *= factor;
}

// A matrix of s.time rows of s.width as a factor: itself in fp32, otherwise a rounded copy at `copy`.
MatrixView rounded(const AttentionShape& s, const MatrixView& matrix, float* copy) {
  if (s.precision == Precision::kFp32) return matrix;
  for (std::int64_t i = 0; i < s.time; ++i)
    for (std::int64_t c = 0; c < s.width; ++c)
      copy[i * s.width + c] = round_to(s.precision, matrix.data[i * matrix.row_stride + c]);
  return row_major(copy, s.width);
}

MatrixView from_row(const MatrixView& matrix, std::int64_t i) {
  return {matrix.data + i * matrix.row_stride, matrix.row_stride, matrix.column_stride};
}

// A head's matrices as factors.
struct Factors {
  Factors(const AttentionShape& s, const Head& head, const float* qkv, const float* dy = nullptr) {
    const std::int64_t size = s.time * s.width;
    float* copies = s.precision == Precision::kFp32 ? nullptr : scratch(ScratchUse::kFactorA, 4 * size);
    q = rounded(s, head.q(qkv, 0), copies);
    k = rounded(s, head.k(qkv), copies == nullptr ? nullptr : copies + size);
    v = rounded(s, head.v(qkv), copies == nullptr ? nullptr : copies + 2 * size);
    if (dy != nullptr) this->dy = rounded(s, head.y(dy, 0), copies == nullptr ? nullptr : copies + 3 * size);
  }
  MatrixView q;
  MatrixView k;
  MatrixView v;
  MatrixView dy = {nullptr, 0, 1};
};

}  // namespace

void attention_forward_cpu(const AttentionShape& s, const float* qkv, float* y, float* lse) {
  const float scale = s.scale();
  const bool exact = s.precision == Precision::kFp32;
  parallel_for(s.batch * s.heads, [&](std::int64_t task) {
    const Head head(s, task);
    const Factors in(s, head, qkv);
    const std::int64_t keys_size = packed_size(s.width, s.time);
    float* keys = scratch(ScratchUse::kAttentionA, keys_size + packed_size(s.time, s.width));
    float* values = keys + keys_size;
    pack_b(s.width, s.time, transposed(in.k), keys);
    pack_b(s.time, s.width, in.v, values);
    float* weights = scratch(ScratchUse::kAttentionB, std::min(kQueryBlock, s.time) * s.time);
    float* totals = scratch(ScratchUse::kAttentionC, kQueryBlock);
    for (std::int64_t first = 0; first < s.time; first += kQueryBlock) {
      const std::int64_t count = std::min(kQueryBlock, s.time - first);
      gemm_packed(count, s.time, s.width, from_row(in.q, first), keys, weights, s.time);
      const float* factors = factors_of(s, task, first, count);
      for (std::int64_t i = 0; i < count; ++i) {
        float* row = weights + i * s.time;
        const float largest = lane_max(s.time, row);
        for (std::int64_t j = 0; j < s.time; ++j) row[j] = fast_exp(scale * (row[j] - largest));
        const float sum = lane_sum(s.time, [row](std::int64_t j) { return row[j]; });
        lse[head.lse_first + first + i] = scale * largest + std::log(sum);
        if (exact)
          finish_weights(s.time, 1.0F / sum, factors == nullptr ? nullptr : factors + i * s.mask_row(), row);
        else
          drop_weights_rounded(s, factors == nullptr ? nullptr : factors + i * s.mask_row(), row, row);
        totals[i] = sum;
      }
      float* out = y + head.y_first + first * head.y_row;
      gemm_packed(count, s.width, s.time, row_major(weights, s.time), values, out, head.y_row);
      for (std::int64_t i = 0; i < count && !exact; ++i)
        multiply_rows(1, s.width, head.y_row, s.dropout_factor() / totals[i], out + i * head.y_row);
    }
  });
}

void attention_backward_cpu(const AttentionShape& s, const float* qkv, const float* y, const float* lse,
                            const float* dy, float* dqkv) {
  const float scale = s.scale();
  const bool exact = s.precision == Precision::kFp32;
  parallel_for(s.batch * s.heads, [&](std::int64_t task) {
    const Head head(s, task);
    const Factors in(s, head, qkv, dy);
    const std::int64_t wide = packed_size(s.width, s.time);
    const std::int64_t tall = packed_size(s.time, s.width);
    float* keys_wide = scratch(ScratchUse::kAttentionA, 2 * wide + 2 * tall);
    float* values_wide = keys_wide + wide;
    float* keys_tall = values_wide + wide;
    float* rows_tall = keys_tall + tall;  // dy, then q of the block
    pack_b(s.width, s.time, transposed(in.k), keys_wide);
    pack_b(s.width, s.time, transposed(in.v), values_wide);
    pack_b(s.time, s.width, in.k, keys_tall);
    const std::int64_t block = std::min(kQueryBlock, s.time) * s.time;
    float* weights = scratch(ScratchUse::kAttentionB, block);
    float* dropped = scratch(ScratchUse::kAttentionC, block);   // mask * P, then dS
    float* dweights = scratch(ScratchUse::kAttentionD, block);  // d(mask * P)
    for (std::int64_t first = 0; first < s.time; first += kQueryBlock) {
      const std::int64_t count = std::min(kQueryBlock, s.time - first);
      const MatrixView dy_rows = from_row(in.dy, first);
      gemm_packed(count, s.time, s.width, from_row(in.q, first), keys_wide, weights, s.time);
      gemm_packed(count, s.time, s.width, dy_rows, values_wide, dweights, s.time);
      const float* factors = factors_of(s, task, first, count);
      for (std::int64_t i = 0; i < count; ++i) {
        const float log_sum = lse[head.lse_first + first + i];
        float* p = weights + i * s.time;
        for (std::int64_t j = 0; j < s.time; ++j) p[j] = fast_exp(scale * p[j] - log_sum);
        const float* factor = factors == nullptr ? nullptr : factors + i * s.mask_row();
        if (exact)
          drop_weights(s.time, factor, p, dropped + i * s.time);
        else
          drop_weights_rounded(s, factor, p, dropped + i * s.time);
      }
      const Epilogue add = {.accumulate = first > 0};
      pack_b(count, s.width, dy_rows, rows_tall);
      gemm_packed(s.time, s.width, count, transposed(row_major(dropped, s.time)), rows_tall,
                  dqkv + head.first + 2 * head.part, head.row, add);
      for (std::int64_t i = 0; i < count; ++i) {
        const float* dy_row = head.y(dy, first + i).data;
        const float* y_row = head.y(y, first + i).data;
        const float mean = lane_sum(s.width, [&](std::int64_t c) { return dy_row[c] * y_row[c]; });
        const float* p = weights + i * s.time;
        const float* dmasked = dweights + i * s.time;
        const float* factor = factors == nullptr ? nullptr : factors + i * s.mask_row();
        if (exact)
          finish_dscores(s.time, scale, mean, p, dmasked, dropped + i * s.time);
        else
          finish_dscores_rounded(s, factor, mean, p, dmasked, dropped + i * s.time);
      }
      gemm_packed(count, s.width, s.time, row_major(dropped, s.time), keys_tall, dqkv + head.first + first * head.row,
                  head.row);
      pack_b(count, s.width, from_row(in.q, first), rows_tall);
      gemm_packed(s.time, s.width, count, transposed(row_major(dropped, s.time)), rows_tall,
                  dqkv + head.first + head.part, head.row, add);
    }
    if (exact) return;
    multiply_rows(s.time, s.width, head.row, scale, dqkv + head.first);
    multiply_rows(s.time, s.width, head.row, scale, dqkv + head.first + head.part);
    multiply_rows(s.time, s.width, head.row, s.dropout_factor(), dqkv + head.first + 2 * head.part);
  });
}

}  // namespace cardiograd::kernels
