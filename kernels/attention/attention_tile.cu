// The path "tile", for heads of any width and any GPU: attention without a T x T matrix in memory: softmax as it goes
// (Milakov and Gimelshein, 2018), and a backward direction that computes the weights again.
//
// All kernels share a geometry. One block: kAttentionRows rows (queries, or keys) of one head; each of its warps has
// kRowsPerWarp of them. It walks over the other side in tiles of 32 rows in shared memory: a lane has one of them while
// weights are computed, and every 32nd component while rows are summed. Rows lie kSlice + 4 floats apart, so that eight
// lanes that read 16 bytes of eight rows meet all banks once.
//
// kSlice is the head's width, rounded up to 32 or 64. Wider heads are walked through in slices of 64: products of rows
// are summed slice by slice, and a block writes one slice of the result, which blockIdx.z numbers.
#include <cstdint>

#include "kernels/attention/attention.h"
#include "kernels/attention/attention_head.cuh"
#include "kernels/attention/attention_paths.h"
#include "kernels/common/grid.cuh"
#include "kernels/common/scratch_cuda.h"
#include "kernels/common/warp_reduce.cuh"
#include "kernels/gemm/round_factor.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr int kAttentionWarps = 4;
inline constexpr int kAttentionThreads = 32 * kAttentionWarps;
inline constexpr int kRowsPerWarp = 4;
inline constexpr int kAttentionRows = kAttentionWarps * kRowsPerWarp;
inline constexpr int kTileRows = 32;
inline constexpr int kResidentBlocks = 3;  // on a multiprocessor: 168 registers; asked for fewer, ptxas spills

// Copies a slice of rows first ... first+kRows-1 to shared memory; what lies past `time` or `width` becomes 0.
template <int kRows, int kSlice>
__device__ inline void load_rows(const AttentionHead& head, const AttentionRows<const float>& from, int first,
                                 int slice, float* to) {
  constexpr int kChunks = kSlice / 4;
  SIMT_UNROLL
  for (int i = 0; i < kRows * kChunks / kAttentionThreads; ++i) {
    const int chunk = static_cast<int>(threadIdx.x) + i * kAttentionThreads;
    const int row = chunk / kChunks;
    const int c = chunk % kChunks * 4;
    const float4 value =
        load_components(from.row(first + row), slice * kSlice + c, head.width, first + row < head.time, head.wide);
    simt::store4(to + row * (kSlice + 4) + c, round_factors(head.precision, value));
  }
}

// product[r] += own row r of this warp . the tile's row of this lane.
template <int kSlice>
__device__ inline void add_products(const float* own, const float* tile, float (&product)[kRowsPerWarp]) {
  const float* mine = own + warp_of_thread() * kRowsPerWarp * (kSlice + 4);
  const float* other = tile + lane_of_thread() * (kSlice + 4);
  SIMT_UNROLL_BY(4)
  for (int c = 0; c < kSlice; c += 4) {
    const float4 b = simt::load4(other + c);
    SIMT_UNROLL
    for (int r = 0; r < kRowsPerWarp; ++r) product[r] = dot4(simt::load4(mine + r * (kSlice + 4) + c), b, product[r]);
  }
}

// sum[r][i] += over the rows j of a tile: weights[r][j] times component lane + 32 i of row j.
template <int kSlice>
__device__ inline void add_weighted_rows(const float (&weights)[kRowsPerWarp][kTileRows], const float* tile,
                                         float (&sum)[kRowsPerWarp][kSlice / 32]) {
  const float* column = tile + lane_of_thread();
  SIMT_UNROLL_BY(2)
  for (int j = 0; j < kTileRows; j += 4) {
    float4 weight[kRowsPerWarp];
    SIMT_UNROLL
    for (int r = 0; r < kRowsPerWarp; ++r) weight[r] = simt::load4(&weights[r][j]);
    SIMT_UNROLL
    for (int i = 0; i < kSlice / 32; ++i) {
      const float* from = column + j * (kSlice + 4) + 32 * i;
      const float4 value = {from[0], from[kSlice + 4], from[2 * (kSlice + 4)], from[3 * (kSlice + 4)]};
      SIMT_UNROLL
      for (int r = 0; r < kRowsPerWarp; ++r) sum[r][i] = dot4(weight[r], value, sum[r][i]);
    }
  }
}

// Writes slice blockIdx.z of a row; lane has every 32nd component.
template <int kSlice>
__device__ inline void store_row(const AttentionHead& head, const float (&sum)[kSlice / 32], float factor, float* row) {
  SIMT_UNROLL
  for (int i = 0; i < kSlice / 32; ++i) {
    const int c = static_cast<int>(blockIdx.z) * kSlice + lane_of_thread() + 32 * i;
    if (c < head.width) row[c] = sum[i] * factor;
  }
}

// A slice of y, and lse, of kAttentionRows queries.
template <int kSlice>
static __global__ void __launch_bounds__(kAttentionThreads, kResidentBlocks)
    attention_forward_tile_kernel(AttentionHead head, const float* __restrict__ qkv, float* __restrict__ y,
                                  float* __restrict__ lse) {
  SIMT_SHARED(float, own, [kAttentionRows * (kSlice + 4)]);
  SIMT_SHARED(float, tile_rows, [kTileRows * (kSlice + 4)]);
  SIMT_SHARED(float, weights, [kAttentionWarps][kRowsPerWarp][kTileRows]);
  const int lane = lane_of_thread();
  const int warp = warp_of_thread();
  const int first = head.tile() * kAttentionRows;
  const int slices = (head.width + kSlice - 1) / kSlice;
  const auto q = rows_of_part(head, qkv, 0);
  const auto k = rows_of_part(head, qkv, 1);
  const auto v = rows_of_part(head, qkv, 2);
  float sum[kRowsPerWarp][kSlice / 32] = {};
  float largest[kRowsPerWarp];
  float total[kRowsPerWarp];
  SIMT_UNROLL
  for (int r = 0; r < kRowsPerWarp; ++r) {
    largest[r] = -INFINITY;
    total[r] = 0;
  }
  for (int tile = 0; tile < head.time; tile += kTileRows) {
    float product[kRowsPerWarp] = {};
    for (int slice = 0; slice < slices; ++slice) {
      __syncthreads();
      if (tile == 0 || slices > 1) load_rows<kAttentionRows, kSlice>(head, q, first, slice, own);
      load_rows<kTileRows, kSlice>(head, k, tile, slice, tile_rows);
      __syncthreads();
      add_products<kSlice>(own, tile_rows, product);
    }
    __syncthreads();
    load_rows<kTileRows, kSlice>(head, v, tile, static_cast<int>(blockIdx.z), tile_rows);
    const int j = tile + lane;
    const bool inside = j < head.time;
    SIMT_UNROLL
    for (int r = 0; r < kRowsPerWarp; ++r) {
      const float score = inside ? head.scale * product[r] : -INFINITY;
      const float next = fmaxf(largest[r], warp_max(score));
      const float shrink = expf(largest[r] - next);  // 0 in the first tile
      const float weight = inside ? expf(score - next) : 0.0F;
      total[r] = total[r] * shrink + warp_sum(weight);
      largest[r] = next;
      weights[warp][r][lane] =
          head.keeps(first + warp * kRowsPerWarp + r, j) ? round_factor(head.precision, weight) : 0.0F;
      SIMT_UNROLL
      for (int i = 0; i < kSlice / 32; ++i) sum[r][i] *= shrink;
    }
    __syncthreads();
    add_weighted_rows<kSlice>(weights[warp], tile_rows, sum);
  }
  const auto out = rows_of_output(head, y);
  SIMT_UNROLL
  for (int r = 0; r < kRowsPerWarp; ++r) {
    const int i = first + warp * kRowsPerWarp + r;
    if (i >= head.time) continue;
    store_row<kSlice>(head, sum[r], head.mask_factor / total[r], out.row(i));
    if (lane == 0 && blockIdx.z == 0) lse[head.query(i)] = largest[r] + logf(total[r]);
  }
}

// mean[row] = dy . y of each query: sum over j of P_ij dP_ij. Eight lanes have one row of (N, T, H) in the order of
// lse.
static __global__ void __launch_bounds__(kAttentionThreads)
    attention_mean_tile_kernel(AttentionHead head, const float* __restrict__ y, const float* __restrict__ dy,
                               float* __restrict__ mean) {
  const int i = head.tile() * kAttentionRows + static_cast<int>(threadIdx.x) / 8;
  const bool inside = i < head.time;
  const float* y_row = rows_of_output(head, y).row(i);
  const float* dy_row = rows_of_output(head, dy).row(i);
  float sum = 0;
  for (int c = static_cast<int>(threadIdx.x) % 8 * 4; c < head.width; c += 32)
    sum = dot4(load_components(y_row, c, head.width, inside, head.wide),
               load_components(dy_row, c, head.width, inside, head.wide), sum);
  for (int step = 4; step > 0; step /= 2) sum += __shfl_xor_sync(kAllLanes, sum, step);
  if (inside && threadIdx.x % 8 == 0) mean[head.query(i)] = sum;
}

// The two matrices of one side of the products that both gradients need: of queries q and dy, of keys k and v.
struct AttentionSide {
  AttentionRows<const float> rows[2];
};

// The shared memory of a block of the gradients: both matrices of its own rows and of a tile.
template <int kSlice>
struct AttentionTiles {
  float own[2][kAttentionRows * (kSlice + 4)];
  float tile[2][kTileRows * (kSlice + 4)];
};

// Adds q . k and dy . v of this warp's rows with the tile's row of this lane to `product`, slice by slice, and leaves
// slice blockIdx.z of the tile in shared memory.
template <int kSlice>
__device__ inline void tile_products(const AttentionHead& head, AttentionTiles<kSlice>& shared,
                                     const AttentionSide& own, int first, const AttentionSide& other, int tile,
                                     float (&product)[2][kRowsPerWarp]) {
  const int slices = (head.width + kSlice - 1) / kSlice;
  for (int slice = 0; slice < slices; ++slice) {
    __syncthreads();
    SIMT_UNROLL
    for (int m = 0; m < 2; ++m) {
      if (tile == 0 || slices > 1) load_rows<kAttentionRows, kSlice>(head, own.rows[m], first, slice, shared.own[m]);
      load_rows<kTileRows, kSlice>(head, other.rows[m], tile, slice, shared.tile[m]);
    }
    __syncthreads();
    SIMT_UNROLL
    for (int m = 0; m < 2; ++m) add_products<kSlice>(shared.own[m], shared.tile[m], product[m]);
  }
  const int mine = static_cast<int>(blockIdx.z);
  if (mine + 1 < slices) {
    __syncthreads();
    SIMT_UNROLL
    for (int m = 0; m < 2; ++m) load_rows<kTileRows, kSlice>(head, other.rows[m], tile, mine, shared.tile[m]);
    __syncthreads();
  }
}

// What the gradient of both sides needs of query i and key j.
struct AttentionPair {
  float dropped;  // mask * P without the mask's factor
  float dscore;   // d loss / d (q . k) without the scale
};
__device__ inline AttentionPair attention_pair(const AttentionHead& head, int i, int j, float product, float dweight,
                                               const float* lse, const float* mean) {
  if (i >= head.time || j >= head.time) return {0.0F, 0.0F};
  const float weight = expf(head.scale * product - lse[head.query(i)]);
  const bool keeps = head.keeps(i, j);
  const float dscore = weight * ((keeps ? head.mask_factor * dweight : 0.0F) - mean[head.query(i)]);
  return {keeps ? round_factor(head.precision, weight) : 0.0F, round_factor(head.precision, dscore)};
}

// A slice of dq of kAttentionRows queries.
template <int kSlice>
static __global__ void __launch_bounds__(kAttentionThreads, kResidentBlocks)
    attention_query_gradient_tile_kernel(AttentionHead head, const float* __restrict__ qkv,
                                         const float* __restrict__ lse, const float* __restrict__ mean,
                                         const float* __restrict__ dy, float* __restrict__ dqkv) {
  SIMT_SHARED(AttentionTiles<kSlice>, tiles, [1]);
  SIMT_SHARED(float, weights, [kAttentionWarps][kRowsPerWarp][kTileRows]);
  const int lane = lane_of_thread();
  const int warp = warp_of_thread();
  const int first = head.tile() * kAttentionRows;
  const AttentionSide queries = {{rows_of_part(head, qkv, 0), rows_of_output(head, dy)}};
  const AttentionSide keys = {{rows_of_part(head, qkv, 1), rows_of_part(head, qkv, 2)}};
  float sum[kRowsPerWarp][kSlice / 32] = {};
  for (int tile = 0; tile < head.time; tile += kTileRows) {
    float product[2][kRowsPerWarp] = {};
    tile_products<kSlice>(head, tiles[0], queries, first, keys, tile, product);
    SIMT_UNROLL
    for (int r = 0; r < kRowsPerWarp; ++r) {
      const int i = first + warp * kRowsPerWarp + r;
      weights[warp][r][lane] = attention_pair(head, i, tile + lane, product[0][r], product[1][r], lse, mean).dscore;
    }
    __syncwarp();
    add_weighted_rows<kSlice>(weights[warp], tiles[0].tile[0], sum);
  }
  const auto dq = rows_of_part(head, dqkv, 0);
  SIMT_UNROLL
  for (int r = 0; r < kRowsPerWarp; ++r) {
    const int i = first + warp * kRowsPerWarp + r;
    if (i < head.time) store_row<kSlice>(head, sum[r], head.scale, dq.row(i));
  }
}

// A slice of dk and of dv of kAttentionRows keys.
template <int kSlice>
static __global__ void __launch_bounds__(kAttentionThreads, kResidentBlocks)
    attention_key_gradient_tile_kernel(AttentionHead head, const float* __restrict__ qkv, const float* __restrict__ lse,
                                       const float* __restrict__ mean, const float* __restrict__ dy,
                                       float* __restrict__ dqkv) {
  SIMT_SHARED(AttentionTiles<kSlice>, tiles, [1]);
  SIMT_SHARED(float, dropped, [kAttentionWarps][kRowsPerWarp][kTileRows]);
  SIMT_SHARED(float, dscores, [kAttentionWarps][kRowsPerWarp][kTileRows]);
  const int lane = lane_of_thread();
  const int warp = warp_of_thread();
  const int first = head.tile() * kAttentionRows;
  const AttentionSide queries = {{rows_of_part(head, qkv, 0), rows_of_output(head, dy)}};
  const AttentionSide keys = {{rows_of_part(head, qkv, 1), rows_of_part(head, qkv, 2)}};
  float dk[kRowsPerWarp][kSlice / 32] = {};
  float dv[kRowsPerWarp][kSlice / 32] = {};
  for (int tile = 0; tile < head.time; tile += kTileRows) {
    float product[2][kRowsPerWarp] = {};
    tile_products<kSlice>(head, tiles[0], keys, first, queries, tile, product);
    SIMT_UNROLL
    for (int r = 0; r < kRowsPerWarp; ++r) {
      const int j = first + warp * kRowsPerWarp + r;
      const AttentionPair pair = attention_pair(head, tile + lane, j, product[0][r], product[1][r], lse, mean);
      dropped[warp][r][lane] = pair.dropped;
      dscores[warp][r][lane] = pair.dscore;
    }
    __syncwarp();
    add_weighted_rows<kSlice>(dscores[warp], tiles[0].tile[0], dk);
    add_weighted_rows<kSlice>(dropped[warp], tiles[0].tile[1], dv);
  }
  const auto dk_rows = rows_of_part(head, dqkv, 1);
  const auto dv_rows = rows_of_part(head, dqkv, 2);
  SIMT_UNROLL
  for (int r = 0; r < kRowsPerWarp; ++r) {
    const int j = first + warp * kRowsPerWarp + r;
    if (j >= head.time) continue;
    store_row<kSlice>(head, dk[r], head.scale, dk_rows.row(j));
    store_row<kSlice>(head, dv[r], head.mask_factor, dv_rows.row(j));
  }
}

namespace {

template <int kSlice>
void launch_forward(const AttentionShape& s, const float* qkv, float* y, float* lse, Stream stream) {
  const AttentionHead head = attention_head(s, kAttentionRows, {qkv});
  dim3 grid = attention_grid(s, head);
  grid.z = blocks_for(s.width, kSlice);
  simt::launch<attention_forward_tile_kernel<kSlice>>(grid, dim3(kAttentionThreads), 0, stream, head, qkv, y, lse);
}

template <int kSlice>
void launch_backward(const AttentionShape& s, const float* qkv, const float* y, const float* lse, const float* dy,
                     float* dqkv, Stream stream) {
  const AttentionHead head = attention_head(s, kAttentionRows, {qkv, y, dy});
  dim3 grid = attention_grid(s, head);
  grid.z = blocks_for(s.width, kSlice);
  float* mean = cuda_scratch(stream, CudaScratchUse::kPartial, s.batch * s.heads * s.time);
  simt::launch<attention_mean_tile_kernel>(attention_grid(s, head), dim3(kAttentionThreads), 0, stream, head, y, dy,
                                           mean);
  simt::launch<attention_query_gradient_tile_kernel<kSlice>>(grid, dim3(kAttentionThreads), 0, stream, head, qkv, lse,
                                                             mean, dy, dqkv);
  simt::launch<attention_key_gradient_tile_kernel<kSlice>>(grid, dim3(kAttentionThreads), 0, stream, head, qkv, lse,
                                                           mean, dy, dqkv);
}

}  // namespace

void attention_forward_tile(const AttentionShape& s, const float* qkv, float* y, float* lse, Stream stream) {
  if (s.width <= 32) return launch_forward<32>(s, qkv, y, lse, stream);
  launch_forward<64>(s, qkv, y, lse, stream);
}

void attention_backward_tile(const AttentionShape& s, const float* qkv, const float* y, const float* lse,
                             const float* dy, float* dqkv, Stream stream) {
  if (s.width <= 32) return launch_backward<32>(s, qkv, y, lse, dy, dqkv, stream);
  launch_backward<64>(s, qkv, y, lse, dy, dqkv, stream);
}

}  // namespace cardiograd::kernels
