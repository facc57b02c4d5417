#include "engine/observer.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "engine/autograd.h"
#include "engine/memory.h"
#include "engine/nn/layers.h"
#include "engine/optim/adam.h"
#include "engine/optim/clip.h"
#include "kernels/linear/linear.h"
#include "tests/engine/on_cuda.h"

namespace cardiograd {
namespace {

using Calls = std::vector<std::pair<std::string, std::string>>;  // layer, kernel

// Two linear layers with a ReLU between, the second inside a container of its own.
struct Net : nn::Sequential {
  explicit Net(PhiloxStream random) {
    append<nn::Linear>("0", 3, 4, random);
    append<nn::Relu>("1");
    append<nn::Sequential>("2").append<nn::Linear>("0", 4, 2, random);
  }
};

Tensor loss_of(const Tensor& logits) {
  const LayerScope layer("loss");
  return ops::weighted_bce(logits, Tensor::zeros(logits.shape(), DType::kFloat32, logits.device()),
                           Tensor::full({2}, 1, logits.device()));
}

// One training step on a batch of `batch` where the net is, as an observer sees it.
Calls step(Net& net, std::int64_t batch, Execution execution, Device device = Device::kCpu) {
  Calls calls;
  optim::Adam adam(net.parameters());
  const KernelObserver observer(
      [&](const ObservedKernel& kernel) {
        calls.emplace_back(kernel.layer, kernel.name);
        EXPECT_EQ(kernel.device, device);
      },
      execution);
  const Tensor loss = loss_of(net.forward(Tensor::full({batch, 3}, 1, device)));
  backward(loss);
  optim::clip_gradients(net.parameters(), 1e-3);
  adam.step(0.1, loss);
  net.clear_gradients();
  return calls;
}

// The GPU clips all gradients at once, the CPU one after the other.
Calls expected_step(Device device = Device::kCpu) {
  Calls calls = {{"0", "linear_forward"},    {"2.0", "linear_forward"}, {"loss", "weighted_bce_loss_and_gradient"},
                 {"2.0", "linear_backward"}, {"0", "relu_backward"},    {"0", "linear_backward_weight"}};
  const std::size_t gradients = device == Device::kCuda ? 1 : 4;
  calls.insert(calls.end(), gradients, {"clip", "squared_norm_forward"});
  calls.insert(calls.end(), gradients, {"clip", "scale_forward"});
  calls.emplace_back("adam", "adam_forward");
  return calls;
}

TEST(Observer, SeesEveryKernelAndItsLayer) {
  Net net(PhiloxStream(1));
  EXPECT_EQ(step(net, 5, Execution::kRun), expected_step());
}

class CudaObserver : public testing::CudaTest {};

TEST_F(CudaObserver, SeesTheKernelsOfTheCpu) {
  Net net(PhiloxStream(1));
  net.to(Device::kCuda);
  EXPECT_EQ(step(net, 5, Execution::kRun, Device::kCuda), expected_step(Device::kCuda));
  EXPECT_EQ(step(net, 5, Execution::kDry, Device::kCuda), expected_step(Device::kCuda));
}

TEST(Observer, SeesShapes) {
  Net net(PhiloxStream(1));
  std::vector<std::int64_t> outputs;
  const KernelObserver observer([&](const ObservedKernel& kernel) {
    if (const auto* s = kernel.shape.as<kernels::LinearShape>()) outputs.push_back(s->outputs);
    EXPECT_EQ(kernel.device, Device::kCpu);
  });
  net.forward(Tensor::zeros({7, 3}));
  EXPECT_EQ(outputs, (std::vector<std::int64_t>{4, 2}));
}

TEST(Observer, ChangesNoResult) {
  Net net(PhiloxStream(1));
  const Tensor x = Tensor::full({5, 3}, 0.5F);
  const std::vector<float> alone = net.forward(x).values();
  const KernelObserver observer([](const ObservedKernel&) {});
  EXPECT_EQ(net.forward(x).values(), alone);
}

TEST(Observer, TheNewestIsNotifiedAndTheOneBeforeComesBack) {
  int outer = 0;
  int inner = 0;
  const Tensor x = Tensor::zeros({2});
  const KernelObserver observer([&outer](const ObservedKernel&) { ++outer; });
  {
    const KernelObserver nested([&inner](const ObservedKernel&) { ++inner; });
    ops::relu(x);
  }
  ops::relu(x);
  EXPECT_EQ(std::pair(outer, inner), std::pair(1, 1));
}

TEST(Observer, LayersAreForgottenWhenAnExceptionLeavesThem) {
  Net net(PhiloxStream(1));
  const KernelObserver observer([](const ObservedKernel&) {});
  EXPECT_ANY_THROW(net.forward(Tensor::zeros({2, 99})));
  EXPECT_EQ(current_layer(), "");
}

TEST(DryRun, ReportsTheSameKernelsAndLeavesParametersAlone) {
  Net net(PhiloxStream(1));
  std::vector<std::vector<float>> before;
  for (const nn::NamedTensor& parameter : net.parameters()) before.push_back(parameter.tensor->values());
  EXPECT_EQ(step(net, 5, Execution::kDry), expected_step());
  std::size_t i = 0;
  for (const nn::NamedTensor& parameter : net.parameters()) EXPECT_EQ(parameter.tensor->values(), before[i++]);
}

TEST(DryRun, TakesAddressesInsteadOfMemory) {
  Net net(PhiloxStream(1));
  cpu_allocator().reset_peak();
  const std::size_t before = cpu_allocator().statistics().peak_in_use;
  const std::int64_t batch = std::int64_t{1} << 36;  // 0.8 TB of input
  EXPECT_EQ(step(net, batch, Execution::kDry), expected_step());
  EXPECT_TRUE(cpu_allocator().statistics().peak_in_use <= before + (1 << 20));
  EXPECT_EQ(dry_run_allocator().statistics().in_use, 0U);
  EXPECT_EQ(dry_run_allocator().statistics().reserved, 0U);
}

TEST(DryRun, StaysOneInsideANestedObserver) {
  const KernelObserver dry([](const ObservedKernel&) {}, Execution::kDry);
  const KernelObserver nested([](const ObservedKernel&) {});
  EXPECT_TRUE(dry_run());
}

}  // namespace
}  // namespace cardiograd
