// Calls of attention's kernels for its tests, on the CPU and on the device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/attention/attention_spec.h"
#include "kernels/op_table.h"
#include "tests/kernels/op_calls.h"

namespace cardiograd::kernels {

inline constexpr Precision kPrecisions[] = {Precision::kFp32, Precision::kTf32, Precision::kBf16};

inline AttentionShape shape_of(std::int64_t time, std::int64_t width, Precision precision) {
  return {.batch = 2,
          .time = time,
          .heads = 2,
          .width = width,
          .dropout = {.probability = 0.2F, .seed = 5, .layer = 1, .step = 3},
          .precision = precision};
}

// The forward call's results as the backward call's inputs: P is then a distribution, as in training.
inline std::vector<Values> backward_call(const AttentionShape& s, const std::vector<Values>& forward) {
  std::vector<Values> call = random_call(bind_case<AttentionBackward>(s), 4);
  for (std::size_t i = 0; i < forward.size(); ++i) call[i].real = forward[i].real;
  return call;
}

inline double largest_error(const OpCase& test, const std::vector<Values>& got, const std::vector<Values>& expected) {
  double largest = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (!is_written(test.buffers[i])) continue;
    const double error = relative_error(got[i].real, expected[i].real);
    if (!(error <= largest)) largest = error;
  }
  return largest;
}

// What a mode costs: errors against products that round nothing, of an implementation and of plain float loops that
// round as it does.
template <class Run>
void expect_no_more_than_twice_the_plain_error(const Run& run_case) {
  for (const Precision precision : {Precision::kTf32, Precision::kBf16}) {
    for (const std::int64_t time : {30, 125, 150}) {
      const AttentionShape s = shape_of(time, 32, precision);
      AttentionShape exact = s;
      exact.precision = Precision::kFp32;
      const OpCase forward = bind_case<AttentionForward>(s);
      const OpCase backward = bind_case<AttentionBackward>(s);
      const std::vector<Values> call = random_call(forward, 3);
      const std::vector<Values> y = run(bind_case<AttentionForward>(exact), Implementation::kReference64, call);
      const std::vector<Values> gradient_call = backward_call(s, y);
      const std::vector<Values> dqkv =
          run(bind_case<AttentionBackward>(exact), Implementation::kReference64, gradient_call);
      const double plain = largest_error(forward, run(forward, Implementation::kReference32, call), y);
      const double plain_gradient =
          largest_error(backward, run(backward, Implementation::kReference32, gradient_call), dqkv);
      EXPECT_TRUE(plain > 1e-5) << forward.shape << ": nothing was rounded";
      const double error = largest_error(forward, run_case(forward, call), y);
      EXPECT_TRUE(error <= 2 * plain) << forward.shape << ": " << error << ", plain " << plain;
      const double gradient_error = largest_error(backward, run_case(backward, gradient_call), dqkv);
      EXPECT_TRUE(gradient_error <= 2 * plain_gradient)
          << backward.shape << ": " << gradient_error << ", plain " << plain_gradient;
    }
  }
}

}  // namespace cardiograd::kernels
