// The taps on the GPU, channels last.
#include <cstdint>

#include "kernels/basis_taps/basis_taps.h"
#include "kernels/common/grid.cuh"
#include "kernels/common/row_tiles_cuda.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

// How far the function of tap k is from the sample, and whether it is one of the future.
struct TapPlace {
  std::int64_t step;
  bool future;
  __device__ TapPlace(std::int64_t k, std::int64_t length)
      : step(k < length ? length - 1 - k : k - length), future(k >= length) {}
};

// One thread: a tap of a channel. Blocks: tiles of taps, tiles of channels; no shared memory.
static __global__ void __launch_bounds__(kTileThreads)
    basis_taps_kernel(std::int64_t length, unsigned terms, unsigned channels, const float* __restrict__ basis,
                      const float* __restrict__ a, const float* __restrict__ skip, float* __restrict__ w) {
  using Tile = RowTile<1>;
  const unsigned c = blockIdx.y * Tile::kColumns + threadIdx.x;
  const std::int64_t k = std::int64_t{blockIdx.x} * Tile::kRowLanes + threadIdx.y;
  if (c >= channels || k >= 2 * length - 1) return;
  const TapPlace place(k, length);
  const float* from = basis + place.step * terms * channels + c;
  const float* by = a + (place.future ? std::uint64_t{terms} * channels : 0) + c;
  float sum = k == length - 1 ? skip[c] : 0.0F;
  for (unsigned m = 0; m < terms; ++m) sum += from[std::uint64_t{m} * channels] * by[std::uint64_t{m} * channels];
  w[k * channels + c] = sum;
}

// One block: one coefficient of a tile of channels, its lanes every kRowLanes-th step. Blocks: tiles of channels,
// coefficients of both directions. Shared memory 1 KiB.
static __global__ void __launch_bounds__(kTileThreads)
    basis_taps_backward_kernel(std::int64_t length, unsigned terms, unsigned channels, const float* __restrict__ basis,
                               const float* __restrict__ dw, float* __restrict__ da, float* __restrict__ dskip) {
  using Tile = RowTile<1>;
  SIMT_SHARED(float, lanes, [Tile::kRowLanes][Tile::kColumns]);
  const unsigned c = blockIdx.x * Tile::kColumns + threadIdx.x;
  const bool inside = c < channels;
  const bool future = blockIdx.y >= terms;
  const unsigned m = blockIdx.y - (future ? terms : 0);
  Floats<1> sum = {};
  if (inside) {
    const std::int64_t steps = future ? length - 1 : length;
    for (std::int64_t j = threadIdx.y; j < steps; j += Tile::kRowLanes)
      sum.at[0] += basis[(j * terms + m) * channels + c] * dw[(future ? length + j : length - 1 - j) * channels + c];
  }
  sum = sum_row_lanes<1>(lanes, sum);
  if (threadIdx.y != 0 || !inside) return;
  if (da != nullptr) da[std::uint64_t{blockIdx.y} * channels + c] += sum.at[0];
  if (dskip != nullptr && blockIdx.y == 0) dskip[c] += dw[(length - 1) * channels + c];
}

void basis_taps_forward_cuda(const BasisTapsShape& s, const float* basis, const float* a, const float* skip, float* w,
                             Stream stream) {
  if (s.channels == 0) return;
  using Tile = RowTile<1>;
  simt::launch<basis_taps_kernel>(dim3(blocks_for(s.taps(), Tile::kRowLanes), Tile::tiles(s.channels)), Tile::block(),
                                  0, stream, s.length, static_cast<unsigned>(s.terms),
                                  static_cast<unsigned>(s.channels), basis, a, skip, w);
}

void basis_taps_backward_cuda(const BasisTapsShape& s, const float* basis, const float* dw, float* da, float* dskip,
                              Stream stream) {
  if (s.channels == 0) return;
  using Tile = RowTile<1>;
  simt::launch<basis_taps_backward_kernel>(dim3(Tile::tiles(s.channels), static_cast<unsigned>(2 * s.terms)),
                                           Tile::block(), 0, stream, s.length, static_cast<unsigned>(s.terms),
                                           static_cast<unsigned>(s.channels), basis, dw, da, dskip);
}

}  // namespace cardiograd::kernels
