// The gradients of weights are sums over far more rows than a GPU has blocks: each block has the sum of a piece, and
// the blocks of a tile add theirs up as a tree of two levels (last_block_cuda.cuh), in a fixed order.
//
// A block leaves its sums where the same thread of another block finds them, whatever they are sums of: all loads of a
// piece are on their way at once, 16 bytes each, coalesced.
#pragma once

#include <cstdint>

#include "kernels/common/last_block_cuda.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr int kThreadFours = 16;                    // sums of a thread, in fours
inline constexpr int kPieceFloats = 4 * kThreadFours + 1;  // of a thread: those sums and one more

// Floats that the pieces of `tiles` tiles take, with blocks of `threads`: first those of the pieces, (piece, tile), of
// each (kThreadFours, thread, 4) and (thread), then those of the tree's groups.
inline std::int64_t piece_floats(const PartTree& tree, std::int64_t tiles, int threads) {
  return (std::int64_t{tree.parts} + tree.groups()) * tiles * kPieceFloats * threads;
}

struct Pieces {
  PartTree tree;                // of the pieces of a tile
  int tiles = 1;                // of the matrix
  float* partial = nullptr;     // piece_floats()
  unsigned* arrived = nullptr;  // tree.counters() per tile
};

// Adds up the sums of all pieces of `tile` and, where the whole block says `has_more`, `more`. True in the block that
// comes last, which then has them in `sums` and `more`. kThreads: of a block.
template <int kThreads>
__device__ __forceinline__ bool join_pieces(const Pieces& p, int piece, int tile, float4 (&sums)[kThreadFours],
                                            bool has_more, float& more) {
  if (p.tree.parts == 1) return true;
  const auto place_of = [&](unsigned part) {
    return p.partial + (std::int64_t{part} * p.tiles + tile) * (kPieceFloats * kThreads) +
           4 * static_cast<int>(threadIdx.x);
  };
  const auto more_of = [&](float* place) -> float& {
    return place[4 * kThreadFours * kThreads - 3 * static_cast<int>(threadIdx.x)];
  };
  const auto leave = [&](unsigned part) {
    float* const to = place_of(part);
    SIMT_UNROLL
    for (int i = 0; i < kThreadFours; ++i) simt::store4(to + i * 4 * kThreads, sums[i]);
    if (has_more) more_of(to) = more;
  };
  const auto add_up = [&](unsigned begin, unsigned end) {
    SIMT_UNROLL
    for (int i = 0; i < kThreadFours; ++i) sums[i] = make_float4(0, 0, 0, 0);
    more = 0;
    float* from = place_of(begin);
    const std::int64_t step = std::int64_t{p.tiles} * (kPieceFloats * kThreads);
    SIMT_UNROLL_BY(1)
    for (unsigned part = begin; part < end; ++part, from += step) {
      float4 terms[kThreadFours];
      SIMT_UNROLL
      for (int i = 0; i < kThreadFours; ++i) terms[i] = simt::load4(from + i * 4 * kThreads);
      if (has_more) more += more_of(from);
      SIMT_UNROLL
      for (int i = 0; i < kThreadFours; ++i)
        sums[i] =
            make_float4(sums[i].x + terms[i].x, sums[i].y + terms[i].y, sums[i].z + terms[i].z, sums[i].w + terms[i].w);
    }
  };
  bool last = false;
  leave(static_cast<unsigned>(piece));
  combine_parts(
      p.tree, static_cast<unsigned>(piece), p.arrived + static_cast<unsigned>(tile) * p.tree.counters(),
      [&](unsigned begin, unsigned end, unsigned group) {
        add_up(begin, end);
        leave(p.tree.parts + group);
      },
      [&](unsigned groups) {
        add_up(p.tree.parts, p.tree.parts + groups);
        last = true;
      });
  return last;
}

}  // namespace cardiograd::kernels
