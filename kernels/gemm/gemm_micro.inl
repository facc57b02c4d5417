// The micro-kernel, included once per instruction set behind these definitions of its own:
//   Vector, kLanes, kRows, kVectors   a register of floats, its length; the tile is kRows x (kVectors * kLanes)
//   load(from), store(to, value)      kLanes floats, unaligned
//   Mask, first_lanes(count)          selects the first `count` lanes, 0 ... kLanes of them
//   load_masked, store_masked         of these lanes alone; the others are zero, or stay as they are in memory
//   Step, kDepth                      what one step takes of a row of A, and how many of k that is
//   step_at(address), first_of(step)  the step there, and the same with only the first of two
//   multiply_add(step, b, sum)        sum + step * b; b is kLanes words of the packed panel
//   words_of(first, second)           what a step takes of kLanes columns, of which these are the rows; the second is
//                                     zero in a last step that has one row only
//   store_rows(to, value)             the first kRows lanes
// Everything is internal to the including file.

#include "kernels/gemm/gemm_micro.h"

namespace cardiograd::kernels {
namespace {

constexpr int kColumns = kLanes * kVectors;

inline Vector finish(Vector value, const GemmTile& tile, Vector c, Vector bias) {
  if (tile.accumulate) value += c;
  if (tile.bias != nullptr) value += bias;
  if (tile.relu) value = value > 0.0F ? value : value - value;  // NaN stays NaN, as in PyTorch.
  return value;
}

template <int Rows>
void store_tile(const GemmTile& tile, const Vector (&sum)[Rows][kVectors]) {
  if (tile.columns_left == kColumns) {
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        float* c = tile.c + i * tile.c_stride + v * kLanes;
        store(c, finish(sum[i][v], tile, tile.accumulate ? load(c) : Vector{},
                        tile.bias == nullptr ? Vector{} : load(tile.bias + v * kLanes)));
      }
    }
    return;
  }
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) {
    const int left = tile.columns_left - v * kLanes;
    if (left <= 0) return;
    const Mask mask = first_lanes(left < kLanes ? left : kLanes);
    const Vector bias = tile.bias == nullptr ? Vector{} : load_masked(tile.bias + v * kLanes, mask);
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
      float* c = tile.c + i * tile.c_stride + v * kLanes;
      store_masked(c, mask, finish(sum[i][v], tile, tile.accumulate ? load_masked(c, mask) : Vector{}, bias));
    }
  }
}

// Rows of A are reached from one pointer for every four of them: a register for each row would be too many.
constexpr int kRowsPerPointer = 4;
constexpr int kPointers = (kRows + kRowsPerPointer - 1) / kRowsPerPointer;

template <int Rows>
inline __attribute__((always_inline)) void add_step(const char* const (&a)[kPointers], std::int64_t row_bytes,
                                                    const float* b, bool only_first, Vector (&sum)[Rows][kVectors]) {
  Vector column[kVectors];
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) column[v] = load(b + v * kLanes);
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i) {
    const char* at = a[i / kRowsPerPointer] + i % kRowsPerPointer * row_bytes;
    const Step step = only_first ? first_of(at) : step_at(at);
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) sum[i][v] = multiply_add(step, column[v], sum[i][v]);
  }
}

template <int Rows>
void compute(const GemmTile& tile) {
  Vector sum[Rows][kVectors] = {};
  if (tile.accumulate) {  // What will be added to is fetched while the reduction runs.
    for (int i = 0; i < Rows; ++i) {
      __builtin_prefetch(tile.c + i * tile.c_stride, 1);
      __builtin_prefetch(tile.c + i * tile.c_stride + kColumns / 2, 1);
    }
  }
  const float* b = tile.b;
  const char* a[kPointers];
  for (int g = 0; g < kPointers; ++g) a[g] = tile.a.data + kRowsPerPointer * g * tile.a.row_bytes;
  for (std::int64_t p = tile.k / kDepth; p > 0; --p) {
    add_step<Rows>(a, tile.a.row_bytes, b, false, sum);
    b += kColumns;
    for (const char*& pointer : a) pointer += tile.a.step_bytes;
  }
  if (kDepth > 1 && tile.k % kDepth != 0) add_step<Rows>(a, tile.a.row_bytes, b, true, sum);
  store_tile<Rows>(tile, sum);
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

// The words of step p of `a`, columns as `mask` says.
inline Vector step_words(std::int64_t p, std::int64_t k, const float* a, std::int64_t stride, Mask mask) {
  const Vector second = kDepth > 1 && p + 1 < k ? load_masked(a + (p + 1) * stride, mask) : Vector{};
  return words_of(load_masked(a + p * stride, mask), second);
}

// Rows of the source that are packed together: its lines are then still in the first cache when the next panel or tile
// takes its part of them.
constexpr std::int64_t kPackedTogether = 16;

// Asks for rows first ... last - 1 of a source that is not in the cache yet; its rows are too far apart for the
// processor to foresee.
inline void prefetch_rows(std::int64_t first, std::int64_t last, std::int64_t width, const float* from,
                          std::int64_t stride) {
  for (std::int64_t p = first; p < last; ++p)
    for (std::int64_t j = 0; j < width; j += 16) __builtin_prefetch(from + p * stride + j);
}

void pack_panels(std::int64_t k, std::int64_t n, const float* b, std::int64_t stride, float* to) {
  const std::int64_t panel = (k + kDepth - 1) / kDepth * kColumns;
  for (std::int64_t first = 0; first < k; first += kPackedTogether, to += kPackedTogether / kDepth * kColumns) {
    const std::int64_t last = first + kPackedTogether < k ? first + kPackedTogether : k;
    prefetch_rows(last, last + kPackedTogether < k ? last + kPackedTogether : k, n, b, stride);
    float* row = to;
    for (std::int64_t j = 0; j < n; j += kColumns, row += panel) {
      Mask masks[kVectors];
      for (int v = 0; v < kVectors; ++v) {
        const std::int64_t left = n - j - v * kLanes;
        masks[v] = first_lanes(left <= 0 ? 0 : left < kLanes ? static_cast<int>(left) : kLanes);
      }
      float* words = row;
      for (std::int64_t p = first; p < last; p += kDepth, words += kColumns) {
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v)
          store(words + v * kLanes, step_words(p, k, b + j + v * kLanes, stride, masks[v]));
      }
    }
  }
}

void pack_transposed(std::int64_t k, std::int64_t m, const float* a, std::int64_t stride, float* to) {
  const std::int64_t tile = (k + kDepth - 1) / kDepth * kRows;
  for (std::int64_t first = 0; first < k; first += kPackedTogether, to += kPackedTogether / kDepth * kRows) {
    const std::int64_t last = first + kPackedTogether < k ? first + kPackedTogether : k;
    prefetch_rows(last, last + kPackedTogether < k ? last + kPackedTogether : k, m, a, stride);
    float* row = to;
    for (std::int64_t i = 0; i < m; i += kRows, row += tile) {
      const Mask mask = first_lanes(m - i < kRows ? static_cast<int>(m - i) : kRows);
      float* words = row;
      for (std::int64_t p = first; p < last; p += kDepth, words += kRows)
        store_rows(words, step_words(p, k, a + i, stride, mask));
    }
  }
}

}  // namespace
}  // namespace cardiograd::kernels
