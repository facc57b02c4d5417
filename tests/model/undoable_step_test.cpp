#include "model/undoable_step.h"

#include <gtest/gtest.h>

#include "engine/autograd.h"
#include "engine/nn/layers.h"
#include "engine/ops/ops.h"

namespace cardiograd::model {
namespace {

TEST(UndoableStep, BuffersAndGradientsComeBackAndWeightsStay) {
  nn::BatchNorm1d norm(3);
  norm.set_training(true);
  UndoableStep undoable(norm);
  const auto named = norm.named_tensors();
  const auto values = [&] {
    std::vector<std::vector<float>> all;
    for (const nn::NamedTensor& each : named) all.push_back(each.tensor->values());
    return all;
  };
  const Tensor labels = Tensor::full({2, 3}, 1), weights = Tensor::full({3}, 1);
  const auto step = [&] {
    backward(ops::weighted_bce(ops::mean_over_time(norm.forward(Tensor::full({2, 5, 3}, 7))), labels, weights));
  };
  step();
  const auto after_one = values();
  norm.clear_gradients();
  undoable.remember();
  step();
  EXPECT_NE(values(), after_one);
  undoable.undo();
  EXPECT_EQ(values(), after_one);
  for (const nn::NamedTensor& each : norm.parameters()) EXPECT_FALSE(each.tensor->grad().defined()) << each.name;
}

}  // namespace
}  // namespace cardiograd::model
