// The micro-kernel, included once per instruction set with these macros set: CARDIOGRAD_LANES (floats per vector),
// CARDIOGRAD_ROWS, CARDIOGRAD_VECTORS (vectors per row of the tile). Everything is internal to the including file.

#include "kernels/gemm/gemm_micro.h"

namespace cardiograd::kernels {
namespace {

constexpr int kLanes = CARDIOGRAD_LANES;
constexpr int kRows = CARDIOGRAD_ROWS;
constexpr int kVectors = CARDIOGRAD_VECTORS;
constexpr int kColumns = kLanes * kVectors;

typedef float Vector __attribute__((vector_size(kLanes * 4)));
typedef float UnalignedVector __attribute__((vector_size(kLanes * 4), aligned(4), may_alias));

inline Vector load(const float* from) {
  return *reinterpret_cast<const UnalignedVector*>(from);
}
inline void store(float* to, Vector value) {
  *reinterpret_cast<UnalignedVector*>(to) = value;
}

inline Vector finish(Vector value, const GemmTile& tile, const float* c, const float* bias) {
  if (tile.accumulate) value += load(c);
  if (bias != nullptr) value += load(bias);
  if (tile.relu) value = value > 0.0F ? value : value - value;  // NaN stays NaN, as in PyTorch.
  return value;
}

template <int Rows>
void compute(const GemmTile& tile) {
  Vector sum[Rows][kVectors] = {};
  const float* b = tile.b;
  const float* a = tile.a;
  const std::int64_t row_stride = tile.a_row_stride;
  for (std::int64_t p = 0; p < tile.k; ++p) {
    Vector column[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) column[v] = load(b + v * kLanes);
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
      const float value = a[i * row_stride];
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) sum[i][v] += value * column[v];
    }
    b += kColumns;
    a += tile.a_column_stride;
  }
  if (tile.columns_left == kColumns) {
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        float* c = tile.c + i * tile.c_stride + v * kLanes;
        store(c, finish(sum[i][v], tile, c, tile.bias == nullptr ? nullptr : tile.bias + v * kLanes));
      }
    }
    return;
  }
  // The last panel: the same arithmetic on a full tile of copies, of which the columns that exist are kept.
  float c_copy[kColumns] = {};
  float bias_copy[kColumns] = {};
  for (int j = 0; j < tile.columns_left && tile.bias != nullptr; ++j) bias_copy[j] = tile.bias[j];
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i) {
    float* c = tile.c + i * tile.c_stride;
    if (tile.accumulate)
      for (int j = 0; j < tile.columns_left; ++j) c_copy[j] = c[j];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      float* part = c_copy + v * kLanes;
      store(part, finish(sum[i][v], tile, part, tile.bias == nullptr ? nullptr : bias_copy + v * kLanes));
    }
    for (int j = 0; j < tile.columns_left; ++j) c[j] = c_copy[j];
  }
}

template <int Rows>
void compute_rows(const GemmTile& tile) {
  if constexpr (Rows == 1) {
    compute<1>(tile);
  } else {
    if (tile.rows_left >= Rows)
      compute<Rows>(tile);
    else
      compute_rows<Rows - 1>(tile);
  }
}

void compute_tile(const GemmTile& tile) {
  compute_rows<kRows>(tile);
}

}  // namespace
}  // namespace cardiograd::kernels
