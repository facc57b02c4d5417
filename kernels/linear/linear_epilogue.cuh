// What becomes of the sums of a linear layer's product before they are stored. Element `at` of the result is in column
// `column`; kWidth neighbors of a row at a time, 4 of them at a multiple of 16 bytes: where aligned() says so and rows
// are whole fours.
//
// Those with kFetches read memory first: fetch(at), then finish(at, sum, fetched), so that many reads can be on their
// way at once; store() is both.
#pragma once

#include <cstdint>

#include "kernels/common/vectors_cuda.cuh"
#include "kernels/dropout/dropout.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

// y = sum + bias, then a ReLU where asked for.
struct BiasTo {
  static constexpr bool kFetches = false;
  const float* bias;
  float* y;
  bool relu;

  bool aligned() const { return are_aligned(bias, y); }
  template <int kWidth>
  __device__ __forceinline__ Floats<kWidth> value(int column, Floats<kWidth> sum) const {
    const Floats<kWidth> add = load_floats<kWidth>(bias + column);
    SIMT_UNROLL
    for (int j = 0; j < kWidth; ++j) {
      sum.at[j] += add.at[j];
      if (relu && sum.at[j] <= 0) sum.at[j] = 0;  // NaN stays NaN.
    }
    return sum;
  }
  template <int kWidth>
  __device__ __forceinline__ void store(std::int64_t at, int column, const Floats<kWidth>& sum) const {
    store_floats<kWidth>(y + at, value(column, sum));
  }
};

// Likewise, and a dropout behind it: one block of random words for four values.
struct DroppedBiasTo {
  static constexpr bool kFetches = false;
  BiasTo before;
  DropoutMask mask;

  bool aligned() const { return before.aligned(); }
  template <int kWidth>
  __device__ __forceinline__ void store(std::int64_t at, int column, const Floats<kWidth>& sum) const {
    Floats<kWidth> value = before.value(column, sum);
    if constexpr (kWidth == 4) {
      const PhiloxBlock words = dropout_words(mask, at >> 2U);
      SIMT_UNROLL
      for (int j = 0; j < 4; ++j) value.at[j] = dropped(mask, words.value[j], value.at[j]);
    } else {
      const float factor = dropout_factor(mask, at);
      value.at[0] = factor == 0 ? 0 : __fmul_rn(value.at[0], factor);
    }
    store_floats<kWidth>(before.y + at, value);
  }
};

// to = sum
struct PlainTo {
  static constexpr bool kFetches = false;
  float* to;

  bool aligned() const { return are_aligned(to); }
  template <int kWidth>
  __device__ __forceinline__ void store(std::int64_t at, int, const Floats<kWidth>& sum) const {
    store_floats<kWidth>(to + at, sum);
  }
};

// to += sum
struct AddedTo {
  static constexpr bool kFetches = true;
  float* to;

  bool aligned() const { return are_aligned(to); }
  template <int kWidth>
  __device__ __forceinline__ Floats<kWidth> fetch(std::int64_t at) const {
    return load_floats<kWidth>(to + at);
  }
  template <int kWidth>
  __device__ __forceinline__ void finish(std::int64_t at, Floats<kWidth> sum, const Floats<kWidth>& fetched) const {
    SIMT_UNROLL
    for (int j = 0; j < kWidth; ++j) sum.at[j] += fetched.at[j];
    store_floats<kWidth>(to + at, sum);
  }
  template <int kWidth>
  __device__ __forceinline__ void store(std::int64_t at, int, const Floats<kWidth>& sum) const {
    finish(at, sum, fetch<kWidth>(at));
  }
};

// to = sum * scale where `made`, what a ReLU and a dropout have made, is not 0: the gradient of what they took.
struct MaskedTo {
  static constexpr bool kFetches = true;
  const float* __restrict__ made;
  float scale;  // of the dropout
  float* to;

  bool aligned() const { return are_aligned(made, to); }
  template <int kWidth>
  __device__ __forceinline__ Floats<kWidth> fetch(std::int64_t at) const {
    return load_floats<kWidth>(made + at);
  }
  template <int kWidth>
  __device__ __forceinline__ void finish(std::int64_t at, Floats<kWidth> sum, const Floats<kWidth>& fetched) const {
    SIMT_UNROLL
    for (int j = 0; j < kWidth; ++j) sum.at[j] = fetched.at[j] <= 0 ? 0 : __fmul_rn(sum.at[j], scale);
    store_floats<kWidth>(to + at, sum);
  }
  template <int kWidth>
  __device__ __forceinline__ void store(std::int64_t at, int, const Floats<kWidth>& sum) const {
    finish(at, sum, fetch<kWidth>(at));
  }
};

}  // namespace cardiograd::kernels
