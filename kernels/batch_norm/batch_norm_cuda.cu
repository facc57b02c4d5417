#include "kernels/batch_norm/batch_norm_cuda.cuh"
#include "kernels/batch_norm/batch_norm_cuda.h"
#include "kernels/common/elementwise_cuda.cuh"
#include "kernels/common/scratch_cuda.h"

namespace cardiograd::kernels {
namespace {

// Fills the working memory with 1 / sqrt(variance + epsilon); behind it lie 2 C floats for sums.
BatchNormChannels channels_of(const BatchNormShape& s, const float* gamma, const float* beta, const float* mean,
                              const float* variance, Stream stream) {
  float* inverse = cuda_scratch(stream, CudaScratchUse::kCoefficients, 3 * s.channels);
  for_each_element(s.channels, stream, BatchNormInverseBody{variance, static_cast<float>(s.epsilon), inverse});
  return {s.channels, s.relu, gamma, beta, mean, inverse};
}

void gradient(const BatchNormShape& s, float share, const BatchNormChannels& at, const float* x, const float* dy,
              float* dx, float* dgamma, float* dbeta, Stream stream) {
  float* sum = cuda_scratch(stream, CudaScratchUse::kCoefficients, 3 * s.channels) + s.channels;
  float* product = sum + s.channels;
  column_sums<2>(s.rows, s.channels, stream, BatchNormLoad{at, x, dy}, BatchNormFinish{sum, product, dgamma, dbeta});
  for_each_element(s.rows * s.channels, stream, BatchNormGradientBody{at, share, sum, product, x, dy, dx});
}

}  // namespace

void batch_norm_forward_cuda(const BatchNormShape& s, const float* x, const float* gamma, const float* beta,
                             float* running_mean, float* running_var, float* y, float* mean, float* variance,
                             Stream stream) {
  const auto chunks = static_cast<unsigned>((s.rows + kRowsPerChunk - 1) / kRowsPerChunk);
  const auto tiles = static_cast<unsigned>((s.channels + kColumnTile - 1) / kColumnTile);
  float* partial = cuda_scratch(stream, CudaScratchUse::kPartial, std::int64_t{chunks} * 3 * s.channels);
  simt::launch<batch_norm_statistics_kernel>(dim3(chunks, tiles), dim3(kColumnTile, kRowLanes), 0, stream, s.rows,
                                             s.channels, x, partial);
  simt::launch<batch_norm_combine_kernel>(
      dim3(tiles), dim3(kColumnTile), 0, stream, s.rows, s.channels,
      BatchNormStatistics{partial, static_cast<float>(s.momentum), running_mean, running_var, mean, variance});
  for_each_element(s.rows * s.channels, stream,
                   BatchNormApplyBody{channels_of(s, gamma, beta, mean, variance, stream), x, y});
}

void batch_norm_eval_forward_cuda(const BatchNormShape& s, const float* x, const float* gamma, const float* beta,
                                  const float* running_mean, const float* running_var, float* y, Stream stream) {
  for_each_element(s.rows * s.channels, stream,
                   BatchNormApplyBody{channels_of(s, gamma, beta, running_mean, running_var, stream), x, y});
}

void batch_norm_backward_cuda(const BatchNormShape& s, const float* x, const float* gamma, const float* beta,
                              const float* mean, const float* variance, const float* dy, float* dx, float* dgamma,
                              float* dbeta, Stream stream) {
  gradient(s, 1.0F / static_cast<float>(s.rows), channels_of(s, gamma, beta, mean, variance, stream), x, dy, dx, dgamma,
           dbeta, stream);
}

void batch_norm_eval_backward_cuda(const BatchNormShape& s, const float* x, const float* gamma, const float* beta,
                                   const float* running_mean, const float* running_var, const float* dy, float* dx,
                                   float* dgamma, float* dbeta, Stream stream) {
  gradient(s, 0.0F, channels_of(s, gamma, beta, running_mean, running_var, stream), x, dy, dx, dgamma, dbeta, stream);
}

}  // namespace cardiograd::kernels
