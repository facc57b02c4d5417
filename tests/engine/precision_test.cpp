#include "engine/precision.h"

#include <vector>

#include <gtest/gtest.h>

#include "engine/autograd.h"
#include "engine/ops/ops.h"

namespace cardiograd {
namespace {

// One bit that tf32 keeps and bf16 drops, one that both drop.
constexpr float kValue = 1 + 0x1p-9F + 0x1p-20F;
constexpr float kAsTf32 = 1 + 0x1p-9F;

Tensor leaf(float value, const Shape& shape) {
  Tensor tensor = Tensor::from<float>({value}, shape);
  tensor.set_requires_grad(true);
  return tensor;
}

TEST(MatmulPrecision, IsFp32UntilSetAndBackAfterItsScope) {
  EXPECT_EQ(matmul_precision(), Precision::kFp32);
  {
    const MatmulPrecision outer(Precision::kBf16);
    const MatmulPrecision inner(Precision::kTf32);
    EXPECT_EQ(matmul_precision(), Precision::kTf32);
  }
  EXPECT_EQ(matmul_precision(), Precision::kFp32);
}

TEST(MatmulPrecision, RoundsTheFactorsOfLinearForwardAndBackward) {
  for (const auto& [precision, rounded] :
       {std::pair{Precision::kFp32, kValue}, std::pair{Precision::kTf32, kAsTf32}, std::pair{Precision::kBf16, 1.0F}}) {
    Tensor x = leaf(kValue, {1, 1});
    Tensor w = leaf(2, {1, 1});
    Tensor b = leaf(kValue, {1});
    Tensor y;
    {
      const MatmulPrecision scope(precision);
      y = ops::linear(x, w, b);
    }
    EXPECT_EQ(y.data()[0], 2 * rounded + kValue) << "the bias is no factor";
    backward(y);
    EXPECT_EQ(w.grad().data()[0], rounded) << "the backward pass keeps the forward pass's precision";
  }
}

TEST(MatmulPrecision, RoundsTheFactorsOfConv1dAndNeedsNoBiasGradient) {
  const MatmulPrecision scope(Precision::kTf32);
  Tensor x = leaf(kValue, {1, 1, 1});
  Tensor w = leaf(2, {1, 1, 1});
  const Tensor b = Tensor::from<float>({0}, {1});
  const Tensor y = ops::conv1d(x, w, b, {});
  EXPECT_EQ(y.data()[0], 2 * kAsTf32);
  backward(y);
  EXPECT_EQ(w.grad().data()[0], kAsTf32);
  EXPECT_EQ(x.grad().data()[0], 2);
}

}  // namespace
}  // namespace cardiograd
