#include "engine/autograd.h"

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.h"
#include "engine/gradient_slab.h"
#include "engine/memory.h"
#include "engine/ops/ops.h"

namespace cardiograd {
namespace {

Tensor leaf(const std::vector<float>& values, const Shape& shape) {
  Tensor tensor = Tensor::from(values, shape);
  tensor.set_requires_grad(true);
  return tensor;
}

Tensor bce(const Tensor& logits) {
  return ops::weighted_bce(logits, Tensor::zeros(logits.shape()), Tensor::from<float>({1, 1}, {2}));
}

TEST(Autograd, ATensorUsedTwiceGetsBothGradients) {
  // loss = bce(x + x): the gradient of x is twice that of the sum.
  const Tensor x = leaf({0.5F, -1, 2, 0}, {2, 2});
  backward(bce(ops::add(x, x)));
  const Tensor twice = leaf({1, -2, 4, 0}, {2, 2});
  backward(bce(twice));
  for (int i = 0; i < 4; ++i) EXPECT_FLOAT_EQ(x.grad().data()[i], 2 * twice.grad().data()[i]);
}

TEST(Autograd, SharedGradientsAreNotOverwritten) {
  // y = a + b hands one gradient to both; a gets a second one through its other use, b must not see it.
  const Tensor a = leaf({1, 2}, {1, 2});
  const Tensor b = leaf({3, 4}, {1, 2});
  const Tensor y = ops::add(a, b);
  backward(bce(ops::add(y, a)));
  for (int i = 0; i < 2; ++i) EXPECT_FLOAT_EQ(a.grad().data()[i], 2 * b.grad().data()[i]);
}

TEST(Autograd, GradientsAddUpUntilCleared) {
  Tensor x = leaf({1, 2}, {1, 2});
  backward(bce(ops::relu(x)));
  const float once = x.grad().data()[0];
  backward(bce(ops::relu(x)));
  EXPECT_FLOAT_EQ(x.grad().data()[0], 2 * once);
  x.clear_grad();
  EXPECT_FALSE(x.grad().defined());
}

// A leaf in three places, one in one, one in none: each is named once, when its gradient is what it is at the end.
TEST(Autograd, TellsWhenAGradientIsComplete) {
  Tensor often = leaf({1, 2}, {1, 2}), once = leaf({3, 4}, {1, 2}), unused = leaf({5, 6}, {1, 2});
  keep_gradients_together({&often, &once, &unused});
  const Tensor alone = leaf({7, 8}, {1, 2});  // Without a slab: not told of.
  const Tensor y = ops::add(ops::add(ops::add(often, often), once), ops::add(alone, often));
  std::vector<std::pair<const AutogradMeta*, std::vector<float>>> told;
  backward(y, Tensor::from<float>({0.5F, -2}, {1, 2}),
           [&](const AutogradMeta& meta) { told.emplace_back(&meta, meta.grad.values()); });
  ASSERT_EQ(told.size(), 2U);
  for (const auto& [meta, gradient] : told) {
    EXPECT_TRUE(meta == often.autograd().get() || meta == once.autograd().get());
    EXPECT_EQ(gradient, meta->grad.values());
  }
  EXPECT_NE(told[0].first, told[1].first);
  EXPECT_EQ(often.grad().values(), (std::vector<float>{1.5F, -6}));
  EXPECT_FALSE(unused.grad().defined());
}

TEST(Autograd, AResultOfAnyShapeIsDifferentiatedWithItsGradient) {
  const Tensor x = leaf({1, -2, 3, -4, 5, 6}, {2, 3});
  const Tensor dy = Tensor::from<float>({1, 2, 3, 4, 5, 6}, {2, 3});
  backward(ops::relu(x), dy);
  EXPECT_EQ(x.grad().values(), (std::vector<float>{1, 0, 3, 0, 5, 6}));
  // The caller's gradient is handed on, not written to.
  const Tensor y = leaf({1, 1, 1}, {3});
  const Tensor dz = Tensor::from<float>({1, 2, 3}, {3});
  backward(ops::add(y, y), dz);
  EXPECT_EQ(y.grad().values(), (std::vector<float>{2, 4, 6}));
  EXPECT_EQ(dz.values(), (std::vector<float>{1, 2, 3}));

  EXPECT_THROW(backward(ops::relu(x), Tensor::zeros({3, 2})), Error);
  EXPECT_THROW(backward(ops::relu(x), Tensor()), Error);
  EXPECT_THROW(backward(x.detach(), dy), Error);
}

TEST(Autograd, NothingIsRecordedWithoutNeed) {
  const Tensor x = leaf({1, 2}, {1, 2});
  {
    const NoGrad no_grad;
    EXPECT_FALSE(ops::relu(x).requires_grad());
  }
  EXPECT_TRUE(ops::relu(x).requires_grad());
  EXPECT_FALSE(ops::relu(x.detach()).requires_grad());
  EXPECT_THROW(backward(x), Error);
  EXPECT_THROW(backward(ops::relu(x)), Error);
  EXPECT_THROW(backward(x.detach()), Error);
}

TEST(Autograd, TheGraphIsFreed) {
  const std::size_t before = cpu_allocator().statistics().in_use;
  {
    const Tensor x = leaf(std::vector<float>(2000, 1), {1000, 2});
    backward(bce(ops::relu(ops::gelu(x))));
    EXPECT_TRUE(x.grad().defined());
  }
  {
    const Tensor x = leaf(std::vector<float>(2000, 1), {1000, 2});
    const Tensor dropped = bce(ops::relu(x));  // Never differentiated.
  }
  EXPECT_EQ(cpu_allocator().statistics().in_use, before);
}

TEST(Autograd, FiniteCheckNamesTheFirstOperation) {
  const Tensor x = leaf({1, std::numeric_limits<float>::quiet_NaN()}, {1, 2});
  EXPECT_TRUE(std::isnan(ops::relu(x).data()[1]));
  const FiniteCheck check;
  try {
    ops::gelu(ops::relu(x));
    FAIL() << "expected an Error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("relu"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace cardiograd
