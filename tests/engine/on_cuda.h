// For tests of Device::kCuda.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/philox.h"
#include "engine/cuda.h"
#include "engine/device.h"
#include "engine/tensor.h"

namespace cardiograd::testing {

// Skips where neither a GPU nor the host's emulation is there, saying why.
class CudaTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!cuda_available()) GTEST_SKIP() << cuda::problem()->message;
  }
};

inline Tensor random_tensor(const Shape& shape, std::uint64_t stream) {
  PhiloxStream random(9, stream);
  Tensor tensor = Tensor::empty(shape);
  for (std::int64_t i = 0; i < tensor.count(); ++i) tensor.data()[i] = static_cast<float>(random.normal());
  return tensor;
}

// ‖got - expected‖ is at most `tolerance` times ‖expected‖, wherever the two are.
inline void expect_close(const Tensor& got, const Tensor& expected, double tolerance, const std::string& what) {
  ASSERT_TRUE(got.defined() && expected.defined()) << what;
  ASSERT_EQ(got.shape(), expected.shape()) << what;
  const std::vector<float> a = got.values();
  const std::vector<float> b = expected.values();
  double difference = 0;
  double norm = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference += std::pow(static_cast<double>(a[i]) - static_cast<double>(b[i]), 2);
    norm += std::pow(static_cast<double>(b[i]), 2);
  }
  EXPECT_TRUE(std::sqrt(difference) <= tolerance * std::sqrt(norm) + 1e-12)
      << what << ": difference " << std::sqrt(difference) << ", norm " << std::sqrt(norm);
}

}  // namespace cardiograd::testing
