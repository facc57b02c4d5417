// The end of a transformer on the GPU: the rows of layer_norm_cuda.cuh, whose warps keep the sum of their rows instead
// of writing each, and read the one gradient of a record instead of one for each row. What these kernels are not made
// for goes through memory, part by part.
#include <cstdint>

#include "kernels/common/divisor.cuh"
#include "kernels/common/last_block_cuda.cuh"
#include "kernels/common/scratch_cuda.h"
#include "kernels/concat/concat.h"
#include "kernels/layer_norm/layer_norm_cuda.cuh"
#include "kernels/reduce/reduce.h"
#include "kernels/residual_layer_norm/residual_layer_norm_cuda.cuh"
#include "kernels/residual_layer_norm_mean/residual_layer_norm_mean.h"
#include "simt/simt.h"

namespace cardiograd::kernels {

// Rows of y, of which the last width_b columns are those of `beside`.
struct MeanOutput {
  unsigned time;
  unsigned width_b;
  const float* beside;
  float* y;
  float* partial;     // (record, chunk, D): sums of each chunk
  unsigned* arrived;  // per record
};

// One block: kForwardRows rows of a record (blockIdx.x), which it leaves the sum of; the last block of a record adds
// them up. One warp: every kNormWarps-th row. Shared memory: kNormWarps rows. Rows up to 32 * kWidth * kPieces.
template <int kWidth, int kPieces>
__global__ void __launch_bounds__(32 * kNormWarps, kPieces > 8 / kWidth ? 1
                                                   : kWidth == 1        ? 2
                                                                        : 3)
    layer_norm_mean_kernel(unsigned width, ResidualInput input, LayerNormForwardAt at, MeanOutput to) {
  using Lane = LaneColumns<kWidth, kPieces>;
  constexpr unsigned kThreads = 32 * kNormWarps;
  SIMT_SHARED(float, row_sums, [kNormWarps][Lane::kRowWidth]);
  const Lane lane{width};
  const unsigned first = blockIdx.y * kForwardRows + static_cast<unsigned>(warp_of_thread());
  const unsigned end = to.time < (blockIdx.y + 1) * kForwardRows ? to.time : (blockIdx.y + 1) * kForwardRows;
  const std::int64_t record = std::int64_t{blockIdx.x} * to.time;
  float* const y = to.y + std::uint64_t{blockIdx.x} * (width + to.width_b);
  input.begin();
  typename Lane::Values gamma, beta, bias;
  lane.load(input.bias, bias);
  lane.load(at.gamma, gamma);
  lane.load(at.beta, beta);
  typename Lane::Values sums = {};
  for (unsigned t = first; t < end; t += kNormWarps)
    normalize_row(lane, record + t, input, at, gamma, beta, bias, [&](int p, const Floats<kWidth>& row) {
      SIMT_UNROLL
      for (int j = 0; j < kWidth; ++j) sums[p].at[j] += row.at[j];
    });
  if (blockIdx.y == 0) {
    for (unsigned i = threadIdx.x; i < to.width_b; i += kThreads)
      y[width + i] = to.beside[std::uint64_t{blockIdx.x} * to.width_b + i];
  }
  float* const partial = to.partial + std::uint64_t{blockIdx.x} * gridDim.y * width;
  sum_over_warps(lane, sums, row_sums, [&](unsigned d, const Floats<kWidth>& sum) {
    store_floats<kWidth>(partial + std::uint64_t{blockIdx.y} * width + d, sum);
  });
  if (!is_last_block(to.arrived + blockIdx.x, gridDim.y)) return;
  sum_parts<kWidth, kThreads>(partial, gridDim.y, width, [&](unsigned d, Floats<kWidth> mean) {
    SIMT_UNROLL
    for (int j = 0; j < kWidth; ++j) mean.at[j] /= static_cast<float>(to.time);
    store_floats<kWidth>(y + d, mean);
  });
}

// The gradient of each row of a record: that of their mean, one row of dy, by their number.
struct MeanGradients {
  template <int kWidth>
  static constexpr int kBlocks = kWidth == 1 ? 1 : 2;  // The division leaves eight separate floats too few registers.
  Divisor time;
  unsigned pitch;  // of dy

  template <int kWidth>
  __device__ __forceinline__ Floats<kWidth> fetch(const float* dy, unsigned, std::int64_t row, unsigned column) const {
    return load_floats<kWidth>(dy + std::uint64_t{time.quotient(static_cast<unsigned>(row))} * pitch + column);
  }
  template <int kWidth>
  __device__ __forceinline__ Floats<kWidth> value(Floats<kWidth> fetched) const {
    SIMT_UNROLL
    for (int j = 0; j < kWidth; ++j) fetched.at[j] /= static_cast<float>(time.divisor);
    return fetched;
  }
};

struct MeanResidualOutput : ResidualOutput {
  MeanGradients above;
  unsigned width;
  unsigned batch;
  Divisor width_b;  // 1 where it is 0
  const float* dy;
  float* dbeside;  // null: there is nothing

  // dbeside, by all threads of the grid.
  __device__ __forceinline__ void begin() const {
    if (dbeside == nullptr) return;
    for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < batch * width_b.divisor; i += gridDim.x * blockDim.x) {
      const unsigned record = width_b.quotient(i);
      dbeside[i] = dy[std::uint64_t{record} * above.pitch + width + (i - record * width_b.divisor)];
    }
  }
};

namespace {

constexpr std::int64_t kMost = (std::int64_t{1} << 31) - 1;

// Whether the kernels above can number rows, records and what is beside them.
bool can_number(const ResidualLayerNormMeanShape& s) {
  return s.batch <= kCudaCounters && s.batch * s.time <= kMost && s.batch * s.width_b <= kMost &&
         s.time <= 65535 * std::int64_t{kForwardRows};
}

// Working memory for the parts one by one: all rows, then the means.
struct Rows {
  float* rows;
  float* means;
  Rows(const ResidualLayerNormMeanShape& s, Stream stream)
      : rows(cuda_scratch(stream, CudaScratchUse::kFactorA, (s.time + 1) * s.batch * s.width)),
        means(rows + s.batch * s.time * s.width) {}
};

}  // namespace

void residual_layer_norm_mean_forward_cuda(const ResidualLayerNormMeanShape& s, const float* x, const float* bias,
                                           const float* residual, const float* gamma, const float* beta,
                                           const float* beside, float* y, float* mean, float* rstd, Stream stream) {
  if (s.batch * s.time == 0) return;
  const unsigned chunks = blocks_for(s.time, kForwardRows);
  const ResidualInput input = {bias, x, residual, dropout_of(s.rows())};
  const LayerNormForwardAt at = {gamma, beta, static_cast<float>(s.epsilon), nullptr, mean, rstd};
  const auto launch = [&](auto width, auto pieces) {
    const MeanOutput to = {static_cast<unsigned>(s.time),
                           static_cast<unsigned>(s.width_b),
                           beside,
                           y,
                           cuda_scratch(stream, CudaScratchUse::kPartial, s.batch * chunks * s.width),
                           cuda_counters(stream)};
    simt::launch<layer_norm_mean_kernel<width(), pieces()>>(dim3(static_cast<unsigned>(s.batch), chunks),
                                                            dim3(32 * kNormWarps), 0, stream,
                                                            static_cast<unsigned>(s.width), input, at, to);
  };
  // The second row of y: whether all of them are aligned.
  const float* const second = y + s.width + s.width_b;
  if (can_number(s) && with_row_in_registers<0>(s.width, launch, x, bias, residual, gamma, beta, y, second)) return;
  const Rows made(s, stream);
  residual_layer_norm_forward_cuda(s.rows(), x, bias, residual, gamma, beta, made.rows, mean, rstd, stream);
  mean_time_forward_cuda({s.batch, s.time, s.width}, made.rows, made.means, stream);
  concat_forward_cuda({s.batch, s.width, s.width_b}, made.means, beside, y, stream);
}

void residual_layer_norm_mean_backward_cuda(const ResidualLayerNormMeanShape& s, const float* x, const float* bias,
                                            const float* residual, const float* gamma, const float* mean,
                                            const float* rstd, const float* dy, float* dx, float* dresidual,
                                            float* dbias, float* dgamma, float* dbeta, float* dbeside, Stream stream) {
  if (s.batch * s.time == 0) return;
  const ResidualDropout dropout = dropout_of(s.rows());
  const ResidualInput input = {bias, x, residual, dropout};
  const auto pitch = static_cast<unsigned>(s.width + s.width_b);
  const MeanResidualOutput output = {{dx, dresidual, dropout},
                                     {divisor_of(s.time), pitch},
                                     static_cast<unsigned>(s.width),
                                     static_cast<unsigned>(s.batch),
                                     divisor_of(s.width_b > 0 ? s.width_b : 1),
                                     dy,
                                     s.width_b > 0 ? dbeside : nullptr};
  const LayerNormBackwardAt at = {gamma, mean, rstd, dy, dgamma, dbeta, dbias};
  if (can_number(s) && run_layer_norm_backward<3>({s.batch * s.time, s.width, s.epsilon}, input, output, at, stream, x,
                                                  bias, residual, dx, dresidual, dy + pitch))
    return;
  const Rows made(s, stream);
  concat_backward_cuda({s.batch, s.width, s.width_b}, dy, made.means, dbeside, stream);
  mean_time_backward_cuda({s.batch, s.time, s.width}, made.means, made.rows, stream);
  residual_layer_norm_backward_cuda(s.rows(), x, bias, residual, gamma, mean, rstd, made.rows, dx, dresidual, dbias,
                                    dgamma, dbeta, stream);
}

}  // namespace cardiograd::kernels
