// The long convolution on the CPU, one product after the other: a task takes as many channels as a vector has lanes,
// through all records, with its samples and taps copied side by side. Rows of (N, T, C) lie far apart, and a power of
// two of channels would put them into the same few places of the cache.
#include <algorithm>
#include <cstdint>

#include "base/threads.h"
#include "kernels/common/instruction_set.h"
#include "kernels/common/scratch.h"
#include "kernels/long_conv1d/long_conv1d.h"
#include "kernels/long_conv1d/long_conv1d_micro.h"

namespace cardiograd::kernels {
namespace {

const LongConvKernel& chosen_kernel() {
  static const LongConvKernel& kernel = use_avx512() ? kLongConvAvx512 : kLongConvAvx2;
  return kernel;
}

// The channels of a task.
struct Tile {
  std::int64_t first;
  std::int64_t width;  // at most kernel.lanes
};

template <class Body>
void for_tiles(const LongConv1dShape& s, const LongConvKernel& kernel, const Body& body) {
  parallel_for((s.channels + kernel.lanes - 1) / kernel.lanes, [&](std::int64_t task) {
    const std::int64_t first = task * kernel.lanes;
    body(Tile{first, std::min(kernel.lanes, s.channels - first)});
  });
}

// Rows of a tile side by side, in scratch memory of the calling thread.
class Rows {
 public:
  Rows(const LongConvKernel& kernel, ScratchUse use, std::int64_t rows)
      : lanes_(kernel.lanes), rows_(rows), margin_(kernel.block) {
    data_ = scratch(use, (rows + 2 * margin_) * lanes_);
    std::fill_n(data_, (rows + 2 * margin_) * lanes_, 0.0F);
  }
  float* data() { return data_ + margin_ * lanes_; }
  void clear() { std::fill_n(data(), (rows_ + margin_) * lanes_, 0.0F); }
  // From or to a matrix of `channels` columns, as often as the matrix changes; the lanes beyond the tile stay 0.
  void take(const float* matrix, std::int64_t channels, const Tile& tile, bool backwards = false) {
    for (std::int64_t row = 0; row < rows_; ++row)
      std::copy_n(matrix + (backwards ? rows_ - 1 - row : row) * channels + tile.first, tile.width,
                  data() + row * lanes_);
  }
  void put(float* matrix, std::int64_t channels, const Tile& tile) {
    for (std::int64_t row = 0; row < rows_; ++row)
      std::copy_n(data() + row * lanes_, tile.width, matrix + row * channels + tile.first);
  }
  void add_to(float* matrix, std::int64_t channels, const Tile& tile) {
    for (std::int64_t row = 0; row < rows_; ++row)
      for (std::int64_t c = 0; c < tile.width; ++c) matrix[row * channels + tile.first + c] += data()[row * lanes_ + c];
  }

 private:
  float* data_;
  std::int64_t lanes_;
  std::int64_t rows_;
  std::int64_t margin_;
};

}  // namespace

void long_conv1d_forward_cpu(const LongConv1dShape& s, const float* x, const float* w, float* y) {
  const LongConvKernel& kernel = chosen_kernel();
  for_tiles(s, kernel, [&](const Tile& tile) {
    Rows taps(kernel, ScratchUse::kFactorA, s.taps);
    Rows in(kernel, ScratchUse::kColumns, s.time);
    Rows out(kernel, ScratchUse::kPartial, s.time);
    taps.take(w, s.channels, tile);
    for (std::int64_t n = 0; n < s.batch; ++n) {
      const std::int64_t record = n * s.time * s.channels;
      in.take(x + record, s.channels, tile);
      out.clear();
      kernel.correlate({in.data(), taps.data(), out.data(), s.time, s.taps, s.time, s.before});
      out.put(y + record, s.channels, tile);
    }
  });
}

void long_conv1d_backward_cpu(const LongConv1dShape& s, const float* x, const float* w, const float* dy, float* dx,
                              float* dw) {
  const LongConvKernel& kernel = chosen_kernel();
  for_tiles(s, kernel, [&](const Tile& tile) {
    Rows taps(kernel, ScratchUse::kFactorA, s.taps);
    Rows in(kernel, ScratchUse::kColumns, s.time);
    Rows gradient(kernel, ScratchUse::kPadded, s.time);
    Rows out(kernel, ScratchUse::kPartial, s.time);
    Rows of_taps(kernel, ScratchUse::kFactorB, s.taps);
    taps.take(w, s.channels, tile, /*backwards=*/true);
    for (std::int64_t n = 0; n < s.batch; ++n) {
      const std::int64_t record = n * s.time * s.channels;
      gradient.take(dy + record, s.channels, tile);
      out.clear();
      kernel.correlate({gradient.data(), taps.data(), out.data(), s.time, s.taps, s.time, s.taps - 1 - s.before});
      out.put(dx + record, s.channels, tile);
      if (dw == nullptr) continue;
      in.take(x + record, s.channels, tile);
      kernel.correlate({in.data(), gradient.data(), of_taps.data(), s.time, s.time, s.taps, s.before});
    }
    if (dw != nullptr) of_taps.add_to(dw, s.channels, tile);
  });
}

}  // namespace cardiograd::kernels
