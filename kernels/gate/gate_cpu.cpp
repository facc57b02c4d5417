// The gate on the CPU, vectorized over channels: a tile of them keeps its gates and sums through the record.
#include <algorithm>

#include "base/threads.h"
#include "kernels/common/vector_math.h"
#include "kernels/gate/gate.h"

namespace cardiograd::kernels {
namespace {

constexpr std::int64_t kTile = 64;

// Of `width` <= kTile channels.
void sigmoids(std::int64_t width, const float* __restrict g, float* __restrict open) {
  for (std::int64_t c = 0; c < width; ++c) {
    const float limited = g[c] < -87.0F ? -87.0F : g[c];  // exp(87) is finite
    open[c] = 1.0F / (1.0F + fast_exp(-limited));
  }
}

void scale_rows(std::int64_t time, std::int64_t stride, std::int64_t width, const float* __restrict x,
                const float* __restrict open, float* __restrict y) {
  for (std::int64_t t = 0; t < time; ++t)
    for (std::int64_t c = 0; c < width; ++c) y[t * stride + c] = x[t * stride + c] * open[c];
}

void sum_products(std::int64_t time, std::int64_t stride, std::int64_t width, const float* __restrict x,
                  const float* __restrict dy, float* __restrict sum) {
  for (std::int64_t t = 0; t < time; ++t)
    for (std::int64_t c = 0; c < width; ++c) sum[c] += dy[t * stride + c] * x[t * stride + c];
}

// body(gate, width, first) for tiles of channels of one record: where their gates begin, how many, and their samples.
template <class Body>
void for_tiles(const GateShape& s, Body&& body) {
  parallel_for(s.batch, [&](std::int64_t n) {
    for (std::int64_t c = 0; c < s.channels; c += kTile)
      body(n * s.channels + c, std::min(kTile, s.channels - c), n * s.time * s.channels + c);
  });
}

}  // namespace

void gate_forward_cpu(const GateShape& s, const float* x, const float* g, float* y) {
  for_tiles(s, [&](std::int64_t gate, std::int64_t width, std::int64_t first) {
    float open[kTile];
    sigmoids(width, g + gate, open);
    scale_rows(s.time, s.channels, width, x + first, open, y + first);
  });
}

void gate_backward_cpu(const GateShape& s, const float* x, const float* g, const float* dy, float* dx, float* dg) {
  for_tiles(s, [&](std::int64_t gate, std::int64_t width, std::int64_t first) {
    float open[kTile];
    float sum[kTile] = {};
    sigmoids(width, g + gate, open);
    scale_rows(s.time, s.channels, width, dy + first, open, dx + first);
    sum_products(s.time, s.channels, width, x + first, dy + first, sum);
    for (std::int64_t c = 0; c < width; ++c) dg[gate + c] = open[c] * (1.0F - open[c]) * sum[c];
  });
}

}  // namespace cardiograd::kernels
