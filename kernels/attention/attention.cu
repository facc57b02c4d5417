// Attention on the GPU without a T x T matrix in memory: softmax as it goes (Milakov and Gimelshein, 2018), and a
// backward direction that computes the weights again.
//
// All kernels share a geometry. One block: kAttentionRows rows (queries, or keys) of one head; each of its warps has
// kRowsPerWarp of them. It walks over the other side in tiles of 32 rows in shared memory: a lane has one of them while
// weights are computed, and every 32nd component while rows are summed. Rows of a tile begin in different banks.
//
// Heads wider than kMaxSlice components are walked through in slices: products of rows are summed slice by slice, and a
// block writes one slice of the result, which blockIdx.z numbers. Each of them computes the weights of its rows; a head
// of up to kMaxSlice components is one slice.
#include <cstdint>

#include "kernels/attention/attention.h"
#include "kernels/common/grid.cuh"
#include "kernels/common/scratch_cuda.h"
#include "kernels/common/warp_reduce.cuh"
#include "kernels/dropout/dropout.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr int kAttentionWarps = 4;
inline constexpr int kRowsPerWarp = 2;
inline constexpr int kAttentionRows = kAttentionWarps * kRowsPerWarp;
inline constexpr int kTileRows = 32;
inline constexpr int kMaxSlice = 128;
inline constexpr int kResidentBlocks = 8;  // at least, on a multiprocessor: 64 registers; asked for fewer, ptxas spills
inline constexpr int kComponents = kMaxSlice / 32;  // per lane

// Where a row lies: in qkv as query, key or value, or in a matrix of the layout of y.
enum AttentionPart { kQuery, kKey, kValue, kPlain };

// One head of one record: blockIdx.x numbers them.
struct AttentionHead {
  int time;
  int width;
  int heads;
  float scale;
  bool drops;
  DropoutMask mask;

  __device__ std::int64_t record() const { return blockIdx.x / static_cast<unsigned>(heads); }
  __device__ std::int64_t head() const { return blockIdx.x % static_cast<unsigned>(heads); }
  __device__ std::int64_t place(int t, AttentionPart part) const {
    const std::int64_t step = record() * time + t;
    return ((part == kPlain ? step : step * 3 + part) * heads + head()) * width;
  }
  __device__ int slices() const { return (width + kMaxSlice - 1) / kMaxSlice; }
  // Components of a slice; it begins at component slice * kMaxSlice.
  __device__ int slice_width(int slice) const {
    const int left = width - slice * kMaxSlice;
    return left < kMaxSlice ? left : kMaxSlice;
  }
  __device__ std::int64_t row(int t) const { return blockIdx.x * static_cast<std::int64_t>(time) + t; }
  __device__ float factor(int i, int j) const { return drops ? dropout_factor(mask, row(i) * time + j) : 1.0F; }
};

// Copies a slice of rows first ... first+rows-1 to shared memory, `pitch` floats apart; rows past `time` become 0.
__device__ inline void load_rows(const AttentionHead& head, const float* from, AttentionPart part, int first, int rows,
                                 int slice, int pitch, float* to) {
  const int width = head.slice_width(slice);
  for (int row = warp_of_thread(); row < rows; row += kAttentionWarps) {
    const bool inside = first + row < head.time;
    const std::int64_t source = inside ? head.place(first + row, part) + slice * kMaxSlice : 0;
    for (int c = lane_of_thread(); c < width; c += 32) to[row * pitch + c] = inside ? from[source + c] : 0.0F;
  }
}

__device__ inline float dot(int width, const float* a, const float* b) {
  float sum = 0;
  for (int c = 0; c < width; ++c) sum += a[c] * b[c];
  return sum;
}

// sum[i] += weight of row j times its component lane + 32 i, over the rows j of a tile.
__device__ inline void add_weighted_rows(int width, const float* weights, const float* tile, int pitch,
                                         float (&sum)[kComponents]) {
  const int lane = lane_of_thread();
  for (int j = 0; j < kTileRows; ++j) {
    const float weight = weights[j];
    SIMT_UNROLL
    for (int i = 0; i < kComponents; ++i)
      if (lane + 32 * i < width) sum[i] += weight * tile[j * pitch + lane + 32 * i];
  }
}

__device__ inline void store_row(int width, const float (&sum)[kComponents], float factor, float* to) {
  const int lane = lane_of_thread();
  SIMT_UNROLL
  for (int i = 0; i < kComponents; ++i)
    if (lane + 32 * i < width) to[lane + 32 * i] = sum[i] * factor;
}

// Bytes of dynamic shared memory with `rows` matrices on the block's own side: two tiles and those.
inline std::size_t attention_shared_bytes(std::int64_t width, int rows) {
  const std::int64_t slice = width < kMaxSlice ? width : kMaxSlice;
  return static_cast<std::size_t>(2 * kTileRows * (slice + 1) + rows * kAttentionRows * slice) * sizeof(float);
}

// The dynamic shared memory of a block: two tiles of the other side and up to two matrices of its own rows.
struct AttentionShared {
  int pitch;      // between rows of a tile
  int own_pitch;  // between own rows
  float* tile[2];
  float* own[2];
  __device__ AttentionShared(const AttentionHead& head, float* memory)
      : pitch((head.width < kMaxSlice ? head.width : kMaxSlice) + 1), own_pitch(pitch - 1) {
    tile[0] = memory;
    tile[1] = tile[0] + kTileRows * pitch;
    own[0] = tile[1] + kTileRows * pitch;
    own[1] = own[0] + kAttentionRows * own_pitch;
  }
};

// A slice of y, and lse, of kAttentionRows queries.
static __global__ void __launch_bounds__(32 * kAttentionWarps, kResidentBlocks)
    attention_forward_kernel(AttentionHead head, const float* qkv, float* y, float* lse) {
  SIMT_DYNAMIC_SHARED(float, memory);
  SIMT_SHARED(float, weights, [kAttentionWarps][kTileRows]);
  const AttentionShared shared(head, memory);
  const int lane = lane_of_thread();
  const int warp = warp_of_thread();
  const int first = static_cast<int>(blockIdx.y) * kAttentionRows;
  const int mine = static_cast<int>(blockIdx.z);
  const int slices = head.slices();
  float sum[kRowsPerWarp][kComponents] = {};
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
      if (tile == 0 || slices > 1)
        load_rows(head, qkv, kQuery, first, kAttentionRows, slice, shared.own_pitch, shared.own[0]);
      load_rows(head, qkv, kKey, tile, kTileRows, slice, shared.pitch, shared.tile[0]);
      if (slice == mine) load_rows(head, qkv, kValue, tile, kTileRows, slice, shared.pitch, shared.tile[1]);
      __syncthreads();
      SIMT_UNROLL
      for (int r = 0; r < kRowsPerWarp; ++r)
        product[r] += dot(head.slice_width(slice), shared.own[0] + (warp * kRowsPerWarp + r) * shared.own_pitch,
                          shared.tile[0] + lane * shared.pitch);
    }
    SIMT_UNROLL
    for (int r = 0; r < kRowsPerWarp; ++r) {
      const int i = first + warp * kRowsPerWarp + r;
      const int j = tile + lane;
      const bool inside = j < head.time;
      const float score = inside ? head.scale * product[r] : -INFINITY;
      const float next = fmaxf(largest[r], warp_max(score));
      const float shrink = expf(largest[r] - next);  // 0 in the first tile
      const float weight = inside ? expf(score - next) : 0.0F;
      total[r] = total[r] * shrink + warp_sum(weight);
      largest[r] = next;
      weights[warp][lane] = inside && i < head.time ? weight * head.factor(i, j) : 0.0F;
      __syncwarp();
      SIMT_UNROLL
      for (int c = 0; c < kComponents; ++c) sum[r][c] *= shrink;
      add_weighted_rows(head.slice_width(mine), weights[warp], shared.tile[1], shared.pitch, sum[r]);
      __syncwarp();
    }
  }
  SIMT_UNROLL
  for (int r = 0; r < kRowsPerWarp; ++r) {
    const int i = first + warp * kRowsPerWarp + r;
    if (i >= head.time) continue;
    store_row(head.slice_width(mine), sum[r], 1.0F / total[r], y + head.place(i, kPlain) + mine * kMaxSlice);
    if (lane == 0 && mine == 0) lse[head.row(i)] = largest[r] + logf(total[r]);
  }
}

// mean[row] = dy . y of each query: sum over j of P_ij dP_ij. One warp: one row of (N, T, H) in the order of lse.
static __global__ void __launch_bounds__(32 * kAttentionWarps)
    attention_mean_kernel(AttentionHead head, const float* y, const float* dy, float* mean) {
  const int i = static_cast<int>(blockIdx.y) * kAttentionWarps + warp_of_thread();
  if (i >= head.time) return;  // whole warps
  const int lane = lane_of_thread();
  float sum = 0;
  const std::int64_t from = head.place(i, kPlain);
  for (int c = lane; c < head.width; c += 32) sum += y[from + c] * dy[from + c];
  sum = warp_sum(sum);
  if (lane == 0) mean[head.row(i)] = sum;
}

// The two matrices of one side of the products that both gradients need: of queries q and dy, of keys k and v.
struct AttentionSide {
  const float* matrix[2];
  AttentionPart part[2];
};

// q . k and dy . v of this warp's rows with the tile's row of this lane.
struct AttentionProducts {
  float value[2][kRowsPerWarp];
};

// Computes them, slice by slice, and leaves slice blockIdx.z of the tile in shared memory.
__device__ inline AttentionProducts tile_products(const AttentionHead& head, const AttentionShared& shared,
                                                  const AttentionSide& own, int first, const AttentionSide& other,
                                                  int tile) {
  const int lane = lane_of_thread();
  const int warp = warp_of_thread();
  const int slices = head.slices();
  AttentionProducts products = {};
  for (int slice = 0; slice < slices; ++slice) {
    __syncthreads();
    SIMT_UNROLL
    for (int m = 0; m < 2; ++m) {
      if (tile == 0 || slices > 1)
        load_rows(head, own.matrix[m], own.part[m], first, kAttentionRows, slice, shared.own_pitch, shared.own[m]);
      load_rows(head, other.matrix[m], other.part[m], tile, kTileRows, slice, shared.pitch, shared.tile[m]);
    }
    __syncthreads();
    SIMT_UNROLL
    for (int m = 0; m < 2; ++m) {
      SIMT_UNROLL
      for (int r = 0; r < kRowsPerWarp; ++r)
        products.value[m][r] +=
            dot(head.slice_width(slice), shared.own[m] + (warp * kRowsPerWarp + r) * shared.own_pitch,
                shared.tile[m] + lane * shared.pitch);
    }
  }
  const int mine = static_cast<int>(blockIdx.z);
  if (mine + 1 < slices) {
    __syncthreads();
    SIMT_UNROLL
    for (int m = 0; m < 2; ++m)
      load_rows(head, other.matrix[m], other.part[m], tile, kTileRows, mine, shared.pitch, shared.tile[m]);
    __syncthreads();
  }
  return products;
}

// What the gradient of both sides needs of query i and key j.
struct AttentionPair {
  float dropped;  // mask * P
  float dscore;   // d loss / d (q . k)
};
__device__ inline AttentionPair attention_pair(const AttentionHead& head, int i, int j, float product, float dweight,
                                               const float* lse, const float* mean) {
  if (i >= head.time || j >= head.time) return {0.0F, 0.0F};
  const float weight = expf(head.scale * product - lse[head.row(i)]);
  const float dropped = weight * head.factor(i, j);
  return {dropped, head.scale * (dropped * dweight - weight * mean[head.row(i)])};
}

// A slice of dq of kAttentionRows queries.
static __global__ void __launch_bounds__(32 * kAttentionWarps, kResidentBlocks)
    attention_query_gradient_kernel(AttentionHead head, const float* qkv, const float* lse, const float* mean,
                                    const float* dy, float* dqkv) {
  SIMT_DYNAMIC_SHARED(float, memory);
  SIMT_SHARED(float, weights, [kAttentionWarps][kTileRows]);
  const AttentionShared shared(head, memory);
  const int lane = lane_of_thread();
  const int warp = warp_of_thread();
  const int first = static_cast<int>(blockIdx.y) * kAttentionRows;
  const int mine = static_cast<int>(blockIdx.z);
  const AttentionSide queries = {{qkv, dy}, {kQuery, kPlain}};
  const AttentionSide keys = {{qkv, qkv}, {kKey, kValue}};
  float sum[kRowsPerWarp][kComponents] = {};
  for (int tile = 0; tile < head.time; tile += kTileRows) {
    const AttentionProducts products = tile_products(head, shared, queries, first, keys, tile);
    SIMT_UNROLL
    for (int r = 0; r < kRowsPerWarp; ++r) {
      const int i = first + warp * kRowsPerWarp + r;
      weights[warp][lane] =
          attention_pair(head, i, tile + lane, products.value[0][r], products.value[1][r], lse, mean).dscore;
      __syncwarp();
      add_weighted_rows(head.slice_width(mine), weights[warp], shared.tile[0], shared.pitch, sum[r]);
      __syncwarp();
    }
  }
  SIMT_UNROLL
  for (int r = 0; r < kRowsPerWarp; ++r) {
    const int i = first + warp * kRowsPerWarp + r;
    if (i < head.time) store_row(head.slice_width(mine), sum[r], 1.0F, dqkv + head.place(i, kQuery) + mine * kMaxSlice);
  }
}

// A slice of dk and of dv of kAttentionRows keys.
static __global__ void __launch_bounds__(32 * kAttentionWarps, kResidentBlocks)
    attention_key_gradient_kernel(AttentionHead head, const float* qkv, const float* lse, const float* mean,
                                  const float* dy, float* dqkv) {
  SIMT_DYNAMIC_SHARED(float, memory);
  SIMT_SHARED(float, dropped, [kAttentionWarps][kTileRows]);
  SIMT_SHARED(float, dscores, [kAttentionWarps][kTileRows]);
  const AttentionShared shared(head, memory);
  const int lane = lane_of_thread();
  const int warp = warp_of_thread();
  const int first = static_cast<int>(blockIdx.y) * kAttentionRows;
  const int mine = static_cast<int>(blockIdx.z);
  const AttentionSide queries = {{qkv, dy}, {kQuery, kPlain}};
  const AttentionSide keys = {{qkv, qkv}, {kKey, kValue}};
  float dk[kRowsPerWarp][kComponents] = {};
  float dv[kRowsPerWarp][kComponents] = {};
  for (int tile = 0; tile < head.time; tile += kTileRows) {
    const AttentionProducts products = tile_products(head, shared, keys, first, queries, tile);
    SIMT_UNROLL
    for (int r = 0; r < kRowsPerWarp; ++r) {
      const int j = first + warp * kRowsPerWarp + r;
      const AttentionPair pair =
          attention_pair(head, tile + lane, j, products.value[0][r], products.value[1][r], lse, mean);
      dropped[warp][lane] = pair.dropped;
      dscores[warp][lane] = pair.dscore;
      __syncwarp();
      add_weighted_rows(head.slice_width(mine), dscores[warp], shared.tile[0], shared.pitch, dk[r]);
      add_weighted_rows(head.slice_width(mine), dropped[warp], shared.tile[1], shared.pitch, dv[r]);
      __syncwarp();
    }
  }
  SIMT_UNROLL
  for (int r = 0; r < kRowsPerWarp; ++r) {
    const int j = first + warp * kRowsPerWarp + r;
    if (j >= head.time) continue;
    store_row(head.slice_width(mine), dk[r], 1.0F, dqkv + head.place(j, kKey) + mine * kMaxSlice);
    store_row(head.slice_width(mine), dv[r], 1.0F, dqkv + head.place(j, kValue) + mine * kMaxSlice);
  }
}

namespace {

AttentionHead head_of(const AttentionShape& s) {
  return {static_cast<int>(s.time),     static_cast<int>(s.width), static_cast<int>(s.heads), s.scale(),
          s.dropout.probability > 0.0F, dropout_mask(s.dropout)};
}

dim3 grid_of(const AttentionShape& s, int rows, int width_of_slice) {
  return dim3(static_cast<unsigned>(s.batch * s.heads), blocks_for(s.time, rows), blocks_for(s.width, width_of_slice));
}

constexpr unsigned kThreads = 32 * kAttentionWarps;

}  // namespace

void attention_forward_cuda(const AttentionShape& s, const float* qkv, float* y, float* lse, Stream stream) {
  const AttentionHead head = head_of(s);
  if (s.batch * s.heads * s.time * s.width == 0) return;
  simt::launch<attention_forward_kernel>(grid_of(s, kAttentionRows, kMaxSlice), dim3(kThreads),
                                         attention_shared_bytes(s.width, 1), stream, head, qkv, y, lse);
}

void attention_backward_cuda(const AttentionShape& s, const float* qkv, const float* y, const float* lse,
                             const float* dy, float* dqkv, Stream stream) {
  const AttentionHead head = head_of(s);
  if (s.batch * s.heads * s.time * s.width == 0) return;
  float* mean = cuda_scratch(stream, CudaScratchUse::kPartial, s.batch * s.heads * s.time);
  const std::size_t shared = attention_shared_bytes(s.width, 2);
  simt::launch<attention_mean_kernel>(grid_of(s, kAttentionWarps, static_cast<int>(s.width)), dim3(kThreads), 0, stream,
                                      head, y, dy, mean);
  simt::launch<attention_query_gradient_kernel>(grid_of(s, kAttentionRows, kMaxSlice), dim3(kThreads), shared, stream,
                                                head, qkv, lse, mean, dy, dqkv);
  simt::launch<attention_key_gradient_kernel>(grid_of(s, kAttentionRows, kMaxSlice), dim3(kThreads), shared, stream,
                                              head, qkv, lse, mean, dy, dqkv);
}

}  // namespace cardiograd::kernels
