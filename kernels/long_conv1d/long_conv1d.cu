// The long convolution on the GPU, one product after the other. All three directions are one kernel (Correlated below).
// Lanes are channels; a warp makes kOutputs rows of results, each factor of which is read from shared memory once for
// up to kOutputs products.
#include <cstdint>

#include "kernels/common/column_sum_cuda.cuh"
#include "kernels/common/grid.cuh"
#include "kernels/common/scratch_cuda.h"
#include "kernels/long_conv1d/long_conv1d.h"
#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr int kLongConvThreads = 256;
inline constexpr int kLongConvLanes = 32;    // channels of a block
inline constexpr int kLongConvOutputs = 16;  // rows of results of a warp
inline constexpr int kLongConvDepth = 32;    // rows of `a` in shared memory
inline constexpr int kLongConvRows = kLongConvThreads / kLongConvLanes * kLongConvOutputs;  // of results of a block
inline constexpr int kLongConvWindow = kLongConvRows + kLongConvDepth - 1;  // rows of `b` that they meet
inline constexpr int kRecordsPerGroup = 8;                                  // whose sums for dw are one part

// out[group, i, c] = sum over the group's records n and over j of a[n, j, c] * b[n, j - i + shift, c]. Forward: x and
// w; for dx: dy and w backwards; for dw: x and dy, of several records in a group.
struct Correlated {
  const float* a;
  const float* b;
  float* out;
  std::int64_t a_record;  // from one record to the next, in floats
  std::int64_t b_record;
  std::int64_t b_row;
  std::int64_t out_group;
  int a_rows;
  int b_rows;
  int out_rows;
  int shift;
  int records;
  int per_group;
  int channels;
};

// Rows of `depth` products for a warp's results: sums[i] += a[j] * b[j - i].
__device__ __forceinline__ void add_products(const float (&a)[kLongConvDepth][kLongConvLanes],
                                             const float (&b)[kLongConvWindow][kLongConvLanes], int first_b, int lane,
                                             float (&sums)[kLongConvOutputs]) {
  constexpr int kStep = kLongConvOutputs;
  SIMT_UNROLL_BY(1)
  for (int j = 0; j < kLongConvDepth; j += kStep) {
    float window[2 * kStep - 1];
    SIMT_UNROLL
    for (int i = 0; i < 2 * kStep - 1; ++i) window[i] = b[first_b + j + i - (kStep - 1)][lane];
    SIMT_UNROLL
    for (int i = 0; i < kStep; ++i) {
      const float factor = a[j + i][lane];
      SIMT_UNROLL
      for (int o = 0; o < kStep; ++o) sums[o] += factor * window[kStep - 1 + i - o];
    }
  }
}

// One block: kLongConvRows results of a tile of channels of a group of records. Blocks: groups, tiles of channels,
// tiles of results. Shared memory 23.9 KiB.
static __global__ void __launch_bounds__(kLongConvThreads, 2) long_conv1d_kernel(Correlated s) {
  SIMT_SHARED(float, a, [kLongConvDepth][kLongConvLanes]);
  SIMT_SHARED(float, b, [kLongConvWindow][kLongConvLanes]);
  constexpr int kWarps = kLongConvThreads / 32;
  const int lane = lane_of_thread();
  const int warp = warp_of_thread();
  const int channel = static_cast<int>(blockIdx.y) * kLongConvLanes + lane;
  const bool inside = channel < s.channels;
  const int first_out = static_cast<int>(blockIdx.z) * kLongConvRows;
  const int begin = first_out - s.shift > 0 ? first_out - s.shift : 0;
  const int reach = s.b_rows + first_out + kLongConvRows - 1 - s.shift;
  const int end = reach < s.a_rows ? reach : s.a_rows;
  const int first_record = static_cast<int>(blockIdx.x) * s.per_group;
  const int last_record = first_record + s.per_group < s.records ? first_record + s.per_group : s.records;
  float sums[kLongConvOutputs] = {};
  for (int n = first_record; n < last_record; ++n) {
    const float* from_a = s.a + n * s.a_record + channel;
    const float* from_b = s.b + n * s.b_record + channel;
    for (int j = begin; j < end; j += kLongConvDepth) {
      SIMT_UNROLL
      for (int row = warp; row < kLongConvDepth; row += kWarps)
        a[row][lane] = inside && j + row < s.a_rows ? from_a[std::int64_t{j + row} * s.channels] : 0.0F;
      const int below = j - first_out - (kLongConvRows - 1) + s.shift;  // row of `b` that is the window's first
      SIMT_UNROLL_BY(8)
      for (int row = warp; row < kLongConvWindow; row += kWarps) {
        const int at = below + row;
        b[row][lane] = inside && at >= 0 && at < s.b_rows ? from_b[at * s.b_row] : 0.0F;
      }
      __syncthreads();
      add_products(a, b, kLongConvRows - 1 - warp * kLongConvOutputs, lane, sums);
      __syncthreads();
    }
  }
  if (!inside) return;
  const int first = first_out + warp * kLongConvOutputs;
  float* to = s.out + blockIdx.x * s.out_group + channel;
  SIMT_UNROLL
  for (int o = 0; o < kLongConvOutputs; ++o)
    if (first + o < s.out_rows) to[std::int64_t{first + o} * s.channels] = sums[o];
}

namespace {

unsigned groups_of(const Correlated& s) {
  return blocks_for(s.records, s.per_group);
}

void correlate(const Correlated& s, Stream stream) {
  const dim3 blocks(groups_of(s), blocks_for(s.channels, kLongConvLanes), blocks_for(s.out_rows, kLongConvRows));
  simt::launch<long_conv1d_kernel>(blocks, dim3(kLongConvThreads), 0, stream, s);
}

// One group per record, results as long as the records.
Correlated over_records(const LongConv1dShape& s, const float* a, float* out) {
  const std::int64_t record = s.time * s.channels;
  return {.a = a,
          .b = nullptr,
          .out = out,
          .a_record = record,
          .b_record = 0,
          .b_row = s.channels,
          .out_group = record,
          .a_rows = static_cast<int>(s.time),
          .b_rows = static_cast<int>(s.taps),
          .out_rows = static_cast<int>(s.time),
          .shift = static_cast<int>(s.before),
          .records = static_cast<int>(s.batch),
          .per_group = 1,
          .channels = static_cast<int>(s.channels)};
}

}  // namespace

void long_conv1d_forward_cuda(const LongConv1dShape& s, const float* x, const float* w, float* y, Stream stream) {
  if (s.batch * s.time * s.channels == 0) return;
  Correlated forward = over_records(s, x, y);
  forward.b = w;
  correlate(forward, stream);
}

void long_conv1d_backward_cuda(const LongConv1dShape& s, const float* x, const float* w, const float* dy, float* dx,
                               float* dw, Stream stream) {
  if (s.batch * s.time * s.channels == 0) return;
  Correlated backward = over_records(s, dy, dx);
  backward.b = w + (s.taps - 1) * s.channels;
  backward.b_row = -s.channels;
  backward.shift = static_cast<int>(s.taps - 1 - s.before);
  correlate(backward, stream);
  if (dw == nullptr) return;
  Correlated of_taps = over_records(s, x, nullptr);
  of_taps.b = dy;
  of_taps.b_record = of_taps.a_record;
  of_taps.b_rows = of_taps.a_rows;
  of_taps.out_rows = static_cast<int>(s.taps);
  of_taps.out_group = s.taps * s.channels;
  of_taps.per_group = kRecordsPerGroup;
  const std::int64_t groups = groups_of(of_taps);
  of_taps.out = cuda_scratch(stream, CudaScratchUse::kPartial, groups * of_taps.out_group);
  correlate(of_taps, stream);
  add_column_sums(groups, of_taps.out_group, of_taps.out, dw, stream);
}

}  // namespace cardiograd::kernels
