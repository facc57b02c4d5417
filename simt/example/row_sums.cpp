// Sums of the rows of a matrix: a kernel, its launch, and what a missing barrier looks like.
//
//   row_sums            prints the sums
//   row_sums --broken   the same without its barrier: NaN, because a warp reads what another has not written yet
//
// Under nvcc the same file is a CUDA program: nvcc -std=c++20 -x cu -I . simt/example/row_sums.cpp
#include <cstdio>
#include <string>
#include <vector>

#include "simt/simt.h"

namespace {

using namespace cardiograd::simt;

constexpr int kThreads = 64;

// One block sums one row: each thread a part, each warp by shuffles, the first thread the warps.
template <bool kBarrier>
__global__ void row_sums_kernel(int columns, const float* matrix, float* sums) {
  SIMT_SHARED(float, warp_sum, [kThreads / 32]);
  const int thread = static_cast<int>(threadIdx.x);
  const float* row = matrix + static_cast<int>(blockIdx.x) * columns;
  float sum = 0;
  for (int i = thread; i < columns; i += kThreads) sum += row[i];
  for (int step = 16; step > 0; step /= 2) sum += __shfl_xor_sync(0xFFFFFFFFU, sum, step);
  if (thread % 32 == 0) warp_sum[thread / 32] = sum;
  if (kBarrier) __syncthreads();
  if (thread == 0) sums[blockIdx.x] = warp_sum[0] + warp_sum[1];
}

}  // namespace

int main(int argc, char** argv) {
  constexpr int kRows = 3;
  constexpr int kColumns = 101;
  std::vector<float> matrix(kRows * kColumns);
  for (int i = 0; i < kRows * kColumns; ++i) matrix[static_cast<std::size_t>(i)] = static_cast<float>(i / kColumns);
  const std::size_t bytes = matrix.size() * sizeof(float);

  float* device_matrix = nullptr;
  float* device_sums = nullptr;
  cudaStream_t stream = nullptr;
  cudaStreamCreate(&stream);
  cudaMalloc(&device_matrix, bytes);
  cudaMalloc(&device_sums, kRows * sizeof(float));
  cudaMemcpyAsync(device_matrix, matrix.data(), bytes, cudaMemcpyHostToDevice, stream);
  if (argc > 1 && std::string(argv[1]) == "--broken")
    launch<row_sums_kernel<false>>(kRows, kThreads, 0, stream, kColumns, device_matrix, device_sums);
  else
    launch<row_sums_kernel<true>>(kRows, kThreads, 0, stream, kColumns, device_matrix, device_sums);
  float sums[kRows];
  cudaMemcpyAsync(sums, device_sums, sizeof(sums), cudaMemcpyDeviceToHost, stream);
  cudaStreamSynchronize(stream);
  for (const float sum : sums) std::printf("%g\n", static_cast<double>(sum));
  cudaFree(device_matrix);
  cudaFree(device_sums);
  cudaStreamDestroy(stream);
  return 0;
}
