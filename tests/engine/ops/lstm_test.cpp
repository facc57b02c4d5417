// What the values of PyTorch (golden_layers_test.cpp) do not show: gradients that nobody wants, and wrong shapes.
#include <string>
#include <vector>

#include "engine/autograd.h"
#include "engine/ops/ops.h"
#include "tests/common/expect_error.h"
#include "tests/engine/on_cuda.h"

namespace cardiograd {
namespace {

using testing::message_of;
using testing::random_tensor;

constexpr std::int64_t kInputs = 3, kWidth = 5;

// x, w_ih, w_hh, b_ih, b_hh
std::vector<Tensor> random_inputs() {
  std::vector<Tensor> all;
  const std::vector<Shape> shapes = {
      {2, 4, kInputs}, {kInputs, 4 * kWidth}, {kWidth, 4 * kWidth}, {4 * kWidth}, {4 * kWidth}};
  for (std::size_t i = 0; i < shapes.size(); ++i) all.push_back(random_tensor(shapes[i], i));
  return all;
}

Tensor run(const std::vector<Tensor>& in) {
  return ops::lstm(in[0], {in[1], in[2], in[3], in[4]});
}

// The gradients of the inputs `wanted`, the others undefined.
std::vector<Tensor> gradients(const std::vector<bool>& wanted) {
  std::vector<Tensor> in = random_inputs(), all;
  for (std::size_t i = 0; i < in.size(); ++i) in[i].set_requires_grad(wanted[i]);
  const Tensor h = run(in);
  backward(h, random_tensor(h.shape(), 99));
  for (const Tensor& input : in) all.push_back(input.grad());
  return all;
}

TEST(Lstm, GradientsThatNobodyWantsChangeNoOther) {
  const std::vector<Tensor> all = gradients({true, true, true, true, true});
  for (std::size_t left_out = 0; left_out < all.size(); ++left_out)
    for (const bool alone : {false, true}) {
      std::vector<bool> wanted(all.size(), !alone);
      wanted[left_out] = alone;
      const std::vector<Tensor> some = gradients(wanted);
      for (std::size_t i = 0; i < all.size(); ++i) {
        ASSERT_EQ(some[i].defined(), wanted[i]) << i;
        if (!wanted[i]) continue;
        EXPECT_EQ(some[i].values(), all[i].values()) << i << " and " << left_out;
      }
    }
}

TEST(Lstm, RefusesWrongShapes) {
  const auto with = [](std::size_t i, const Shape& shape) {
    return message_of([&] {
      std::vector<Tensor> in = random_inputs();
      in[i] = Tensor::zeros(shape);
      run(in);
    });
  };
  EXPECT_NE(with(0, {2, kInputs}).find("lstm: x has shape"), std::string::npos);
  EXPECT_NE(with(1, {kInputs, 3 * kWidth}).find("lstm: w_ih has shape"), std::string::npos);
  EXPECT_NE(with(2, {kWidth, kWidth}).find("lstm: w_ih has shape"), std::string::npos);
  EXPECT_NE(with(4, {kWidth}).find("lstm"), std::string::npos);
}

TEST(SelectTime, RefusesASampleThatIsNotThere) {
  const Tensor x = Tensor::zeros({2, 3, 4});
  EXPECT_NE(message_of([&] { ops::select_time(x, 3); }).find("select_time: sample 3"), std::string::npos);
  EXPECT_NE(message_of([&] { ops::select_time(x, -4); }).find("select_time: sample -4"), std::string::npos);
  EXPECT_NE(message_of([&] { ops::select_time(Tensor::zeros({3}), 0); }).find("expected (N, T, C)"), std::string::npos);
}

}  // namespace
}  // namespace cardiograd
