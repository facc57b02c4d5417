// matrix: the formula as it stands, one kernel per line of it. S, then P, lies in device memory: T x T floats per
// head.
//
//   a block     a query of one head, in each kernel
//   a thread    scores: every 128th key, a dot product each; softmax (one warp): every 32nd weight; product: every
//               128th component of y
//   shared      none
//   takes       any shape; N H T T floats of working memory
//
// The lowest variant. Neighboring threads of `scores` read rows of K that lie 3 H D floats apart, 32 sectors for a
// request where 4 would do. And T x T floats of each head pass through device memory: at N64 T125 H8 32 MB, written
// twice and read three times, where q, k, v and y are 33 MB.
#include <cstdint>

#include "kernels/attention/attention_head.cuh"
#include "kernels/attention/ladder/attention_ladder.h"
#include "kernels/common/grid.cuh"
#include "kernels/common/scratch_cuda.h"
#include "kernels/common/warp_reduce.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr int kMatrixThreads = 128;

// scores[query][j] = scale * q . k_j
static __global__ void __launch_bounds__(kMatrixThreads)
    attention_matrix_scores_kernel(AttentionHead head, const float* qkv, float* scores) {
  const int i = head.tile();
  const float* q = rows_of_part(head, qkv, 0).row(i);
  for (int j = static_cast<int>(threadIdx.x); j < head.time; j += kMatrixThreads) {
    const float* k = rows_of_part(head, qkv, 1).row(j);
    float sum = 0;
    for (int c = 0; c < head.width; ++c) sum += round_factor(head.precision, q[c]) * round_factor(head.precision, k[c]);
    scores[head.query(i) * head.time + j] = head.scale * sum;
  }
}

// scores = weights relative to the row's largest, where dropout keeps them; total = their sum before dropout
static __global__ void __launch_bounds__(kMatrixThreads)
    attention_matrix_softmax_kernel(AttentionHead head, float* scores, float* total, float* lse) {
  const int i = head.tile();
  float* row = scores + head.query(i) * head.time;
  const int lane = lane_of_thread();
  float largest = -INFINITY;
  for (int j = lane; j < head.time; j += 32) largest = fmaxf(largest, row[j]);
  largest = warp_max(largest);
  float sum = 0;
  for (int j = lane; j < head.time; j += 32) {
    const float weight = expf(row[j] - largest);
    sum += weight;
    row[j] = head.keeps(i, j) ? round_factor(head.precision, weight) : 0.0F;
  }
  sum = warp_sum(sum);
  if (lane != 0) return;
  total[head.query(i)] = sum;
  lse[head.query(i)] = largest + logf(sum);
}

static __global__ void __launch_bounds__(kMatrixThreads)
    attention_matrix_product_kernel(AttentionHead head, const float* qkv, const float* weights, const float* total,
                                    float* y) {
  const int i = head.tile();
  const float* row = weights + head.query(i) * head.time;
  for (int c = static_cast<int>(threadIdx.x); c < head.width; c += kMatrixThreads) {
    float sum = 0;
    for (int j = 0; j < head.time; ++j)
      sum += row[j] * round_factor(head.precision, rows_of_part(head, qkv, 2).row(j)[c]);
    rows_of_output(head, y).row(i)[c] = sum * head.mask_factor / total[head.query(i)];
  }
}

void attention_forward_matrix(const AttentionShape& s, const float* qkv, float* y, float* lse, Stream stream) {
  const AttentionHead head = attention_head(s, 1, {qkv});
  const std::int64_t rows = s.batch * s.heads * s.time;
  float* scores = cuda_scratch(stream, CudaScratchUse::kPartial, rows * s.time);
  float* total = cuda_scratch(stream, CudaScratchUse::kColumnSums, rows);
  const dim3 grid = attention_grid(s, head);
  simt::launch<attention_matrix_scores_kernel>(grid, dim3(kMatrixThreads), 0, stream, head, qkv, scores);
  simt::launch<attention_matrix_softmax_kernel>(grid, dim3(32), 0, stream, head, scores, total, lse);
  simt::launch<attention_matrix_product_kernel>(grid, dim3(kMatrixThreads), 0, stream, head, qkv, scores, total, y);
}

}  // namespace cardiograd::kernels
