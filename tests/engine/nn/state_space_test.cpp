// The functions that state space kernels are made of against those from the frequency domain
// (scripts/golden/state_space.py), and what a layer does with them. The whole model against PyTorch:
// tests/model/conv_classifier_test.cpp.
#include "engine/nn/state_space.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engine/io/safetensors.h"
#include "engine/nn/legs_basis.h"
#include "tests/common/expect_error.h"
#include "tests/engine/on_cuda.h"

namespace cardiograd::nn {
namespace {

TEST(LegsBasis, HasTheFunctionsOfTheFrequencyDomain) {
  const SafetensorsFile file =
      read_safetensors(std::string(CARDIOGRAD_TESTS_DIR) + "/model/golden/baselines.safetensors");
  const Tensor& expected = file.tensors.at("s4_basis");
  const LegsBasis basis(expected.dim(2), expected.dim(1));
  const float* golden = expected.data();
  for (const double dt : {1e-3, 1e-2, 1e-1}) {
    const std::vector<double> got = basis.functions(dt);
    ASSERT_EQ(static_cast<std::int64_t>(got.size()), expected.dim(1) * expected.dim(2));
    for (std::size_t i = 0; i < got.size(); ++i)
      EXPECT_TRUE(std::abs(got[i] - static_cast<double>(golden[i])) <= 2e-7) << "dt " << dt << " at " << i;
    golden += got.size();
  }
}

// The coefficients of c are those with which the functions add up to the system's answer to an impulse. It falls from
// one end of a long record to the other by the slowest mode alone, which the bilinear rule multiplies by (1 - dt / 2) /
// (1 + dt / 2).
TEST(LegsBasis, CoefficientsOfAnOutputMatrixGiveItsImpulseResponse) {
  constexpr std::int64_t kStates = 4, kLength = 400;
  constexpr double kStep = 0.1;
  const LegsBasis basis(kStates, kLength);
  const std::vector<double> functions = basis.functions(kStep);
  const std::vector<double> coefficients = basis.coefficients(kStep, {0.3, -1, 0.8, 0.5});
  std::vector<double> kernel;
  for (std::int64_t l = 0; l < kLength; ++l) {
    double sum = 0;
    for (std::int64_t m = 0; m < kStates; ++m)
      sum += functions[static_cast<std::size_t>(l * kStates + m)] * coefficients[static_cast<std::size_t>(m)];
    kernel.push_back(sum);
  }
  for (std::size_t l = 200; l < 250; ++l)
    EXPECT_TRUE(std::abs(kernel[l + 1] / kernel[l] - (1 - kStep / 2) / (1 + kStep / 2)) <= 1e-6) << l;
  EXPECT_GT(std::abs(kernel[0]), 1e-3);
}

TEST(LegsBasis, OddStatesAreAnError) {
  EXPECT_NE(cardiograd::testing::message_of([] { LegsBasis(3, 10); }).find("3 states"), std::string::npos);
  EXPECT_NE(cardiograd::testing::message_of([] { LegsBasis(4, 0); }).find("0 samples"), std::string::npos);
}

// Both directions: an impulse is answered before it and after it.
TEST(StateSpace, ReadsThePastAndTheFuture) {
  PhiloxStream random(3, 0);
  StateSpace layer({.channels = 2, .states = 4, .samples = 9}, random);
  Tensor x = Tensor::zeros({1, 9, 2});
  x.data()[4 * 2] = 1;  // channel 0, sample 4
  const Tensor y = layer.forward(x);
  for (std::int64_t t = 0; t < 9; ++t) {
    EXPECT_NE(y.data()[t * 2], 0) << t;
    EXPECT_EQ(y.data()[t * 2 + 1], 0) << t;
  }
}

// As when a model file is read: the steps of its systems are not those that were drawn.
TEST(StateSpace, TakesTheStepsThatAFileHas) {
  PhiloxStream random(3, 0), other(4, 0);
  const StateSpaceOptions options = {.channels = 3, .states = 4, .samples = 12};
  StateSpace a(options, random), b(options, other);
  const Tensor x = cardiograd::testing::random_tensor({2, 12, 3}, 1);
  const std::vector<float> expected = a.forward(x).values();
  EXPECT_NE(b.forward(x).values(), expected);
  const auto from = a.named_tensors();
  const auto to = b.named_tensors();
  ASSERT_EQ(from.size(), 3U);
  for (std::size_t i = 0; i < from.size(); ++i)
    std::copy_n(from[i].tensor->data(), from[i].tensor->count(), to[i].tensor->data());
  EXPECT_EQ(b.forward(x).values(), expected);
}

}  // namespace
}  // namespace cardiograd::nn
