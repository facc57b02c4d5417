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

// 1 / sqrt(D), as exact as Real is.
template <class Real>
Real attention_scale(const AttentionShape& s) {
  return static_cast<Real>(1 / std::sqrt(static_cast<double>(s.width)));
}

// q_i . k_j / sqrt(D)
template <class Real>
Real attention_score(const AttentionShape& s, const Real* qkv, std::int64_t n, std::int64_t h, std::int64_t i,
                     std::int64_t j) {
  Real dot = 0;
  for (std::int64_t c = 0; c < s.width; ++c)
    dot += round_to(s.precision, qkv[attention_index(s, n, i, 0, h, c)]) *
           round_to(s.precision, qkv[attention_index(s, n, j, 1, h, c)]);
  return dot * attention_scale<Real>(s);
}

// Whether dropout keeps attention weight (i, j) of head h in record n.
inline bool attention_keeps(const AttentionShape& s, std::int64_t n, std::int64_t h, std::int64_t i, std::int64_t j) {
  return s.dropout.probability == 0 || dropout_keeps(s.dropout, ((n * s.heads + h) * s.time + i) * s.mask_row() + j);
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
        for (std::int64_t j = 0; j < s.time; ++j) {
          Real& weight = score[static_cast<std::size_t>(j)];
          weight = exp(weight - largest);
          sum += weight;
          weight = attention_keeps(s, n, h, i, j) ? round_to(s.precision, weight) : Real{0};
        }
        lse[(n * s.heads + h) * s.time + i] = largest + log(sum);
        const Real factor = static_cast<Real>(s.dropout_factor()) / sum;
        for (std::int64_t c = 0; c < s.width; ++c) {
          Real out = 0;
          for (std::int64_t j = 0; j < s.time; ++j)
            out += score[static_cast<std::size_t>(j)] * round_to(s.precision, qkv[attention_index(s, n, j, 2, h, c)]);
          y[((n * s.time + i) * s.heads + h) * s.width + c] = out * factor;
        }
      }
    }
  }
}

template <class Real>
void attention_backward_ref(const AttentionShape& s, const Real* qkv, const Real* y, const Real* lse, const Real* dy,
                            Real* dqkv) {
  using std::exp;
  std::fill(dqkv, dqkv + s.batch * s.time * 3 * s.heads * s.width, Real{0});
  const Real mask = static_cast<Real>(s.dropout_factor());
  for (std::int64_t n = 0; n < s.batch; ++n) {
    for (std::int64_t h = 0; h < s.heads; ++h) {
      for (std::int64_t i = 0; i < s.time; ++i) {
        const std::int64_t row = ((n * s.time + i) * s.heads + h) * s.width;
        Real mean = 0;  // sum over j of P_ij dP_ij, which is dy . y
        for (std::int64_t c = 0; c < s.width; ++c) mean += dy[row + c] * y[row + c];
        for (std::int64_t j = 0; j < s.time; ++j) {
          const Real weight = exp(attention_score(s, qkv, n, h, i, j) - lse[(n * s.heads + h) * s.time + i]);
          const Real factor = attention_keeps(s, n, h, i, j) ? mask : Real{0};
          const Real dropped = factor * round_to(s.precision, weight);
          Real dweight = 0;
          for (std::int64_t c = 0; c < s.width; ++c) {
            const std::int64_t v = attention_index(s, n, j, 2, h, c);
            const Real dy_factor = round_to(s.precision, dy[row + c]);
            dweight += dy_factor * round_to(s.precision, qkv[v]);
            dqkv[v] += dropped * dy_factor;
          }
          const Real dscore = round_to(s.precision, weight * (factor * dweight - mean)) * attention_scale<Real>(s);
          for (std::int64_t c = 0; c < s.width; ++c) {
            const std::int64_t q = attention_index(s, n, i, 0, h, c);
            const std::int64_t k = attention_index(s, n, j, 1, h, c);
            dqkv[q] += dscore * round_to(s.precision, qkv[k]);
            dqkv[k] += dscore * round_to(s.precision, qkv[q]);
          }
        }
      }
    }
  }
}

}  // namespace cardiograd::kernels
