// Operations that do the work of several, against their parts one after the other: equal bits where the arithmetic is
// the same, on the CPU and on the GPU.
#include <algorithm>
#include <array>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "engine/autograd.h"
#include "engine/nn/layers.h"
#include "engine/observer.h"
#include "engine/ops/ops.h"
#include "tests/engine/on_cuda.h"

namespace cardiograd {
namespace {

using testing::expect_close;
using testing::random_tensor;

using Operation = std::function<Tensor(std::vector<Tensor>&)>;

std::vector<Device> devices() {
  if (cuda_available()) return {Device::kCpu, Device::kCuda};
  return {Device::kCpu};
}

// The result, then the gradients of the inputs.
std::vector<Tensor> outcome(const std::vector<Shape>& shapes, const Operation& run, Device device) {
  std::vector<Tensor> inputs;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    inputs.push_back(random_tensor(shapes[i], i).to(device));
    inputs.back().set_requires_grad(true);
  }
  std::vector<Tensor> all = {run(inputs)};
  backward(all.front(), random_tensor(all.front().shape(), 99).to(device));
  for (const Tensor& input : inputs) all.push_back(input.grad());
  return all;
}

// `exact`: which of the outcome have equal bits.
void expect_same(const std::vector<Shape>& shapes, const Operation& fused, const Operation& parts,
                 const std::vector<bool>& exact, Device device, const std::string& what) {
  const std::vector<Tensor> got = outcome(shapes, fused, device);
  const std::vector<Tensor> expected = outcome(shapes, parts, device);
  for (std::size_t i = 0; i < got.size(); ++i) {
    const std::string where = what + " on " + std::string(device_name(device)) + ", tensor " + std::to_string(i);
    if (exact[i])
      EXPECT_EQ(got[i].values(), expected[i].values()) << where;
    else
      expect_close(got[i], expected[i], 2e-6, where);
  }
}

// Odd and aligned sizes, one chunk of rows and several.
TEST(FusedOps, BatchNormWithPoolingIsBothInTurn) {
  for (const Device device : devices()) {
    for (const Shape& x : {Shape{3, 37, 6}, Shape{2, 50, 8}, Shape{5, 301, 64}, Shape{1, 2, 3}}) {
      const Shape per_channel = {x.last()};
      std::vector<std::vector<float>> running;
      const auto run = [&](bool fused) {
        return [&running, fused](std::vector<Tensor>& in) {
          Tensor mean = Tensor::zeros(in[1].shape(), DType::kFloat32, in[1].device());
          Tensor var = Tensor::full(in[1].shape(), 1, in[1].device());
          const ops::BatchNormOptions options = {.relu = true, .training = true};
          const Tensor y = fused ? ops::batch_norm_pool(in[0], in[1], in[2], mean, var, options)
                                 : ops::max_pool1d(ops::batch_norm(in[0], in[1], in[2], mean, var, options), 2, 2);
          running.push_back(mean.values());
          running.push_back(var.values());
          return y;
        };
      };
      // The gradients are sums over rows in another order.
      expect_same({x, per_channel, per_channel}, run(true), run(false), {true, false, false, false}, device,
                  "batch_norm_pool " + x.text());
      EXPECT_EQ(running[0], running[2]);
      EXPECT_EQ(running[1], running[3]);
    }
  }
  EXPECT_THROW(outcome(
                   {{4, 1, 3}, {3}, {3}},
                   [](auto& in) {
                     Tensor mean = Tensor::zeros({3});
                     Tensor var = Tensor::full({3}, 1);
                     return ops::batch_norm_pool(in[0], in[1], in[2], mean, var, {});
                   },
                   Device::kCpu),
               Error);
}

// Rows that registers hold in accesses of one float and of four, and ones too wide for that.
TEST(FusedOps, ResidualLayerNormIsItsPartsInTurn) {
  for (const Device device : devices()) {
    for (const float probability : {0.0F, 0.3F}) {
      const kernels::DropoutKey key = {.probability = probability, .seed = 5, .layer = 2, .step = 3};
      for (const Shape& x : {Shape{3, 37, 6}, Shape{130, 256}, Shape{67, 31}, Shape{70, 1028}, Shape{9, 512}}) {
        const Shape row = {x.last()};
        const auto fused = [&](std::vector<Tensor>& in) {
          return ops::residual_layer_norm(in[0], in[1], in[2], in[3], in[4], key);
        };
        const auto parts = [&](std::vector<Tensor>& in) {
          return ops::layer_norm(ops::add(in[2], ops::dropout(ops::add(in[0], in[1]), key)), in[3], in[4]);
        };
        // The bias's gradient is a sum over rows in another order.
        expect_same({x, row, x, row, row}, fused, parts, {true, true, false, true, true, true}, device,
                    "residual_layer_norm " + x.text());
      }
    }
  }
}

// One chunk of a record and several, with nothing beside the mean and with something. The GPU sums up the mean in
// another order, the CPU not.
TEST(FusedOps, ResidualLayerNormWithMeanIsItsPartsInTurn) {
  const kernels::DropoutKey key = {.probability = 0.3F, .seed = 5, .layer = 2, .step = 3};
  for (const Device device : devices()) {
    for (const auto& [x, beside] : {std::pair{Shape{3, 37, 6}, 0}, {Shape{2, 70, 8}, 4}, {Shape{2, 3, 1028}, 5}}) {
      const Shape row = {x.last()};
      std::vector<Shape> shapes = {x, row, x, row, row};
      if (beside > 0) shapes.push_back({x[0], beside});
      const auto fused = [&](std::vector<Tensor>& in) {
        return ops::residual_layer_norm_mean(in[0], in[1], in[2], in[3], in[4], beside > 0 ? in[5] : Tensor(), key);
      };
      const auto parts = [&](std::vector<Tensor>& in) {
        const Tensor mean = ops::mean_over_time(ops::residual_layer_norm(in[0], in[1], in[2], in[3], in[4], key));
        return beside > 0 ? ops::concat(mean, in[5]) : mean;
      };
      std::vector<bool> exact(shapes.size() + 1, true);
      exact[0] = device == Device::kCpu;
      expect_same(shapes, fused, parts, exact, device, "residual_layer_norm_mean " + x.text());
    }
  }
}

TEST(FusedOps, ResidualLayerNormRefusesWrongShapes) {
  const Tensor x = Tensor::zeros({2, 4});
  const Tensor row = Tensor::zeros({4});
  EXPECT_THROW(ops::residual_layer_norm(x, row, Tensor::zeros({2, 3}), row, row, {}), Error);
  EXPECT_THROW(ops::residual_layer_norm(x, x, x, row, row, {}), Error);
  EXPECT_THROW(ops::residual_layer_norm(x, row, x, row, row, {.probability = 1}), Error);
  const Tensor tokens = Tensor::zeros({2, 3, 4});
  EXPECT_THROW(ops::residual_layer_norm_mean(x, row, x, row, row, {}, {}), Error);
  EXPECT_THROW(ops::residual_layer_norm_mean(tokens, row, tokens, row, row, Tensor::zeros({3, 1}), {}), Error);
}

// Which kernels the layers run in training on `device`, as a dry run tells.
std::vector<std::string> kernels_of(nn::Layer& layer, const Tensor& x, bool training = true, const Tensor& added = {}) {
  std::vector<std::string> names;
  const KernelObserver observer([&](const ObservedKernel& kernel) { names.emplace_back(kernel.name); },
                                Execution::kDry);
  layer.to(x.device());
  layer.set_training(training);
  const Tensor y = added.defined() ? layer.forward_plus(x, added) : layer.forward(x);
  backward(y, y.detach());
  return names;
}
Tensor dry_input(const Shape& shape, Device device) {
  const KernelObserver observer([](const ObservedKernel&) {}, Execution::kDry);
  return Tensor::empty(shape, DType::kFloat32, device);
}

TEST(FusedOps, AConvolutionsBatchNormPoolsAndTakesTheBiasesGradient) {
  PhiloxStream random(1);
  nn::Sequential block;
  block.append<nn::Conv1d>("0", 3, 4, 3, ops::Conv1dOptions{}, random);
  block.append<nn::BatchNorm1d>("1", 4, true);
  block.append<nn::MaxPool1d>("3", 2);
  EXPECT_EQ(kernels_of(block, dry_input({2, 10, 3}, Device::kCpu)),
            (std::vector<std::string>{"conv1d_forward", "batch_norm_pool_forward", "batch_norm_pool_backward",
                                      "conv1d_backward_weight"}));
  EXPECT_EQ(kernels_of(block, dry_input({2, 10, 3}, Device::kCuda)),
            (std::vector<std::string>{"conv1d_statistics_forward", "batch_norm_pool_given_forward",
                                      "batch_norm_pool_backward", "conv1d_backward_weight"}));
  const Tensor positions = dry_input({4, 4}, Device::kCuda);
  EXPECT_EQ(kernels_of(block, dry_input({2, 10, 3}, Device::kCuda), true, positions),
            (std::vector<std::string>{"conv1d_statistics_forward", "batch_norm_pool_add_forward",
                                      "batch_norm_pool_backward", "conv1d_backward_weight"}));
  // In evaluation the running statistics serve, and nothing is fused.
  EXPECT_EQ(kernels_of(block, dry_input({2, 10, 3}, Device::kCuda), false, positions),
            (std::vector<std::string>{"conv1d_forward", "batch_norm_eval_forward", "max_pool_forward", "add_forward",
                                      "max_pool_backward", "batch_norm_eval_backward", "conv1d_backward_weight"}));
}

// A convolution with statistics and what follows it, against the operations one after the other.
TEST(FusedOps, AConvolutionWithItsBatchNormIsBothInTurn) {
  for (const Device device : devices()) {
    for (const bool pooled : {false, true}) {
      for (const Shape& x : {Shape{3, 37, 6}, Shape{2, 150, 8}, Shape{5, 301, 12}}) {
        const std::int64_t outputs = x.last() == 6 ? 5 : 64;
        const ops::Conv1dOptions convolution = {.padding = 2};
        const ops::BatchNormOptions options = {.relu = true, .training = true};
        const Tensor positions = random_tensor({x[1] / 2, outputs}, 7).to(device);
        std::vector<Tensor> running;
        const auto run = [&](bool fused) {
          return [&, fused](std::vector<Tensor>& in) {
            running.push_back(Tensor::zeros({outputs}, DType::kFloat32, device));
            running.push_back(Tensor::full({outputs}, 1, device));
            Tensor& mean = running[running.size() - 2];
            Tensor& var = running.back();
            const Tensor bias = random_tensor({outputs}, 9).to(device);
            if (fused) {
              const ops::ConvolvedBatch y = ops::conv1d_statistics(in[0], in[1], bias, convolution, mean, var);
              return pooled ? ops::batch_norm_pool(y, in[2], in[3], positions, options)
                            : ops::batch_norm(y, in[2], in[3], options);
            }
            const Tensor y = ops::conv1d(in[0], in[1], bias, convolution);
            const Tensor normal = ops::batch_norm(y, in[2], in[3], mean, var, options);
            return pooled ? ops::add(ops::max_pool1d(normal, 2, 2), positions) : normal;
          };
        };
        running.reserve(4);
        expect_same({x, {5, x.last(), outputs}, {outputs}, {outputs}}, run(true), run(false),
                    {false, false, false, false, false}, device, "conv1d_statistics " + x.text());
        expect_close(running[0], running[2], 2e-6, "running mean");
        expect_close(running[1], running[3], 2e-6, "running variance");
      }
    }
  }
  Tensor mean = Tensor::zeros({2});
  Tensor var = Tensor::full({2}, 1);
  const Tensor w = Tensor::zeros({1, 3, 2});
  EXPECT_THROW(ops::conv1d_statistics(Tensor::zeros({1, 1, 3}), w, Tensor::zeros({2}), {}, mean, var), Error);
  Tensor other = Tensor::zeros({3});
  EXPECT_THROW(ops::conv1d_statistics(Tensor::zeros({2, 4, 3}), w, Tensor::zeros({2}), {}, mean, other), Error);
}

TEST(FusedOps, ABiasBeforeABatchNormHasNoGradientWhereTheBatchIsNormalized) {
  for (const bool training : {true, false}) {
    PhiloxStream random(1);
    nn::Sequential layers;
    layers.append<nn::Conv1d>("0", 3, 4, 3, ops::Conv1dOptions{}, random);
    layers.append<nn::BatchNorm1d>("1", 4);
    layers.append<nn::Linear>("2", 4, 5, random);
    layers.append<nn::BatchNorm1d>("3", 5);
    layers.append<nn::Linear>("4", 5, 2, random);
    layers.set_training(training);
    const Tensor y = layers.forward(random_tensor({2, 10, 3}, 1));
    backward(y, random_tensor(y.shape(), 2));
    for (const nn::NamedTensor& named : layers.parameters()) {
      const bool without = training && (named.name == "0.bias" || named.name == "2.bias");
      EXPECT_EQ(named.tensor->grad().defined(), !without) << named.name;
    }
  }
}

// Small and large ones, which the GPU computes by other kernels, odd and aligned.
TEST(FusedOps, FeedForwardIsItsPartsInTurn) {
  const kernels::DropoutKey key = {.probability = 0.2F, .seed = 3, .layer = 2, .step = 1};
  for (const Device device : devices()) {
    for (const auto& [rows, inputs, hidden, outputs] :
         {std::array<std::int64_t, 4>{6, 12, 20, 8}, {37, 13, 7, 5}, {2600, 8, 12, 4}, {2600, 3, 9, 5}}) {
      const std::vector<Shape> shapes = {{rows, inputs}, {inputs, hidden}, {hidden}, {hidden, outputs}, {outputs}};
      for (const kernels::DropoutKey& dropout : {key, kernels::DropoutKey()}) {
        const Operation fused = [&](std::vector<Tensor>& in) {
          return ops::feed_forward(in[0], {in[1], in[2], ""}, dropout, {in[3], in[4], ""});
        };
        const Operation parts = [&](std::vector<Tensor>& in) {
          return ops::linear(ops::dropout(ops::relu(ops::linear(in[0], in[1], in[2])), dropout), in[3], in[4]);
        };
        expect_same(shapes, fused, parts, std::vector<bool>(6, true), device, std::to_string(rows) + " rows");
      }
    }
  }
}

TEST(FusedOps, FeedForwardKeepsTheGradientOfItsInputWhereItsWeightsAreFrozen) {
  const Tensor w1 = random_tensor({6, 5}, 1);
  const Tensor b1 = random_tensor({5}, 2);
  const Tensor w2 = random_tensor({5, 3}, 3);
  const Tensor b2 = random_tensor({3}, 4);
  std::vector<std::vector<float>> gradients;
  for (const bool fused : {true, false}) {
    Tensor x = random_tensor({7, 6}, 5);
    x.set_requires_grad(true);
    const Tensor y = fused ? ops::feed_forward(x, {w1, b1, ""}, {}, {w2, b2, ""})
                           : ops::linear(ops::relu(ops::linear(x, w1, b1)), w2, b2);
    backward(y, random_tensor(y.shape(), 6));
    gradients.push_back(x.grad().values());
  }
  EXPECT_EQ(gradients[0], gradients[1]);
}

TEST(FusedOps, ALinearLayerAddsToTheGradientThatAResidualLeft) {
  for (const Device device : devices()) {
    const Tensor w = random_tensor({12, 12}, 1).to(device);
    const Tensor b = random_tensor({12}, 2).to(device);
    const Tensor dy = random_tensor({9, 12}, 3).to(device);
    std::vector<std::vector<float>> gradients;
    for (const bool residual : {true, false}) {
      Tensor leaf = random_tensor({9, 12}, 4).to(device);
      leaf.set_requires_grad(true);
      const Tensor x = ops::relu(leaf);
      const Tensor product = ops::linear(x, w, b);
      backward(residual ? ops::add(product, x) : product, dy);
      gradients.push_back(leaf.grad().values());
    }
    const std::vector<float> through = dy.values();
    const std::vector<float> at = random_tensor({9, 12}, 4).values();
    for (std::size_t i = 0; i < through.size(); ++i)
      EXPECT_EQ(gradients[0][i], at[i] > 0 ? gradients[1][i] + through[i] : 0) << device_name(device) << " " << i;
  }
}

TEST(FusedOps, ALinearLayerDoesTheWorkOfWhatFollows) {
  PhiloxStream random(1);
  nn::Sequential head;
  head.append<nn::Linear>("0", 6, 5, random);
  head.append<nn::Relu>("1");
  head.append<nn::Dropout>("2", 0.5F);
  head.append<nn::Linear>("3", 5, 3, random);
  for (const Device device : devices())
    EXPECT_EQ(
        kernels_of(head, dry_input({4, 6}, device)),
        (std::vector<std::string>{"linear_forward", "linear_forward", "linear_backward", "linear_backward_weight"}));
}

TEST(FusedOps, AnEncoderLayersNormsTakeResiduals) {
  PhiloxStream random(1);
  nn::TransformerEncoderLayer layer(8, 2, 16, 0.1F, random);
  const auto count = [&](Device device, const std::string& name) {
    const std::vector<std::string> names = kernels_of(layer, dry_input({2, 10, 8}, device));
    return std::count(names.begin(), names.end(), name);
  };
  for (const Device device : {Device::kCpu, Device::kCuda}) {
    EXPECT_EQ(count(device, "layer_norm_forward"), 0);
    EXPECT_EQ(count(device, "add_forward"), 0);
    EXPECT_EQ(count(device, "residual_layer_norm_forward"), 2);
    EXPECT_EQ(count(device, "residual_layer_norm_backward"), 2);
    EXPECT_EQ(count(device, "relu_forward") + count(device, "dropout_forward"), 0);
    EXPECT_EQ(count(device, "relu_backward") + count(device, "dropout_backward"), 0);
    EXPECT_EQ(count(device, "linear_backward"), 3);
  }
}

}  // namespace
}  // namespace cardiograd
