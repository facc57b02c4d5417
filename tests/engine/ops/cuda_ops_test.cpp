// Every differentiable operation on the GPU against the CPU: values and gradients.
#include <functional>

#include "base/error.h"
#include "engine/autograd.h"
#include "engine/ops/ops.h"
#include "tests/common/expect_error.h"
#include "tests/engine/on_cuda.h"

namespace cardiograd {
namespace {

using testing::expect_close;
using testing::message_of;
using testing::random_tensor;

using Operation = std::function<Tensor(std::vector<Tensor>&)>;

struct Case {
  const char* name;
  std::vector<Shape> inputs;
  Operation run;
};

struct Outcome {
  std::vector<Tensor> inputs;
  Tensor result;
};

Outcome run_on(const Case& test, Device device) {
  Outcome outcome;
  for (std::size_t i = 0; i < test.inputs.size(); ++i) {
    outcome.inputs.push_back(random_tensor(test.inputs[i], i).to(device));
    outcome.inputs.back().set_requires_grad(true);
  }
  outcome.result = test.run(outcome.inputs);
  backward(outcome.result, random_tensor(outcome.result.shape(), 99).to(device));
  return outcome;
}

void expect_same(const Case& test) {
  const Outcome cpu = run_on(test, Device::kCpu);
  const Outcome cuda = run_on(test, Device::kCuda);
  EXPECT_EQ(cuda.result.device(), Device::kCuda) << test.name;
  expect_close(cuda.result, cpu.result, 3e-6, test.name);
  for (std::size_t i = 0; i < test.inputs.size(); ++i) {
    EXPECT_EQ(cuda.inputs[i].grad().device(), Device::kCuda) << test.name;
    expect_close(cuda.inputs[i].grad(), cpu.inputs[i].grad(), 1e-5,
                 std::string(test.name) + ", gradient " + std::to_string(i));
  }
}

constexpr kernels::DropoutKey kKey = {.probability = 0.3F, .seed = 5, .layer = 2, .step = 3};

class CudaOps : public testing::CudaTest {};

TEST_F(CudaOps, OfSequencesEqualTheCpu) {
  const std::vector<Case> cases = {
      {"conv1d",
       {{3, 37, 6}, {5, 3, 10}, {10}},
       [](auto& in) {
         return ops::conv1d(in[0], in[1], in[2], {.stride = 2, .padding = 3, .dilation = 2, .groups = 2});
       }},
      {"batch_norm, training",
       {{5, 7, 9}, {9}, {9}},
       [](auto& in) {
         Tensor mean = Tensor::zeros({9}, DType::kFloat32, in[0].device());
         Tensor variance = Tensor::full({9}, 1, in[0].device());
         return ops::batch_norm(in[0], in[1], in[2], mean, variance, {.relu = true, .training = true});
       }},
      {"batch_norm, evaluation",
       {{11, 9}, {9}, {9}},
       [](auto& in) {
         Tensor mean = Tensor::full({9}, 0.25F, in[0].device());
         Tensor variance = Tensor::full({9}, 2, in[0].device());
         return ops::batch_norm(in[0], in[1], in[2], mean, variance, {});
       }},
      {"max_pool1d", {{2, 23, 5}}, [](auto& in) { return ops::max_pool1d(in[0], 3, 2, 1); }},
      {"relu", {{3, 41}}, [](auto& in) { return ops::relu(in[0]); }},
      {"linear with relu", {{5, 12}, {12, 9}, {9}}, [](auto& in) { return ops::linear(in[0], in[1], in[2], true); }},
      {"select_time", {{3, 7, 5}}, [](auto& in) { return ops::select_time(in[0], -1); }},
      {"lstm",
       {{3, 4, 5}, {5, 24}, {6, 24}, {24}, {24}},
       [](auto& in) {
         return ops::lstm(in[0], {in[1], in[2], in[3], in[4]});
       }},
      {"lstm, reverse",
       {{2, 3, 4}, {4, 16}, {4, 16}, {16}, {16}},
       [](auto& in) {
         return ops::lstm(in[0], {in[1], in[2], in[3], in[4]}, true);
       }},
      {"leaky_relu", {{3, 41}}, [](auto& in) { return ops::leaky_relu(in[0], 0.2F); }},
      {"tanh", {{3, 41}}, [](auto& in) { return ops::tanh(in[0]); }},
      {"softmax_pool", {{3, 19}, {3, 19, 36}}, [](auto& in) { return ops::softmax_pool(in[0], in[1]); }},
      {"transpose", {{3, 19, 36}}, [](auto& in) { return ops::transpose(in[0]); }},
      {"gelu", {{3, 41}}, [](auto& in) { return ops::gelu(in[0]); }},
      {"gate", {{3, 19, 36}, {3, 36}}, [](auto& in) { return ops::gate(in[0], in[1]); }},
      {"long_conv1d", {{3, 19, 36}, {31, 36}}, [](auto& in) { return ops::long_conv1d(in[0], in[1], 17); }},
      {"basis_taps",
       {{2, 4, 35}, {35}},
       [](auto& in) {
         return ops::basis_taps(random_tensor({9, 4, 35}, 7).to(in[0].device()), in[0], in[1]);
       }},
      {"channel_dropout", {{3, 7, 31}}, [](auto& in) { return ops::channel_dropout(in[0], kKey); }},
  };
  for (const Case& test : cases) expect_same(test);
}

TEST_F(CudaOps, OfRowsEqualTheCpu) {
  const std::vector<Case> cases = {
      {"linear", {{2, 9, 7}, {7, 13}, {13}}, [](auto& in) { return ops::linear(in[0], in[1], in[2]); }},
      {"feed_forward",
       {{5, 12}, {12, 9}, {9}, {9, 7}, {7}},
       [](auto& in) {
         return ops::feed_forward(in[0], {in[1], in[2], ""}, kKey, {in[3], in[4], ""});
       }},
      {"layer_norm", {{6, 33}, {33}, {33}}, [](auto& in) { return ops::layer_norm(in[0], in[1], in[2]); }},
      {"attention", {{2, 19, 3 * 12}}, [](auto& in) { return ops::attention(in[0], 3, kKey); }},
      {"dropout", {{7, 31}}, [](auto& in) { return ops::dropout(in[0], kKey); }},
      {"add", {{3, 5, 7}, {3, 5, 7}}, [](auto& in) { return ops::add(in[0], in[1]); }},
      {"add, repeated", {{3, 5, 7}, {5, 7}}, [](auto& in) { return ops::add(in[0], in[1]); }},
      {"add to itself", {{3, 5}}, [](auto& in) { return ops::add(in[0], ops::relu(in[0])); }},
      {"concat", {{4, 3}, {4, 6}}, [](auto& in) { return ops::concat(in[0], in[1]); }},
      {"mean_over_time", {{3, 17, 5}}, [](auto& in) { return ops::mean_over_time(in[0]); }},
      {"reshape",
       {{3, 4}},
       [](auto& in) {
         return ops::reshape(in[0], {2, 6});
       }},
      {"weighted_bce",
       {{9, 5}},
       [](auto& in) {
         const Device device = in[0].device();
         Tensor targets = Tensor::zeros({9, 5});
         for (int i = 0; i < 45; i += 3) targets.data()[i] = 1;
         return ops::weighted_bce(in[0], targets.to(device), Tensor::full({5}, 2.5F, device));
       }},
  };
  for (const Case& test : cases) expect_same(test);
}

TEST_F(CudaOps, DropoutDropsTheSameElements) {
  const Tensor x = Tensor::full({1009}, 1);
  EXPECT_EQ(ops::dropout(x.to(Device::kCuda), kKey).values(), ops::dropout(x, kKey).values());
}

TEST_F(CudaOps, BatchNormUpdatesTheRunningStatistics) {
  const Tensor x = random_tensor({50, 3}, 4);
  Tensor mean[2] = {Tensor::zeros({3}), Tensor::zeros({3}, DType::kFloat32, Device::kCuda)};
  Tensor variance[2] = {Tensor::full({3}, 1), Tensor::full({3}, 1, Device::kCuda)};
  for (const int i : {0, 1}) {
    const Device device = mean[i].device();
    ops::batch_norm(x.to(device), Tensor::full({3}, 1, device), Tensor::zeros({3}, DType::kFloat32, device), mean[i],
                    variance[i], {.training = true});
  }
  expect_close(mean[1], mean[0], 1e-6, "running mean");
  expect_close(variance[1], variance[0], 1e-6, "running variance");
}

TEST_F(CudaOps, GatherBatchStandardizesOnTheGpu) {
  std::vector<std::int16_t> steps(4 * 5 * 3);
  for (std::size_t i = 0; i < steps.size(); ++i) steps[i] = static_cast<std::int16_t>(37 * i % 101);
  steps[7] = -32768;
  const Tensor index = Tensor::from<std::int32_t>({3, 0, 3}, {3});
  Tensor batch[2];
  for (const Device device : {Device::kCpu, Device::kCuda})
    batch[device == Device::kCuda] =
        ops::gather_batch(Tensor::from(steps, {4, 5, 3}).to(device), random_tensor({4, 3}, 1).to(device), index,
                          random_tensor({3}, 2).to(device), Tensor::full({3}, 0.5F, device));
  EXPECT_EQ(batch[1].device(), Device::kCuda);
  expect_close(batch[1], batch[0], 1e-6, "batch");
  EXPECT_THROW(ops::gather_batch(Tensor::from(steps, {4, 5, 3}).to(Device::kCuda),
                                 random_tensor({4, 3}, 1).to(Device::kCuda), Tensor::from<std::int32_t>({4}, {1}),
                                 random_tensor({3}, 2).to(Device::kCuda), random_tensor({3}, 2).to(Device::kCuda)),
               Error);
}

TEST_F(CudaOps, MixedDevicesAreOneClearError) {
  const Tensor x = random_tensor({2, 7}, 1).to(Device::kCuda);
  const std::string mixed = message_of([&] { ops::linear(x, random_tensor({7, 3}, 2), random_tensor({3}, 3)); });
  EXPECT_EQ(mixed, "linear_forward: a tensor of shape (2, 7) is on cuda, another of shape (7, 3) on cpu");
  EXPECT_NE(message_of([&] { ops::add(x, random_tensor({2, 7}, 2)); }).find("on cpu"), std::string::npos);
  EXPECT_NE(message_of([&] { ops::add(random_tensor({2, 7}, 2), x); }).find("on cuda"), std::string::npos);
  EXPECT_NE(message_of([&] { ops::concat(x, random_tensor({2, 1}, 2)); }).find("concat_forward"), std::string::npos);
  EXPECT_NE(message_of([&] { x.data(); }).find("cannot be read in place"), std::string::npos);
}

TEST_F(CudaOps, FiniteCheckNamesTheFirstOperation) {
  Tensor x = random_tensor({300, 7}, 1);
  EXPECT_TRUE(all_finite(x.to(Device::kCuda)));
  x.data()[2000] = INFINITY;
  const Tensor infinite = x.to(Device::kCuda);
  EXPECT_FALSE(all_finite(infinite));
  x.data()[2000] = NAN;
  EXPECT_FALSE(all_finite(x.to(Device::kCuda)));
  const FiniteCheck check;
  EXPECT_NE(message_of([&] { ops::gelu(ops::relu(infinite)); }).find("the result of relu with shape (300, 7)"),
            std::string::npos);
}

}  // namespace
}  // namespace cardiograd
