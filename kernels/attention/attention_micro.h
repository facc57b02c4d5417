// What attention does with rows of its T x T matrices, by vector instructions: the interface between attention_cpu.cpp
// and the files compiled for one instruction set each. Only plain types here.
//
// Rows may be read and written up to the next multiple of kAttentionLanes, factors of the dropout mask read; what is
// there is undefined afterwards. factors: nullptr without dropout.
#pragma once

#include <cstdint>

namespace cardiograd::kernels {

inline constexpr std::int64_t kAttentionLanes = 16;

struct AttentionRows {
  // Each of `count` rows, `stride` apart, = exp(scale * (row - its largest)); the largest of each, and the sum of its
  // exponentials.
  void (*exponentials)(std::int64_t count, std::int64_t time, std::int64_t stride, float scale, float* rows,
                       float* largest, float* sums);
  // row = row * inverse * factors.
  void (*weights)(std::int64_t time, float inverse, const float* factors, float* row);
  // p = exp(scale * p - log_sum).
  void (*probabilities)(std::int64_t time, float scale, float log_sum, float* p);
  // dropped = p * factors.
  void (*dropped)(std::int64_t time, const float* factors, const float* p, float* dropped);
  // dropped = p where a factor is not zero, else 0.
  void (*kept)(std::int64_t time, const float* factors, const float* p, float* dropped);
  // From the dropped weights to dS: dscores = scale * (dscores * dmasked - p * mean).
  void (*dscores)(std::int64_t time, float scale, float mean, const float* p, const float* dmasked, float* dscores);
  // dscores = p * (factors * dmasked - mean).
  void (*dscores_unscaled)(std::int64_t time, float mean, const float* factors, const float* p, const float* dmasked,
                           float* dscores);
};

extern const AttentionRows kAttentionRowsAvx2;
extern const AttentionRows kAttentionRowsAvx512;

}  // namespace cardiograd::kernels
