// Kernels on both devices side by side.
#include <cmath>
#include <cstring>
#include <limits>

#include <gtest/gtest.h>

#include "engine/autograd.h"
#include "engine/device_check.h"
#include "engine/dispatch.h"
#include "engine/ops/ops.h"
#include "kernels/activation/activation.h"
#include "tests/engine/on_cuda.h"

namespace cardiograd {
namespace {

using testing::CudaTest;
using testing::random_tensor;

TEST_F(CudaTest, EveryKernelOfAStepIsRepeatedAndAgrees) {
  Tensor x = random_tensor({6, 5}, 1).to(Device::kCuda);
  Tensor w = random_tensor({5, 4}, 2).to(Device::kCuda);
  const Tensor b = random_tensor({4}, 3).to(Device::kCuda);
  w.set_requires_grad(true);
  DeviceCheck check;
  backward(ops::linear(x, w, b), random_tensor({6, 4}, 4).to(Device::kCuda));
  ASSERT_EQ(check.kernels().count("linear_forward"), 1U);
  ASSERT_GT(check.kernels().size(), 1U);
  for (const auto& [name, kernel] : check.kernels()) {
    EXPECT_EQ(kernel.calls, 1) << name;
    EXPECT_TRUE(kernel.worst <= 1e-5) << name << " " << kernel.worst;
  }
  EXPECT_EQ(check.kernels().at("linear_forward").shape, Shape({6, 4}));
}

TEST_F(CudaTest, NothingIsRepeatedWithoutACheck) {
  DeviceCheck check;
  {
    DeviceCheck inner;
    ops::relu(random_tensor({3}, 1).to(Device::kCuda));
    EXPECT_EQ(inner.kernels().size(), 1U);
  }
  EXPECT_EQ(check.kernels().size(), 0U);
  ops::relu(random_tensor({3}, 1));
  EXPECT_EQ(check.kernels().size(), 0U) << "a kernel on the CPU has no other side";
}

// A CPU version that is wrong by a thousandth.
void wrong_relu_cpu(const kernels::ActivationShape& s, const float* x, float* y) {
  kernels::relu_forward_cpu(s, x, y);
  y[1] *= 1.001F;
}

TEST_F(CudaTest, AKernelThatDiffersIsNamed) {
  const Tensor x = Tensor::full({4}, 2).to(Device::kCuda);
  Tensor y = x.new_empty({4});
  DeviceCheck check;
  ops::run_kernel<wrong_relu_cpu, kernels::relu_forward_cuda>("planted", kernels::ActivationShape{4}, x, y);
  const DeviceCheck::Kernel& kernel = check.kernels().at("planted");
  EXPECT_TRUE(std::abs(kernel.worst - 5e-4) < 1e-6) << kernel.worst;  // 2e-3 of a norm of 4
  EXPECT_EQ(kernel.argument, 1);
  EXPECT_EQ(kernel.values[0], 3);  // equal
  EXPECT_EQ(kernel.values[6], 1);  // 1e-3 of the root mean square: between 1e-4 and 1e-3
}

TEST(DeviceCheck, ComparesWhatIsNotANumber) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  DeviceCheck check;
  check.compare("both", 0, Tensor::from<float>({1, nan}, {2}), Tensor::from<float>({1, nan}, {2}));
  EXPECT_EQ(check.kernels().at("both").worst, 0) << "neither side has written it";
  check.compare("one", 0, Tensor::from<float>({1, nan}, {2}), Tensor::from<float>({1, 2}, {2}));
  EXPECT_TRUE(std::isnan(check.kernels().at("one").worst));
  check.compare("one", 1, Tensor::from<float>({1}, {1}), Tensor::from<float>({2}, {1}));
  EXPECT_EQ(check.kernels().at("one").argument, 0) << "stays the worst";
  EXPECT_EQ(check.kernels().at("one").values[DeviceCheck::kBins - 1], 2);
  check.compare("index", 0, Tensor::from<std::int32_t>({1, 2, 3, 4}, {4}),
                Tensor::from<std::int32_t>({1, 2, 3, 5}, {4}));
  EXPECT_EQ(check.kernels().at("index").worst, 0.5);
}

}  // namespace
}  // namespace cardiograd
