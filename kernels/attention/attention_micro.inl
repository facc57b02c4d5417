// The rows of attention_micro.h, included once per instruction set. Everything is internal to the including file.

#include <cstring>
#include <limits>

#include "kernels/attention/attention_micro.h"
#include "kernels/common/vector_math.h"

namespace cardiograd::kernels {
namespace {

// GCC does not make vectors of a selection of the larger of two by itself, and takes those that are wider than a
// register apart.
#ifdef __AVX512F__
constexpr int kRegister = 16;
#else
constexpr int kRegister = 8;
#endif
typedef float Lanes __attribute__((vector_size(kRegister * 4), aligned(4), may_alias));
constexpr int kParts = kReductionLanes / kRegister;

// Of kReductionLanes values.
inline const Lanes& part_of(const float* values, int part) {
  return *reinterpret_cast<const Lanes*>(values + part * kRegister);
}

// Whole vectors: what lies behind the row costs less than a remainder.
inline std::int64_t whole_lanes(std::int64_t time) {
  return (time + kAttentionLanes - 1) / kAttentionLanes * kAttentionLanes;
}

float largest_of(std::int64_t width, const float* row) {
  Lanes most[kParts];
  for (int p = 0; p < kParts; ++p) most[p] = part_of(row, p);
  for (std::int64_t j = kReductionLanes; j < width; j += kReductionLanes) {
    for (int p = 0; p < kParts; ++p) {
      const Lanes next = part_of(row + j, p);
      most[p] = next > most[p] ? next : most[p];
    }
  }
  float lanes[kReductionLanes];
  std::memcpy(lanes, most, sizeof lanes);
  return max_of_lanes(lanes);
}

float sum_of(std::int64_t width, const float* row) {
  Lanes sum[kParts] = {};
  for (std::int64_t j = 0; j < width; j += kReductionLanes)
    for (int p = 0; p < kParts; ++p) sum[p] += part_of(row + j, p);
  float lanes[kReductionLanes];
  std::memcpy(lanes, sum, sizeof lanes);
  return add_lanes(lanes);
}

// A pass over all rows, then the next one: no row waits for the reductions of another.
void exponentials(std::int64_t count, std::int64_t time, std::int64_t stride, float scale, float* __restrict rows,
                  float* __restrict largest, float* __restrict sums) {
  const std::int64_t width = whole_lanes(time);
  for (std::int64_t i = 0; i < count; ++i) {
    float* row = rows + i * stride;
    for (std::int64_t j = time; j < width; ++j) row[j] = -std::numeric_limits<float>::infinity();
    largest[i] = largest_of(width, row);
  }
  for (std::int64_t i = 0; i < count; ++i) {
    float* row = rows + i * stride;
    const float most = largest[i];
    for (std::int64_t j = 0; j < width; ++j) row[j] = fast_exp(scale * (row[j] - most));
  }
  for (std::int64_t i = 0; i < count; ++i) sums[i] = sum_of(width, rows + i * stride);
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
