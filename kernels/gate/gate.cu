// The gate on the GPU, channels last.
#include <cstdint>

#include "kernels/common/elementwise_cuda.cuh"
#include "kernels/common/row_tiles_cuda.cuh"
#include "kernels/common/window_grid_cuda.cuh"
#include "kernels/gate/gate.h"
#include "simt/simt.h"

namespace cardiograd::kernels {

// Of a thread's channels.
template <int kWidth>
__device__ Floats<kWidth> open_gates(const float* g) {
  Floats<kWidth> open = load_floats<kWidth>(g);
  SIMT_UNROLL
  for (int j = 0; j < kWidth; ++j) open.at[j] = 1.0F / (1.0F + expf(-open.at[j]));
  return open;
}

inline constexpr unsigned kGateRows = 64;  // of a chunk

// One block: a chunk of samples of a tile of channels of one record; no shared memory.
template <int kWidth>
__global__ void __launch_bounds__(kTileThreads)
    gate_kernel(WindowGrid grid, const float* __restrict__ x, const float* __restrict__ g, float* __restrict__ y) {
  const WindowChunk<kWidth, 1> chunk(grid);
  if (!chunk.inside) return;
  const Floats<kWidth> open = open_gates<kWidth>(g + chunk.record * grid.channels + chunk.channel);
  for (unsigned row = threadIdx.y; row < chunk.rows; row += RowTile<kWidth>::kRowLanes) {
    const std::uint64_t at = static_cast<std::uint64_t>(chunk.x) + std::uint64_t{row} * grid.channels;
    Floats<kWidth> value = load_floats<kWidth>(x + at);
    SIMT_UNROLL
    for (int j = 0; j < kWidth; ++j) value.at[j] *= open.at[j];
    store_floats<kWidth>(y + at, value);
  }
}

// One block: a tile of channels of one record, its lanes every kRowLanes-th sample. Shared memory 4 KiB.
template <int kWidth>
__global__ void __launch_bounds__(kTileThreads)
    gate_backward_kernel(std::int64_t time, unsigned channels, const float* __restrict__ x, const float* __restrict__ g,
                         const float* __restrict__ dy, float* __restrict__ dx, float* __restrict__ dg) {
  using Tile = RowTile<kWidth>;
  SIMT_SHARED(float, lanes, [Tile::kRowLanes][Tile::kColumns]);
  const unsigned channel = blockIdx.y * Tile::kColumns + threadIdx.x * kWidth;
  const bool inside = channel < channels;
  const std::uint64_t gate = std::uint64_t{blockIdx.x} * channels + channel;
  Floats<kWidth> sum = {};
  Floats<kWidth> open = {};
  if (inside) {
    open = open_gates<kWidth>(g + gate);
    const std::int64_t record = std::int64_t{blockIdx.x} * time * channels + channel;
    for (std::int64_t t = threadIdx.y; t < time; t += Tile::kRowLanes) {
      const std::int64_t at = record + t * channels;
      Floats<kWidth> gradient = load_floats<kWidth>(dy + at);
      const Floats<kWidth> value = load_floats<kWidth>(x + at);
      SIMT_UNROLL
      for (int j = 0; j < kWidth; ++j) {
        sum.at[j] += gradient.at[j] * value.at[j];
        gradient.at[j] *= open.at[j];
      }
      store_floats<kWidth>(dx + at, gradient);
    }
  }
  sum = sum_row_lanes<kWidth>(lanes, sum);
  if (threadIdx.y != 0 || !inside) return;
  SIMT_UNROLL
  for (int j = 0; j < kWidth; ++j) sum.at[j] *= open.at[j] * (1.0F - open.at[j]);
  store_floats<kWidth>(dg + gate, sum);
}

// Where each value has a gate of its own, element by element.
struct GatedValueMap {
  __device__ float operator()(float x, float g) const { return x / (1.0F + expf(-g)); }
};

struct GatedValueGradients {
  const float* x;
  const float* g;
  const float* dy;
  float* dx;
  float* dg;
  __device__ void operator()(std::int64_t i) const {
    const float open = 1.0F / (1.0F + expf(-g[i]));
    dx[i] = dy[i] * open;
    dg[i] = open * (1.0F - open) * dy[i] * x[i];
  }
};

void gate_forward_cuda(const GateShape& s, const float* x, const float* g, float* y, Stream stream) {
  if (s.batch * s.time == 0) return;
  if (s.time == 1) return map_elements(s.batch * s.channels, stream, GatedValueMap{}, y, x, g);
  const WindowGrid grid = window_grid(s.time, s.channels, 1, kGateRows);
  const auto launch = [&](auto width) {
    simt::launch<gate_kernel<width()>>(window_blocks<width()>(grid, s.batch), RowTile<width()>::block(), 0, stream,
                                       grid, x, g, y);
  };
  with_width(s.channels, launch, x, g, y);
}

void gate_backward_cuda(const GateShape& s, const float* x, const float* g, const float* dy, float* dx, float* dg,
                        Stream stream) {
  if (s.batch == 0) return;
  if (s.time == 1) return for_each_element(s.batch * s.channels, stream, GatedValueGradients{x, g, dy, dx, dg});
  const auto launch = [&](auto width) {
    using Tile = RowTile<width()>;
    simt::launch<gate_backward_kernel<width()>>(dim3(static_cast<unsigned>(s.batch), Tile::tiles(s.channels)),
                                                Tile::block(), 0, stream, s.time, static_cast<unsigned>(s.channels), x,
                                                g, dy, dx, dg);
  };
  with_width(s.channels, launch, x, g, dy, dx, dg);
}

}  // namespace cardiograd::kernels
