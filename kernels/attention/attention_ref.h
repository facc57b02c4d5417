// Multi-head self-attention in plain loops.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/attention/attention.h"
#include "kernels/dropout/dropout_ref.h"

namespace cardiograd::kernels {

// Index of component c of row t in part 0 (q), 1 (k) or 2 (v).
inline std::int64_t attention_index(const AttentionShape& s, std::int64_t n, std::int64_t t, std::int64_t part,
                                    std::int64_t h, std::int64_t c) {
  return (((n * s.time + t) * 3 + part) * s.heads + h) * s.width + c;
}

// scale * q_i . k_j
template <class Real>
Real attention_score(const AttentionShape& s, const Real* qkv, std::int64_t n, std::int64_t h, std::int64_t i,
                     std::int64_t j) {
  using std::sqrt;
  Real dot = 0;
  for (std::int64_t c = 0; c < s.width; ++c)
    dot += qkv[attention_index(s, n, i, 0, h, c)] * qkv[attention_index(s, n, j, 1, h, c)];
  return dot / sqrt(static_cast<Real>(s.width));
}

// The factor that dropout puts on attention weight (i, j) of head h in record n.
template <class Real>
Real attention_factor(const AttentionShape& s, std::int64_t n, std::int64_t h, std::int64_t i, std::int64_t j) {
  if (s.dropout.probability == 0) return 1;
  const std::int64_t element = ((n * s.heads + h) * s.time + i) * s.time + j;
  return dropout_keeps(s.dropout, element) ? static_cast<Real>(dropout_scale(s.dropout.probability)) : 0;
}

template <class Real>
void attention_forward_ref(const AttentionShape& s, const Real* qkv, Real* y, Real* lse) {
  using std::exp, std::log;
  std::vector<Real> score(static_cast<std::size_t>(s.time));
  for (std::int64_t n = 0; n < s.batch; ++n) {
    for (std::int64_t h = 0; h < s.heads; ++h) {
      for (std::int64_t i = 0; i < s.time; ++i) {
        for (std::int64_t j = 0; j < s.time; ++j)
          score[static_cast<std::size_t>(j)] = attention_score(s, qkv, n, h, i, j);
        const Real largest = *std::max_element(score.begin(), score.end());
        Real sum = 0;
        for (const Real value : score) sum += exp(value - largest);
        const Real log_sum = largest + log(sum);
        lse[(n * s.heads + h) * s.time + i] = log_sum;
        for (std::int64_t j = 0; j < s.time; ++j) {
          Real& weight = score[static_cast<std::size_t>(j)];
          weight = exp(weight - log_sum) * attention_factor<Real>(s, n, h, i, j);
        }
        for (std::int64_t c = 0; c < s.width; ++c) {
          Real out = 0;
          for (std::int64_t j = 0; j < s.time; ++j)
            out += score[static_cast<std::size_t>(j)] * qkv[attention_index(s, n, j, 2, h, c)];
          y[((n * s.time + i) * s.heads + h) * s.width + c] = out;
        }
      }
    }
  }
}

template <class Real>
void attention_backward_ref(const AttentionShape& s, const Real* qkv, const Real* y, const Real* lse, const Real* dy,
                            Real* dqkv) {
  using std::exp, std::sqrt;
  std::fill(dqkv, dqkv + s.batch * s.time * 3 * s.heads * s.width, Real{0});
  for (std::int64_t n = 0; n < s.batch; ++n) {
    for (std::int64_t h = 0; h < s.heads; ++h) {
      for (std::int64_t i = 0; i < s.time; ++i) {
        const std::int64_t row = ((n * s.time + i) * s.heads + h) * s.width;
        Real mean = 0;  // sum over j of P_ij dP_ij, which is dy . y
        for (std::int64_t c = 0; c < s.width; ++c) mean += dy[row + c] * y[row + c];
        for (std::int64_t j = 0; j < s.time; ++j) {
          const Real weight = exp(attention_score(s, qkv, n, h, i, j) - lse[(n * s.heads + h) * s.time + i]);
          const Real factor = attention_factor<Real>(s, n, h, i, j);
          Real dweight = 0;
          for (std::int64_t c = 0; c < s.width; ++c) {
            const std::int64_t v = attention_index(s, n, j, 2, h, c);
            dweight += dy[row + c] * qkv[v];
            dqkv[v] += weight * factor * dy[row + c];
          }
          const Real dscore = weight * (factor * dweight - mean) / sqrt(static_cast<Real>(s.width));
          for (std::int64_t c = 0; c < s.width; ++c) {
            const std::int64_t q = attention_index(s, n, i, 0, h, c);
            const std::int64_t k = attention_index(s, n, j, 1, h, c);
            dqkv[q] += dscore * qkv[k];
            dqkv[k] += dscore * qkv[q];
          }
        }
      }
    }
  }
}

}  // namespace cardiograd::kernels
