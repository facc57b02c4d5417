// The recurrence of an LSTM on the CPU. Records do not depend on each other: a task carries some of them through all
// samples, one product with the packed weights and one pass over the gates per sample. The gradient of the weights is
// one product over all samples of all records.
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "base/threads.h"
#include "kernels/common/column_sum_cpu.h"
#include "kernels/common/scratch.h"
#include "kernels/common/vector_math.h"
#include "kernels/gemm/gemm_cpu.h"
#include "kernels/lstm/lstm.h"

namespace cardiograd::kernels {
namespace {

// Whole tiles of every micro-kernel; enough to use a row of weights from the cache several times.
constexpr std::int64_t kRecordsPerTask = 24;

inline float sigmoid(float x) {
  return 1.0F / (1.0F + fast_exp(x < -88.0F ? 88.0F : -x));
}

// One sample of one record: gates from their sums (`sums`, the product's, and x), then cell and h. `before` is the cell
// of the sample before.
void put_cell(std::int64_t width, const float* __restrict sums, const float* __restrict x,
              const float* __restrict before, float* __restrict gates, float* __restrict cell, float* __restrict h) {
  for (std::int64_t u = 0; u < width; ++u) {
    const float i = sigmoid(x[u] + sums[u]);
    const float f = sigmoid(x[width + u] + sums[width + u]);
    const float g = hyperbolic_tangent(x[2 * width + u] + sums[2 * width + u]);
    const float o = sigmoid(x[3 * width + u] + sums[3 * width + u]);
    const float c = f * before[u] + i * g;
    gates[u] = i;
    gates[width + u] = f;
    gates[2 * width + u] = g;
    gates[3 * width + u] = o;
    cell[u] = c;
    h[u] = o * hyperbolic_tangent(c);
  }
}

// The gradient of one sample of one record: `through_product` is what the sample behind gives to dh. `carried` is the
// gradient of its cell from there, and becomes that of the cell before it.
void put_gradient(std::int64_t width, const float* __restrict gates, const float* __restrict cell,
                  const float* __restrict before, const float* __restrict dh, const float* __restrict through_product,
                  float* __restrict carried, float* __restrict dx) {
  for (std::int64_t u = 0; u < width; ++u) {
    const float i = gates[u], f = gates[width + u], g = gates[2 * width + u], o = gates[3 * width + u];
    const float squashed = hyperbolic_tangent(cell[u]);
    const float d = dh[u] + through_product[u];
    const float dc = carried[u] + d * o * (1.0F - squashed * squashed);
    dx[u] = dc * g * i * (1.0F - i);
    dx[width + u] = dc * before[u] * f * (1.0F - f);
    dx[2 * width + u] = dc * i * (1.0F - g * g);
    dx[3 * width + u] = d * squashed * o * (1.0F - o);
    carried[u] = dc * f;
  }
}

// Calls body(first, count) for the records of each task, over all threads.
template <class Body>
void for_records(const LstmShape& s, const Body& body) {
  parallel_for((s.batch + kRecordsPerTask - 1) / kRecordsPerTask, [&](std::int64_t task) {
    const std::int64_t first = task * kRecordsPerTask;
    body(first, std::min(kRecordsPerTask, s.batch - first));
  });
}

// One sample of some records as the left factor of a product; `data` (N, T, width).
LeftFactors rows_at(const LstmShape& s, const float* data, std::int64_t width, std::int64_t first, std::int64_t count,
                    std::int64_t sample) {
  return left_factors(Precision::kFp32, {data + (first * s.time + sample) * width, count, width, s.time * width},
                      nullptr);
}

void run_records(const LstmShape& s, std::int64_t first, std::int64_t count, const float* x, const float* packed,
                 const float* b, float* h, float* gates, float* cells) {
  float* sums = scratch(ScratchUse::kColumns, count * s.gates() + s.width);
  float* zeros = sums + count * s.gates();
  std::fill_n(zeros, s.width, 0.0F);
  for (std::int64_t step = 0; step < s.time; ++step) {
    const std::int64_t sample = s.sample(step);
    const std::int64_t before = s.sample(step - 1);
    if (step == 0)
      for (std::int64_t n = 0; n < count; ++n) std::copy_n(b, s.gates(), sums + n * s.gates());
    else
      gemm_packed(Precision::kFp32, count, s.gates(), s.width, rows_at(s, h, s.width, first, count, before), packed,
                  sums, s.gates(), {.bias = b});
    for (std::int64_t n = 0; n < count; ++n) {
      const std::int64_t record = (first + n) * s.time;
      const std::int64_t row = record + sample;
      put_cell(s.width, sums + n * s.gates(), x + row * s.gates(),
               step == 0 ? zeros : cells + (record + before) * s.width, gates + row * s.gates(), cells + row * s.width,
               h + row * s.width);
    }
  }
}

void run_records_back(const LstmShape& s, std::int64_t first, std::int64_t count, const float* packed,
                      const float* gates, const float* cells, const float* dh, float* dx) {
  float* through_product = scratch(ScratchUse::kColumns, (2 * count + 1) * s.width);
  float* carried = through_product + count * s.width;
  float* zeros = carried + count * s.width;
  std::fill_n(through_product, (2 * count + 1) * s.width, 0.0F);
  for (std::int64_t step = s.time - 1; step >= 0; --step) {
    const std::int64_t sample = s.sample(step);
    if (step + 1 < s.time)
      gemm_packed(Precision::kFp32, count, s.width, s.gates(),
                  rows_at(s, dx, s.gates(), first, count, s.sample(step + 1)), packed, through_product, s.width);
    for (std::int64_t n = 0; n < count; ++n) {
      const std::int64_t record = (first + n) * s.time;
      const std::int64_t row = record + sample;
      put_gradient(s.width, gates + row * s.gates(), cells + row * s.width,
                   step == 0 ? zeros : cells + (record + s.sample(step - 1)) * s.width, dh + row * s.width,
                   through_product + n * s.width, carried + n * s.width, dx + row * s.gates());
    }
  }
}

// h of the sample before, for every sample: what the weights' gradient multiplies.
const float* shifted(const LstmShape& s, const float* h) {
  float* to = scratch(ScratchUse::kPadded, s.batch * s.time * s.width);
  parallel_for(s.batch, [&](std::int64_t n) {
    const std::int64_t record = n * s.time * s.width;
    const std::int64_t rest = (s.time - 1) * s.width;
    std::copy_n(h + record + (s.reverse ? s.width : 0), rest, to + record + (s.reverse ? 0 : s.width));
    std::fill_n(to + record + (s.reverse ? rest : 0), s.width, 0.0F);
  });
  return to;
}

}  // namespace

void lstm_forward_cpu(const LstmShape& s, const float* x, const float* w, const float* b, float* h, float* gates,
                      float* cells) {
  if (s.time == 0) return;
  float* packed = scratch(ScratchUse::kGemmPack, packed_size(Precision::kFp32, s.width, s.gates()));
  pack_b(Precision::kFp32, s.width, s.gates(), row_major(w, s.gates()), packed);
  for_records(
      s, [&](std::int64_t first, std::int64_t count) { run_records(s, first, count, x, packed, b, h, gates, cells); });
}

void lstm_backward_cpu(const LstmShape& s, const float* w, const float* h, const float* gates, const float* cells,
                       const float* dh, float* dx, float* dw, float* db) {
  if (s.time == 0) return;
  float* packed = scratch(ScratchUse::kGemmPack, packed_size(Precision::kFp32, s.gates(), s.width));
  pack_b(Precision::kFp32, s.gates(), s.width, transposed(row_major(w, s.gates())), packed);
  for_records(s, [&](std::int64_t first, std::int64_t count) {
    run_records_back(s, first, count, packed, gates, cells, dh, dx);
  });
  const std::int64_t rows = s.batch * s.time;
  if (dw != nullptr) gemm_long_reduction(Precision::kFp32, s.width, s.gates(), rows, shifted(s, h), dx, dw);
  if (db != nullptr) column_sum_cpu(rows, s.gates(), dx, db);
}

}  // namespace cardiograd::kernels
