// The recurrence of an LSTM on the GPU: one launch per sample, each with the product of the sample before (behind) and
// what follows from it, for a tile of records and hidden units. The gradients of the weights are products of
// kernels/gemm/product.h over all samples.
#include <cstdint>

#include "kernels/common/column_sum_cuda.cuh"
#include "kernels/common/grid.cuh"
#include "kernels/common/scratch_cuda.h"
#include "kernels/common/vectors_cuda.cuh"
#include "kernels/gemm/product.h"
#include "kernels/lstm/lstm.h"
#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr int kLstmRecords = 16;  // of a block
inline constexpr int kLstmUnits = 16;    // of a block
inline constexpr int kLstmTileGates = kLstmGates * kLstmUnits;

// One sample of one launch. Element (n, column) of a sample of a tensor (N, T, columns) is at
// (n * time + sample) * columns + column.
struct LstmStep {
  std::int64_t time;
  std::int64_t sample;
  std::int64_t before;  // the sample before it
  std::int64_t behind;  // the sample behind it
  int records;
  int width;
  bool is_first;
  bool is_last;
};

// A tile's `kRows` rows of a matrix: to[i][j] = row(i)[j] for j < kColumns, 0 beyond `columns`. row(i) is null beyond
// the last row.
template <int kWidth, int kThreads, int kRows, int kColumns, int kPitch, class Row>
__device__ __forceinline__ void load_rows(float (&to)[kRows][kPitch], int columns, const Row& row) {
  constexpr int kPerRow = kColumns / kWidth;
  static_assert(kRows * kPerRow % kThreads == 0);
  SIMT_UNROLL_BY(8)
  for (int turn = 0; turn < kRows * kPerRow / kThreads; ++turn) {
    const int at = turn * kThreads + static_cast<int>(threadIdx.x);
    const int i = at / kPerRow;
    const int j = at % kPerRow * kWidth;
    const float* from = row(i);
    store_floats<kWidth>(&to[i][j], from != nullptr && j < columns ? load_floats<kWidth>(from + j) : Floats<kWidth>{});
  }
}

__device__ __forceinline__ float lstm_sigmoid(float x) {
  return 1.0F / (1.0F + expf(-x));
}

inline constexpr int kLstmForwardThreads = 128;
inline constexpr int kLstmForwardDepth = 64;                                                 // of h at a time
inline constexpr int kLstmForwardRecords = kLstmRecords * kLstmUnits / kLstmForwardThreads;  // of a thread

// A tile of w: rows from `depth` on, of kLstmUnits units the four gates; 0 beyond the ends.
template <int kWidth>
__device__ __forceinline__ void load_gate_weights(float (&to)[kLstmForwardDepth][kLstmTileGates], const float* w,
                                                  int depth, int first_unit, int width) {
  constexpr int kPerGate = kLstmUnits / kWidth;
  SIMT_UNROLL_BY(8)
  for (int turn = 0; turn < kLstmForwardDepth * kLstmGates * kPerGate / kLstmForwardThreads; ++turn) {
    const int at = turn * kLstmForwardThreads + static_cast<int>(threadIdx.x);
    const int k = at / (kLstmGates * kPerGate);
    const int gate = at / kPerGate % kLstmGates;
    const int unit = at % kPerGate * kWidth;
    const bool inside = depth + k < width && first_unit + unit < width;
    const float* from = w + (std::int64_t{depth + k} * kLstmGates + gate) * width + first_unit + unit;
    store_floats<kWidth>(&to[k][gate * kLstmUnits + unit], inside ? load_floats<kWidth>(from) : Floats<kWidth>{});
  }
}

// One block: the four gates of kLstmUnits units of kLstmRecords records. Shared memory 20.25 KiB.
template <int kWidth>
__global__ void __launch_bounds__(kLstmForwardThreads)
    lstm_step_kernel(LstmStep s, const float* __restrict__ x, const float* __restrict__ w, const float* __restrict__ b,
                     float* h, float* gates, float* cells) {
  constexpr int kRecords = kLstmForwardRecords;
  SIMT_SHARED(float, weights, [kLstmForwardDepth][kLstmTileGates]);
  SIMT_SHARED(float, left, [kLstmRecords][kLstmForwardDepth + 4]);
  const int unit_in_tile = static_cast<int>(threadIdx.x) % kLstmUnits;
  const int record_in_tile = static_cast<int>(threadIdx.x) / kLstmUnits;
  const int first_unit = static_cast<int>(blockIdx.y) * kLstmUnits;
  const int first_record = static_cast<int>(blockIdx.x) * kLstmRecords;
  constexpr int kRecordStep = kLstmRecords / kRecords;
  const int unit = first_unit + unit_in_tile;
  const auto record = [&](int i) { return first_record + record_in_tile + i * kRecordStep; };
  const auto inside = [&](int i) { return unit < s.width && record(i) < s.records; };
  // Element of a sample of a tensor (N, T, 4 * H), or (N, T, H).
  const auto gate_at = [&](int i, int gate) {
    return ((std::int64_t{record(i)} * s.time + s.sample) * kLstmGates + gate) * s.width + unit;
  };
  const auto cell_at = [&](int i, std::int64_t sample) {
    return (std::int64_t{record(i)} * s.time + sample) * s.width + unit;
  };
  // What comes from far away is asked for before the product.
  float inputs[kRecords][kLstmGates] = {}, last[kRecords] = {};
  SIMT_UNROLL
  for (int i = 0; i < kRecords; ++i) {
    if (!inside(i)) continue;
    SIMT_UNROLL
    for (int gate = 0; gate < kLstmGates; ++gate) inputs[i][gate] = x[gate_at(i, gate)] + b[gate * s.width + unit];
    if (!s.is_first) last[i] = cells[cell_at(i, s.before)];
  }
  float sums[kRecords][kLstmGates] = {};
  for (int depth = 0; depth < s.width && !s.is_first; depth += kLstmForwardDepth) {
    load_gate_weights<kWidth>(weights, w, depth, first_unit, s.width);
    load_rows<kWidth, kLstmForwardThreads, kLstmRecords, kLstmForwardDepth>(
        left, s.width - depth, [&](int i) -> const float* {
          if (first_record + i >= s.records) return nullptr;
          return h + (std::int64_t{first_record + i} * s.time + s.before) * s.width + depth;
        });
    __syncthreads();
    SIMT_UNROLL_BY(4)
    for (int k = 0; k < kLstmForwardDepth; k += 4) {
      Floats<4> factors[kRecords];
      SIMT_UNROLL
      for (int i = 0; i < kRecords; ++i) factors[i] = load_floats<4>(&left[record_in_tile + i * kRecordStep][k]);
      SIMT_UNROLL
      for (int j = 0; j < 4; ++j) {
        SIMT_UNROLL
        for (int gate = 0; gate < kLstmGates; ++gate) {
          const float weight = weights[k + j][gate * kLstmUnits + unit_in_tile];
          SIMT_UNROLL
          for (int i = 0; i < kRecords; ++i) sums[i][gate] += factors[i].at[j] * weight;
        }
      }
    }
    __syncthreads();
  }
  SIMT_UNROLL
  for (int i = 0; i < kRecords; ++i) {
    if (!inside(i)) continue;
    float made[kLstmGates];
    SIMT_UNROLL
    for (int gate = 0; gate < kLstmGates; ++gate) {
      const float sum = inputs[i][gate] + sums[i][gate];
      made[gate] = gate == 2 ? tanhf(sum) : lstm_sigmoid(sum);
      gates[gate_at(i, gate)] = made[gate];
    }
    const float cell = made[1] * last[i] + made[0] * made[2];
    cells[cell_at(i, s.sample)] = cell;
    h[cell_at(i, s.sample)] = made[3] * tanhf(cell);
  }
}

inline constexpr int kLstmBackwardThreads = kLstmRecords * kLstmUnits;
inline constexpr int kLstmBackwardDepth = 256;  // of the gates' gradients at a time
inline constexpr int kLstmParts = 4;            // that the depth is summed in
inline constexpr int kLstmPartDepth = kLstmBackwardDepth / kLstmParts;

// What the gradients of one unit of one record are made from.
struct LstmUnit {
  float i, f, g, o;
  float cell;
  float last;  // cell of the sample before
  float dh;
  float carried;
};

__device__ __forceinline__ LstmUnit load_unit(const LstmStep& s, int record, int unit, const float* gates,
                                              const float* cells, const float* dh, const float* carried) {
  const std::int64_t row = std::int64_t{record} * s.time + s.sample;
  const std::int64_t before = std::int64_t{record} * s.time + s.before;
  const float* gate = gates + row * kLstmGates * s.width + unit;
  return {.i = gate[0],
          .f = gate[s.width],
          .g = gate[2 * s.width],
          .o = gate[3 * s.width],
          .cell = cells[row * s.width + unit],
          .last = s.is_first ? 0.0F : cells[before * s.width + unit],
          .dh = dh[row * s.width + unit],
          .carried = s.is_last ? 0.0F : carried[std::int64_t{record} * s.width + unit]};
}

// One block: the gradients of kLstmUnits units of kLstmRecords records. The product with the transposed weights is
// summed in kLstmParts parts, by 64 threads each, four results to a thread. `carried` (N, H) as in lstm_ref.h. Shared
// memory 36.5 KiB.
template <int kWidth>
__global__ void __launch_bounds__(kLstmBackwardThreads)
    lstm_step_backward_kernel(LstmStep s, const float* __restrict__ w, const float* __restrict__ gates,
                              const float* __restrict__ cells, const float* __restrict__ dh, float* carried,
                              float* dx) {
  SIMT_SHARED(float, weights, [kLstmUnits][kLstmBackwardDepth + 4]);
  SIMT_SHARED(float, left, [kLstmRecords][kLstmBackwardDepth + 4]);
  SIMT_SHARED(float, parts, [kLstmParts][kLstmRecords * kLstmUnits]);
  const int thread = static_cast<int>(threadIdx.x);
  const int first_unit = static_cast<int>(blockIdx.y) * kLstmUnits;
  const int first_record = static_cast<int>(blockIdx.x) * kLstmRecords;
  const int unit = first_unit + thread % kLstmUnits;
  const int record = first_record + thread / kLstmUnits;
  const bool inside = unit < s.width && record < s.records;
  const std::int64_t gate_at = (std::int64_t{record} * s.time + s.sample) * kLstmGates * s.width + unit;
  LstmUnit in = {};
  if (inside) in = load_unit(s, record, unit, gates, cells, dh, carried);
  constexpr int kHalf = 8;  // results of a thread are this far apart
  const int part = thread / 64;
  const int row = thread % 64 / kHalf;
  const int column = thread % kHalf;
  float sums[2][2] = {};
  const int depth_of_all = kLstmGates * s.width;
  for (int depth = 0; depth < depth_of_all && !s.is_last; depth += kLstmBackwardDepth) {
    load_rows<kWidth, kLstmBackwardThreads, kLstmUnits, kLstmBackwardDepth>(
        weights, depth_of_all - depth, [&](int i) -> const float* {
          return first_unit + i < s.width ? w + std::int64_t{first_unit + i} * depth_of_all + depth : nullptr;
        });
    load_rows<kWidth, kLstmBackwardThreads, kLstmRecords, kLstmBackwardDepth>(
        left, depth_of_all - depth, [&](int i) -> const float* {
          if (first_record + i >= s.records) return nullptr;
          return dx + (std::int64_t{first_record + i} * s.time + s.behind) * depth_of_all + depth;
        });
    __syncthreads();
    SIMT_UNROLL_BY(4)
    for (int k = part * kLstmPartDepth; k < (part + 1) * kLstmPartDepth; k += 4) {
      Floats<4> a[2], c[2];
      SIMT_UNROLL
      for (int i = 0; i < 2; ++i) {
        a[i] = load_floats<4>(&left[row + i * kHalf][k]);
        c[i] = load_floats<4>(&weights[column + i * kHalf][k]);
      }
      SIMT_UNROLL
      for (int j = 0; j < 4; ++j) {
        SIMT_UNROLL
        for (int i = 0; i < 4; ++i) sums[i / 2][i % 2] += a[i / 2].at[j] * c[i % 2].at[j];
      }
    }
    __syncthreads();
  }
  SIMT_UNROLL
  for (int i = 0; i < 4; ++i)
    parts[part][(row + i / 2 * kHalf) * kLstmUnits + column + i % 2 * kHalf] = sums[i / 2][i % 2];
  __syncthreads();
  if (!inside) return;
  const float d = in.dh + ((parts[0][thread] + parts[1][thread]) + (parts[2][thread] + parts[3][thread]));
  const float squashed = tanhf(in.cell);
  const float dc = in.carried + d * in.o * (1.0F - squashed * squashed);
  dx[gate_at] = dc * in.g * in.i * (1.0F - in.i);
  dx[gate_at + s.width] = dc * in.last * in.f * (1.0F - in.f);
  dx[gate_at + 2 * s.width] = dc * in.i * (1.0F - in.g * in.g);
  dx[gate_at + 3 * s.width] = d * squashed * in.o * (1.0F - in.o);
  carried[std::int64_t{record} * s.width + unit] = dc * in.f;
}

namespace {

LstmStep step_of(const LstmShape& s, std::int64_t step) {
  return {.time = s.time,
          .sample = s.sample(step),
          .before = s.sample(step - 1),
          .behind = s.sample(step + 1),
          .records = static_cast<int>(s.batch),
          .width = static_cast<int>(s.width),
          .is_first = step == 0,
          .is_last = step + 1 == s.time};
}

dim3 step_blocks(const LstmShape& s) {
  return dim3(blocks_for(s.batch, kLstmRecords), blocks_for(s.width, kLstmUnits));
}

// launch(std::integral_constant<int, kWidth>()) with the widest access to the operands of the products.
template <class Launch>
void with_lstm_width(const LstmShape& s, const float* w, const float* left, const Launch& launch) {
  if (s.width % 4 == 0 && are_aligned(w, left))
    launch(std::integral_constant<int, 4>());
  else
    launch(std::integral_constant<int, 1>());
}

}  // namespace

void lstm_forward_cuda(const LstmShape& s, const float* x, const float* w, const float* b, float* h, float* gates,
                       float* cells, Stream stream) {
  if (s.batch * s.width == 0) return;
  with_lstm_width(s, w, h, [&](auto width) {
    for (std::int64_t step = 0; step < s.time; ++step)
      simt::launch<lstm_step_kernel<width()>>(step_blocks(s), dim3(kLstmForwardThreads), 0, stream, step_of(s, step), x,
                                              w, b, h, gates, cells);
  });
}

void lstm_backward_cuda(const LstmShape& s, const float* w, const float* h, const float* gates, const float* cells,
                        const float* dh, float* dx, float* dw, float* db, Stream stream) {
  if (s.batch * s.time * s.width == 0) return;
  float* carried = cuda_scratch(stream, CudaScratchUse::kCoefficients, s.batch * s.width);
  with_lstm_width(s, w, dx, [&](auto width) {
    for (std::int64_t step = s.time - 1; step >= 0; --step)
      simt::launch<lstm_step_backward_kernel<width()>>(step_blocks(s), dim3(kLstmBackwardThreads), 0, stream,
                                                       step_of(s, step), w, gates, cells, dh, carried, dx);
  });
  // Sample t of h meets the gradient of the sample that follows it.
  const ProductShape product = {.records = s.batch,
                                .time_in = s.time,
                                .time_out = s.time,
                                .first = s.reverse ? 1 : -1,
                                .depth = s.width,
                                .columns = s.gates()};
  if (dw != nullptr) weight_product_cuda(product, h, dx, dw, stream);
  if (db != nullptr) add_column_sums(s.batch * s.time, s.gates(), dx, db, stream);
}

}  // namespace cardiograd::kernels
