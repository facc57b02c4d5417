// A residual sum as what the kernels of layer_norm_cuda.cuh normalize: h = residual + dropout(x + bias), made in the
// registers of the warp that normalizes it, and its gradients.
#pragma once

#include <cstdint>

#include "kernels/dropout/dropout.cuh"
#include "kernels/layer_norm/layer_norm_cuda.cuh"
#include "kernels/residual_layer_norm/residual_layer_norm.h"
#include "simt/simt.h"

namespace cardiograd::kernels {

struct ResidualDropout {
  DropoutMask mask;
  bool drops;
  unsigned width;

  // Reads the step once, so that no store has to be waited for to read it again.
  __device__ __forceinline__ void begin() {
    if (mask.step_at != nullptr) mask.step = *mask.step_at;
    mask.step_at = nullptr;
  }

  // Bit j: whether element j of kWidth neighbors of a row is kept. Four of them have one block of random words.
  template <int kWidth>
  __device__ __forceinline__ unsigned kept(std::int64_t row, unsigned column) const {
    if (!drops) return ~0U;
    const std::int64_t element = row * width + column;
    if constexpr (kWidth == 4) {
      const PhiloxBlock words = dropout_words(mask, element / 4);
      unsigned bits = 0;
      SIMT_UNROLL
      for (int j = 0; j < 4; ++j) bits |= words.value[j] >= mask.threshold ? 1U << j : 0U;
      return bits;
    } else {
      return dropout_factor(mask, element) > 0.0F ? 1U : 0U;
    }
  }

  // The scale is 1 where nothing is dropped.
  template <int kWidth>
  __device__ __forceinline__ Floats<kWidth> apply(unsigned kept, Floats<kWidth> value) const {
    SIMT_UNROLL
    for (int j = 0; j < kWidth; ++j) value.at[j] = (kept >> j) % 2 != 0 ? __fmul_rn(value.at[j], mask.scale) : 0.0F;
    return value;
  }
};

struct ResidualInput {
  template <int kWidth>
  struct Fetched {
    Floats<kWidth> x;
    Floats<kWidth> residual;
  };
  const float* bias;
  const float* x;
  const float* residual;
  ResidualDropout dropout;

  __device__ __forceinline__ void begin() { dropout.begin(); }
  template <int kWidth>
  __device__ __forceinline__ Fetched<kWidth> fetch(std::int64_t row, unsigned column) const {
    const std::int64_t i = row * dropout.width + column;
    return {load_floats<kWidth>(x + i), load_floats<kWidth>(residual + i)};
  }
  template <int kWidth>
  __device__ __forceinline__ Floats<kWidth> value(std::int64_t row, unsigned column, const Fetched<kWidth>& fetched,
                                                  const Floats<kWidth>& bias_here, unsigned& kept) const {
    Floats<kWidth> term = fetched.x;
    Floats<kWidth> sum = fetched.residual;
    SIMT_UNROLL
    for (int j = 0; j < kWidth; ++j) term.at[j] += bias_here.at[j];
    kept = dropout.template kept<kWidth>(row, column);
    term = dropout.apply(kept, term);
    SIMT_UNROLL
    for (int j = 0; j < kWidth; ++j) sum.at[j] += term.at[j];
    return sum;
  }
};

struct ResidualOutput {
  float* dx;
  float* dresidual;
  ResidualDropout dropout;
  RowGradients above = {};

  __device__ __forceinline__ void begin() const {}
  template <int kWidth>
  __device__ __forceinline__ Floats<kWidth> store(std::int64_t row, unsigned column, const Floats<kWidth>& gradient,
                                                  unsigned kept) const {
    const std::int64_t i = row * dropout.width + column;
    store_floats<kWidth>(dresidual + i, gradient);
    const Floats<kWidth> before = dropout.apply(kept, gradient);
    store_floats<kWidth>(dx + i, before);
    return before;
  }
};

inline ResidualDropout dropout_of(const ResidualLayerNormShape& s) {
  return {dropout_mask(s.dropout), s.dropout.probability > 0, static_cast<unsigned>(s.width)};
}

}  // namespace cardiograd::kernels
