#include "engine/tensor.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace cardiograd {
namespace {

TEST(Shape, RefusesWhatIsNoShape) {
  EXPECT_EQ(Shape().count(), 1);
  EXPECT_EQ(Shape({3, 0, 2}).count(), 0);
  EXPECT_EQ(Shape({64, 1000, 12}).text(), "(64, 1000, 12)");
  EXPECT_THROW(Shape({1, 2, 3, 4, 5}), Error);
  EXPECT_THROW(Shape({2, -1}), Error);
}

TEST(Tensor, HandlesShareValuesAndClonesDoNot) {
  Tensor x = Tensor::from<float>({1, 2, 3, 4}, {2, 2});
  const Tensor same = x.view({4});
  const Tensor copy = x.clone();
  EXPECT_TRUE(same.shared());
  EXPECT_FALSE(copy.shared());
  x.data()[3] = 9;
  EXPECT_EQ(same.values(), (std::vector<float>{1, 2, 3, 9}));
  EXPECT_EQ(copy.values(), (std::vector<float>{1, 2, 3, 4}));
}

TEST(Tensor, RefusesWhatDoesNotFit) {
  Tensor x = Tensor::zeros({2, 2});
  EXPECT_THROW(Tensor::from<float>({1, 2, 3}, {2, 2}), Error);
  EXPECT_THROW(x.view({3}), Error);
  EXPECT_THROW(x.assign(Tensor::zeros({4})), Error);
  EXPECT_THROW(x.assign(Tensor::zeros({2, 2}, DType::kInt32)), Error);
  EXPECT_THROW(x.data<std::int32_t>(), Error);
  EXPECT_THROW(Tensor().data(), Error);
}

TEST(Tensor, ItemIsTheOneValue) {
  EXPECT_EQ(Tensor::full({1, 1}, 2.5F).item(), 2.5F);
  EXPECT_THROW(Tensor::zeros({2}).item(), Error);
  EXPECT_THROW(Tensor::zeros({0}).item(), Error);
  EXPECT_THROW(Tensor().item(), Error);
  EXPECT_THROW(Tensor::zeros({1}, DType::kInt32).item(), Error);
}

}  // namespace
}  // namespace cardiograd
