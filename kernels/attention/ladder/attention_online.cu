// online: softmax as it goes (Milakov and Gimelshein, 2018). A sum of weights relative to the largest score so far
// is multiplied by exp(old - new) when a larger score comes: so one pass over the keys does, and no T x T matrix is
// stored.
//
//   a block     four queries of one head
//   a warp      a query; goes through the keys one by one
//   a thread    every 32nd component: its products with a key's components are added over the warp (five shuffles)
//   shared      none
//   takes       heads of up to 128 components
//
// Beats matrix by its traffic: no T x T floats, and rows are read whole, 4 sectors for a request instead of 32. What
// remains: every query reads all keys and values for itself, and a key costs about 240 instructions of a warp for 2 D /
// 32 multiply-adds (head width 32: 2), since all lanes compute the same exponentials and the same random word.
#include <cstdint>

#include "kernels/attention/attention_head.cuh"
#include "kernels/attention/ladder/attention_ladder.h"
#include "kernels/common/grid.cuh"
#include "kernels/common/warp_reduce.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr int kOnlineWarps = 4;
inline constexpr int kOnlineComponents = 4;  // of a lane at most

static __global__ void __launch_bounds__(32 * kOnlineWarps)
    attention_online_kernel(AttentionHead head, const float* qkv, float* y, float* lse) {
  const int i = head.tile() * kOnlineWarps + warp_of_thread();
  if (i >= head.time) return;  // whole warps
  const int lane = lane_of_thread();
  const float* q = rows_of_part(head, qkv, 0).row(i);
  float query[kOnlineComponents] = {};
  float out[kOnlineComponents] = {};
  SIMT_UNROLL
  for (int n = 0; n < kOnlineComponents; ++n)
    if (lane + 32 * n < head.width) query[n] = round_factor(head.precision, q[lane + 32 * n]);
  float largest = -INFINITY;
  float total = 0;
  for (int j = 0; j < head.time; ++j) {
    const float* k = rows_of_part(head, qkv, 1).row(j);
    const float* v = rows_of_part(head, qkv, 2).row(j);
    float sum = 0;
    SIMT_UNROLL
    for (int n = 0; n < kOnlineComponents; ++n)
      if (lane + 32 * n < head.width) sum += query[n] * round_factor(head.precision, k[lane + 32 * n]);
    const float score = head.scale * warp_sum(sum);
    const float next = fmaxf(largest, score);
    const float shrink = expf(largest - next);  // 0 at the first key
    const float weight = expf(score - next);
    largest = next;
    total = total * shrink + weight;
    const float kept = head.keeps(i, j) ? round_factor(head.precision, weight) : 0.0F;
    SIMT_UNROLL
    for (int n = 0; n < kOnlineComponents; ++n)
      if (lane + 32 * n < head.width) out[n] = out[n] * shrink + kept * round_factor(head.precision, v[lane + 32 * n]);
  }
  float* row = rows_of_output(head, y).row(i);
  SIMT_UNROLL
  for (int n = 0; n < kOnlineComponents; ++n)
    if (lane + 32 * n < head.width) row[lane + 32 * n] = out[n] * head.mask_factor / total;
  if (lane == 0) lse[head.query(i)] = largest + logf(total);
}

void attention_forward_online(const AttentionShape& s, const float* qkv, float* y, float* lse, Stream stream) {
  if (s.width > 32 * kOnlineComponents) return attention_forward_tile(s, qkv, y, lse, stream);
  const AttentionHead head = attention_head(s, kOnlineWarps, {qkv});
  simt::launch<attention_online_kernel>(attention_grid(s, head), dim3(32 * kOnlineWarps), 0, stream, head, qkv, y, lse);
}

}  // namespace cardiograd::kernels
