#include "engine/gradient_slab.h"

#include <vector>

#include <gtest/gtest.h>

#include "engine/autograd.h"
#include "engine/ops/ops.h"
#include "tests/engine/on_cuda.h"

namespace cardiograd {
namespace {

using testing::random_tensor;

// Weight and bias of a layer, and a leaf that nothing uses.
struct Leaves {
  explicit Leaves(Device device) {
    for (const Shape& shape : {Shape{3, 5}, Shape{5}, Shape{2}}) {
      tensors.push_back(random_tensor(shape, tensors.size()).to(device));
      tensors.back().set_requires_grad(true);
    }
    for (Tensor& tensor : tensors) pointers.push_back(&tensor);
  }
  void run() {
    const Tensor y = ops::linear(random_tensor({4, 3}, 7).to(tensors[0].device()), tensors[0], tensors[1]);
    backward(y, random_tensor(y.shape(), 8).to(y.device()));
  }
  std::vector<Tensor> tensors;
  std::vector<Tensor*> pointers;
};

std::vector<Device> devices() {
  if (cuda_available()) return {Device::kCpu, Device::kCuda};
  return {Device::kCpu};
}

TEST(GradientSlab, HoldsTheSameGradients) {
  for (const Device device : devices()) {
    Leaves alone(device);
    Leaves together(device);
    keep_gradients_together(together.pointers);
    alone.run();
    for (int step = 0; step < 3; ++step) {
      together.run();
      for (int i : {0, 1}) EXPECT_EQ(together.tensors[i].grad().values(), alone.tensors[i].grad().values());
      EXPECT_FALSE(together.tensors[2].grad().defined());
      const Tensor all = gradients_together(together.pointers);
      EXPECT_EQ(all.count(), 3 * 64);
      EXPECT_EQ(all.part(64, {5}).values(), alone.tensors[1].grad().values());
      EXPECT_EQ(all.part(128, {2}).values(), (std::vector<float>{0, 0}));
      clear_gradients(together.pointers);
      for (const Tensor& tensor : together.tensors) EXPECT_FALSE(tensor.grad().defined());
      EXPECT_EQ(all.values(), std::vector<float>(3 * 64, 0.0F));
    }
  }
}

TEST(GradientSlab, GradientsAddUpUntilClearedAndOneIsClearedAlone) {
  Leaves leaves(Device::kCpu);
  leaves.run();
  const std::vector<float> once = leaves.tensors[1].grad().values();
  keep_gradients_together(leaves.pointers);  // moves what is there
  EXPECT_EQ(leaves.tensors[1].grad().values(), once);
  leaves.run();
  for (std::size_t i = 0; i < once.size(); ++i) EXPECT_EQ(leaves.tensors[1].grad().data()[i], 2 * once[i]);
  const std::vector<float> weight = leaves.tensors[0].grad().values();
  leaves.tensors[1].clear_grad();
  EXPECT_EQ(leaves.tensors[0].grad().values(), weight);
  leaves.run();
  EXPECT_EQ(leaves.tensors[1].grad().values(), once);
}

// A gradient that arrives whole is copied to its place, and may be shared with another leaf.
TEST(GradientSlab, TakesGradientsOfSharedValues) {
  Leaves leaves(Device::kCpu);
  keep_gradients_together(leaves.pointers);
  const Tensor dy = random_tensor({5}, 3);
  const Tensor y = ops::add(leaves.tensors[1], leaves.tensors[1]);
  backward(y, dy);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(leaves.tensors[1].grad().data()[i], 2 * dy.data()[i]);
  EXPECT_EQ(dy.values(), random_tensor({5}, 3).values());
}

TEST(GradientSlab, IsNoneForOtherLeaves) {
  Leaves leaves(Device::kCpu);
  EXPECT_FALSE(gradients_together(leaves.pointers).defined());
  keep_gradients_together(leaves.pointers);
  EXPECT_TRUE(gradients_together(leaves.pointers).defined());
  EXPECT_FALSE(gradients_together({leaves.pointers[0], leaves.pointers[1]}).defined());
  leaves.run();
  clear_gradients({leaves.pointers[0]});
  EXPECT_FALSE(leaves.tensors[0].grad().defined());
  EXPECT_TRUE(leaves.tensors[1].grad().defined());
  leaves.tensors[0].set_requires_grad(true);  // a new history
  EXPECT_FALSE(gradients_together(leaves.pointers).defined());
  EXPECT_FALSE(gradients_together({}).defined());
}

}  // namespace
}  // namespace cardiograd
