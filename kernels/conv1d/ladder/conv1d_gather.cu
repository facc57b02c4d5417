// gather: the convolution and its gradients as matrix products whose left side is gathered on the fly (gemm_cuda.cuh).
//
//   a block     64 rows (record and time) x 64 channels, 256 threads; walks over the depth (tap and channel) in tiles
//               of 16. blockIdx.z is the group; in the gradient of the weights it also numbers the piece of the depth
//   a thread    4 x 4 outputs; of each tile it gathers four samples and four weights
//   shared      8.5 KiB, rows 68 floats apart
//   takes       any shape
//
// Beats coalesced by its loads: 1/32 of one from device memory for a multiply-add instead of two. What it pays: 12
// divisions of 64-bit numbers per tile, of 967 instructions (more than 2,000 where divisions take their long way) 256
// are FFMA.
#include <cstdint>

#include "kernels/common/column_sum_cuda.cuh"
#include "kernels/conv1d/ladder/conv1d_ladder.h"
#include "kernels/conv1d/ladder/conv1d_rounded.cuh"
#include "kernels/gemm/gemm_cuda.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

// The sizes that threads need, computed once.
struct Conv1dSizes {
  Conv1dShape s;
  std::int64_t output_time;
  std::int64_t inputs;   // channels of one group
  std::int64_t outputs;  // likewise
};
inline Conv1dSizes conv1d_sizes(const Conv1dShape& s) {
  return {s, s.output_time(), s.input_channels / s.groups, s.output_channels / s.groups};
}

// The sample of x that tap k (tap and channel of the group) of output row (record and time) reads; 0 outside.
__device__ inline float conv1d_sample(const Conv1dSizes& n, const float* x, std::int64_t group, std::int64_t row,
                                      std::int64_t k) {
  const std::int64_t t = row % n.output_time * n.s.stride - n.s.padding + k / n.inputs * n.s.dilation;
  if (t < 0 || t >= n.s.time) return 0.0F;
  return x[(row / n.output_time * n.s.time + t) * n.s.input_channels + group * n.inputs + k % n.inputs];
}

// Row: record and output time; column: output channel of the group; depth: tap and input channel.
struct Conv1dForwardProblem {
  static constexpr bool kRowsContiguous = false;
  std::int64_t rows;
  std::int64_t columns;
  Conv1dSizes n;
  const float* x;
  const float* w;
  const float* bias;
  float* y;
  __device__ void depth(unsigned, std::int64_t& first, std::int64_t& last) const {
    first = 0;
    last = n.s.kernel * n.inputs;
  }
  __device__ float a(unsigned z, std::int64_t row, std::int64_t k) const { return conv1d_sample(n, x, z, row, k); }
  __device__ float b(unsigned z, std::int64_t k, std::int64_t column) const {
    return w[k * n.s.output_channels + z * columns + column];
  }
  __device__ void store(unsigned z, std::int64_t row, std::int64_t column, float sum) const {
    const std::int64_t channel = z * columns + column;
    y[row * n.s.output_channels + channel] = sum + bias[channel];
  }
};

// Row: record and input time; column: input channel of the group; depth: tap and output channel. Every sample gathers
// the outputs that read it, so that nothing is added by several threads.
struct Conv1dBackwardInputProblem {
  static constexpr bool kRowsContiguous = false;
  std::int64_t rows;
  std::int64_t columns;
  Conv1dSizes n;
  const float* w;
  const float* dy;
  float* dx;
  __device__ void depth(unsigned, std::int64_t& first, std::int64_t& last) const {
    first = 0;
    last = n.s.kernel * n.outputs;
  }
  __device__ float a(unsigned z, std::int64_t row, std::int64_t k) const {
    const std::int64_t reach = row % n.s.time + n.s.padding - k / n.outputs * n.s.dilation;  // output time * stride
    if (reach < 0 || reach % n.s.stride != 0 || reach / n.s.stride >= n.output_time) return 0.0F;
    return dy[(row / n.s.time * n.output_time + reach / n.s.stride) * n.s.output_channels + z * n.outputs +
              k % n.outputs];
  }
  __device__ float b(unsigned z, std::int64_t k, std::int64_t column) const {
    return w[(k / n.outputs * n.inputs + column) * n.s.output_channels + z * n.outputs + k % n.outputs];
  }
  __device__ void store(unsigned z, std::int64_t row, std::int64_t column, float sum) const {
    dx[row * n.s.input_channels + z * columns + column] = sum;
  }
};

// Row: tap and input channel; column: output channel of the group; depth: record and output time of one piece.
// partial (piece, kernel * inputs, Cout).
struct Conv1dBackwardWeightProblem {
  static constexpr bool kRowsContiguous = true;
  std::int64_t rows;
  std::int64_t columns;
  Conv1dSizes n;
  DepthPieces pieces;
  const float* x;
  const float* dy;
  float* partial;
  __device__ void depth(unsigned z, std::int64_t& first, std::int64_t& last) const {
    pieces.range(z / n.s.groups, first, last);
  }
  __device__ float a(unsigned z, std::int64_t row, std::int64_t k) const {
    return conv1d_sample(n, x, z % n.s.groups, k, row);
  }
  __device__ float b(unsigned z, std::int64_t k, std::int64_t column) const {
    return dy[k * n.s.output_channels + z % n.s.groups * columns + column];
  }
  __device__ void store(unsigned z, std::int64_t row, std::int64_t column, float sum) const {
    partial[(z / n.s.groups * rows + row) * n.s.output_channels + z % n.s.groups * columns + column] = sum;
  }
};

void conv1d_forward_gather(const Conv1dShape& s, const float* x, const float* w, const float* b, float* y,
                           Stream stream) {
  const Conv1dSizes n = conv1d_sizes(s);
  x = rounded_input(s, x, CudaScratchUse::kFactorA, stream);
  w = rounded_weights(s, w, CudaScratchUse::kFactorB, stream);
  tile_gemm(Conv1dForwardProblem{s.batch * n.output_time, n.outputs, n, x, w, b, y}, s.groups, stream);
}

void conv1d_backward_input_gather(const Conv1dShape& s, const float* w, const float* dy, float* dx, Stream stream) {
  const Conv1dSizes n = conv1d_sizes(s);
  dy = rounded_output(s, dy, CudaScratchUse::kFactorA, stream);
  w = rounded_weights(s, w, CudaScratchUse::kFactorB, stream);
  tile_gemm(Conv1dBackwardInputProblem{s.batch * s.time, n.inputs, n, w, dy, dx}, s.groups, stream);
}

void conv1d_backward_weight_gather(const Conv1dShape& s, const float* x, const float* dy, float* dw, float* db,
                                   Stream stream) {
  const Conv1dSizes n = conv1d_sizes(s);
  const std::int64_t samples = s.batch * n.output_time;
  const DepthPieces pieces = cut_depth(samples);
  const std::int64_t rows = s.kernel * n.inputs;
  const std::int64_t weights = rows * s.output_channels;
  float* partial = cuda_scratch(stream, CudaScratchUse::kPartial, pieces.count * weights);
  if (s.bias_gradient) add_column_sums(samples, s.output_channels, dy, db, stream);
  x = rounded_input(s, x, CudaScratchUse::kFactorA, stream);
  dy = rounded_output(s, dy, CudaScratchUse::kFactorB, stream);
  tile_gemm(Conv1dBackwardWeightProblem{rows, n.outputs, n, pieces, x, dy, partial}, pieces.count * s.groups, stream);
  for_each_element(weights, stream, AddPiecesBody{weights, pieces.count, partial, dw});
}

}  // namespace cardiograd::kernels
