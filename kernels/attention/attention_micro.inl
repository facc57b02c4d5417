// The rows of attention_micro.h, included once per instruction set. Everything is internal to the including file.

#include <algorithm>
#include <limits>

#include "kernels/attention/attention_micro.h"
#include "kernels/common/vector_math.h"

namespace cardiograd::kernels {
namespace {

// GCC does not make vectors of a selection of the larger of two by itself.
typedef float Lanes __attribute__((vector_size(kReductionLanes * 4), aligned(4), may_alias));

// Whole vectors: what lies behind the row costs less than a remainder.
inline std::int64_t whole_lanes(std::int64_t time) {
  return (time + kAttentionLanes - 1) / kAttentionLanes * kAttentionLanes;
}

SoftmaxRow exponentials(std::int64_t time, float scale, float* row) {
  const std::int64_t width = whole_lanes(time);
  for (std::int64_t j = time; j < width; ++j) row[j] = -std::numeric_limits<float>::infinity();
  Lanes most = *reinterpret_cast<const Lanes*>(row);
  for (std::int64_t j = kReductionLanes; j < width; j += kReductionLanes) {
    const Lanes next = *reinterpret_cast<const Lanes*>(row + j);
    most = next > most ? next : most;
  }
  float lanes[kReductionLanes];
  *reinterpret_cast<Lanes*>(lanes) = most;
  const float largest = max_of_lanes(lanes);
  std::fill_n(lanes, kReductionLanes, 0.0F);
  for (std::int64_t j = 0; j < width; j += kReductionLanes) {
    for (int lane = 0; lane < kReductionLanes; ++lane) {
      row[j + lane] = fast_exp(scale * (row[j + lane] - largest));
      lanes[lane] += row[j + lane];
    }
  }
  return {largest, add_lanes(lanes)};
}

void weights(std::int64_t time, float inverse, const float* __restrict factors, float* __restrict row) {
  const std::int64_t width = whole_lanes(time);
  if (factors == nullptr)
    for (std::int64_t j = 0; j < width; ++j) row[j] *= inverse;
  else
    for (std::int64_t j = 0; j < width; ++j) row[j] *= inverse * factors[j];
}

void probabilities(std::int64_t time, float scale, float log_sum, float* __restrict p) {
  const std::int64_t width = whole_lanes(time);
  for (std::int64_t j = 0; j < width; ++j) p[j] = fast_exp(scale * p[j] - log_sum);
}

void dropped(std::int64_t time, const float* __restrict factors, const float* __restrict p, float* __restrict to) {
  const std::int64_t width = whole_lanes(time);
  if (factors == nullptr)
    for (std::int64_t j = 0; j < width; ++j) to[j] = p[j];
  else
    for (std::int64_t j = 0; j < width; ++j) to[j] = p[j] * factors[j];
}

// `to` may be p.
void kept(std::int64_t time, const float* factors, const float* p, float* to) {
  const std::int64_t width = whole_lanes(time);
  if (factors == nullptr)
    for (std::int64_t j = 0; j < width; ++j) to[j] = p[j];
  else
    for (std::int64_t j = 0; j < width; ++j) to[j] = factors[j] != 0.0F ? p[j] : 0.0F;
}

void dscores(std::int64_t time, float scale, float mean, const float* __restrict p, const float* __restrict dmasked,
             float* __restrict to) {
  const std::int64_t width = whole_lanes(time);
  for (std::int64_t j = 0; j < width; ++j) to[j] = scale * (to[j] * dmasked[j] - p[j] * mean);
}

void dscores_unscaled(std::int64_t time, float mean, const float* __restrict factors, const float* __restrict p,
                      const float* __restrict dmasked, float* __restrict to) {
  const std::int64_t width = whole_lanes(time);
  if (factors == nullptr)
    for (std::int64_t j = 0; j < width; ++j) to[j] = p[j] * (dmasked[j] - mean);
  else
    for (std::int64_t j = 0; j < width; ++j) to[j] = p[j] * (factors[j] * dmasked[j] - mean);
}

constexpr AttentionRows kRowsOfThisFile = {exponentials, weights, probabilities,   dropped,
                                           kept,         dscores, dscores_unscaled};

}  // namespace
}  // namespace cardiograd::kernels
