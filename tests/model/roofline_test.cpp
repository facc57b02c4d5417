#include "model/roofline.h"

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.h"
#include "engine/autograd.h"
#include "engine/memory.h"
#include "engine/observer.h"
#include "engine/ops/ops.h"
#include "engine/optim/adam.h"

#if defined(CARDIOGRAD_SIMT)
#include "simt/runtime.h"
#endif

namespace cardiograd::model {
namespace {

constexpr std::int64_t kBatch = 4;

HcCnnTnConfig tiny(std::int64_t features) {
  return {.classes = 2,
          .features = features,
          .leads = 3,
          .samples = 24,
          .channels = {4, 8},
          .kernels = {5, 3},
          .encoder_layers = 3,
          .heads = 2,
          .feed_forward = 6,
          .feature_width = 5,
          .head_width = 7};
}

// A step that runs: layers and kernels in their order.
std::vector<std::string> observed_step(const HcCnnTnConfig& config, Device device) {
  HcCnnTn net(config, 1);
  net.to(device);
  net.set_training(true);
  std::vector<std::string> calls;
  const KernelObserver observer([&calls](const ObservedKernel& kernel) {
    calls.push_back(std::string(kernel.layer) + " " + kernel.name + " " +
                    kernels::find_op(kernel.name)->bind(kernel.shape.address()).shape);
  });
  const auto zeros = [device](const Shape& shape) { return Tensor::zeros(shape, DType::kFloat32, device); };
  const Tensor signals = zeros({kBatch, config.samples, config.leads});
  const Tensor features = config.features > 0 ? zeros({kBatch, config.features}) : Tensor();
  const Tensor logits = net.forward(signals, features);
  const LayerScope layer("loss");
  const Tensor loss = ops::weighted_bce(logits, zeros({kBatch, 2}), zeros({2}));
  backward(loss);
  return calls;
}

TEST(Roofline, HoldsTheKernelsThatAStepRuns) {
  for (const auto& [features, device, pool] : {std::tuple<std::int64_t, Device, Pool>{0, Device::kCpu, Pool::kMean},
                                               {3, Device::kCpu, Pool::kMean},
                                               {3, Device::kCpu, Pool::kMeanMax},
                                               {0, Device::kCuda, Pool::kMean},
                                               {3, Device::kCuda, Pool::kMean},
                                               {3, Device::kCuda, Pool::kMeanMax}}) {
    if (device == Device::kCuda && !cuda_available()) continue;
    HcCnnTnConfig config = tiny(features);
    config.pool = pool;
    config.positions = pool == Pool::kMean;
    std::vector<std::string> calls;
    for (const KernelCall& call : training_step_calls(config, kBatch, device))
      calls.push_back(call.layer + " " + call.op + " " + call.work.shape);
    ASSERT_GT(calls.size(), 2U);
    EXPECT_EQ(calls.front(), "batch gather_batch_forward N4 of 4 T24 C3");
    // Biases before batch norms have no gradient.
    const std::int64_t updated = HcCnnTn(config, 0).parameter_count() - (4 + 8) - (features > 0 ? 2 * 5 : 0);
    EXPECT_TRUE(calls.back().starts_with("adam adam_forward " + std::to_string(updated) + " ")) << calls.back();
    EXPECT_EQ(std::vector<std::string>(calls.begin() + 1, calls.end() - 1), observed_step(config, device)) << features;
  }
}

TEST(Roofline, LayersAreThoseOfTheWeightFile) {
  const HcCnnTnConfig config = tiny(3);
  std::set<std::string> with_parameters;
  HcCnnTn net(config, 1);
  for (const nn::NamedTensor& parameter : net.parameters())
    with_parameters.insert(parameter.name.substr(0, parameter.name.rfind('.')));
  std::map<std::string, int> gradients;
  for (const KernelCall& call : training_step_calls(config, kBatch))
    if (call.op == "conv1d_backward_weight" || call.op == "linear_backward_weight" || call.op == "linear_backward" ||
        call.op == "residual_layer_norm_backward" || call.op == "residual_layer_norm_mean_backward" ||
        call.op == "batch_norm_backward" || call.op == "batch_norm_pool_backward")
      ++gradients[call.layer];
  std::set<std::string> layers;
  for (const auto& [layer, count] : gradients) {
    layers.insert(layer);
    EXPECT_EQ(count, 1) << layer;
  }
  EXPECT_EQ(layers, with_parameters);
}

#if defined(CARDIOGRAD_SIMT)
// The launches that the table's specs state, against those that a step puts into the stream.
TEST(Roofline, CountsTheLaunchesOfAStep) {
  const HcCnnTnConfig config = tiny(3);
  HcCnnTn net(config, 1);
  net.to(Device::kCuda);
  net.set_training(true);
  optim::Adam optimizer(net.parameters());
  const auto zeros = [](const Shape& shape) { return Tensor::zeros(shape, DType::kFloat32, Device::kCuda); };
  const Tensor signals = zeros({kBatch, config.samples, config.leads});
  const Tensor features = zeros({kBatch, config.features});
  const Tensor labels = zeros({kBatch, 2});
  const Tensor weights = zeros({2});
  simt::StreamWork work;
  for (int step = 0; step < 2; ++step) {  // the first one makes what later ones find
    net.set_dropout_step(1, static_cast<std::uint32_t>(step));
    const simt::StreamWork before = simt::stream_work();
    const Tensor loss = ops::weighted_bce(net.forward(signals, features), labels, weights);
    backward(loss);
    optimizer.step(1e-3, loss);
    net.clear_gradients();
    const simt::StreamWork after = simt::stream_work();
    work = {after.launches - before.launches, after.products - before.products, after.clears - before.clears};
  }
  std::int64_t stated = 0;
  for (const KernelCall& call : training_step_calls(config, kBatch)) {
    if (call.op == "gather_batch_forward") continue;
    stated += call.launches;
  }
  EXPECT_EQ(work.launches + work.products, stated);
  // All gradients. Biases without one (before batch norms, and where the residual sums add them) are left out: none is
  // summed up in a buffer of its own.
  EXPECT_EQ(work.clears, 1);
}
#endif

TEST(Roofline, TakesNoMemoryForTheBatch) {
  cpu_allocator().reset_peak();
  const std::size_t before = cpu_allocator().statistics().peak_in_use;
  EXPECT_GT(training_step_calls({}, 1'000'000).size(), 40U);
  const std::size_t parameters = 4 * static_cast<std::size_t>(HcCnnTn({}, 0).parameter_count());
  EXPECT_TRUE(cpu_allocator().statistics().peak_in_use <= before + 4 * parameters);
}

TEST(Roofline, EveryCallAtBatch64IsInTheTablesWorkload) {
  // Benchmarks time the workload of the op table: a kernel or shape of the step that is missing there is never tuned.
  std::set<std::string> timed;
  for (const kernels::Op& op : kernels::op_table())
    for (const kernels::OpCase& work : op.workload()) timed.insert(op.name + " " + work.shape);
  int shapes = 0;
  for (const KernelCall& call : training_step_calls({}, 64)) {
    // The classifier's narrow last layer, the features' first one and the gather of another data set differ in size.
    if (call.layer == "head.3" || call.layer == "hc.0" || call.layer == "batch" || call.layer == "adam" ||
        call.op.starts_with("dropout") || call.op.starts_with("residual") || call.op.starts_with("relu") ||
        call.op.starts_with("accumulate"))
      continue;
    EXPECT_TRUE(timed.contains(call.op + " " + call.work.shape)) << call.op << " " << call.work.shape;
    ++shapes;
  }
  EXPECT_GT(shapes, 40);
}

TEST(Roofline, MatchesTheCountByHand) {
  // Multiply-adds of the matrix products at batch 64, counted from the model's sizes: three convolutions (the first
  // without input gradient), per encoder layer four projections and the two of the feed-forward, attention with two
  // products forward and five backward.
  const double conv = 64.0 * (1000.0 * 7 * 12 * 64 * 2 + 500.0 * 5 * 64 * 128 * 3 + 250.0 * 3 * 128 * 256 * 3);
  const double linear = 2 * 3 * 8000.0 * (256.0 * 1024 + 2 * 256.0 * 512);
  const double attention = 2 * 7 * 64.0 * 125 * 125 * 256;
  const double products = 2 * (conv + linear + attention);
  double flop = 0;
  double bytes = 0;
  for (const KernelCall& call : training_step_calls({}, 64)) {
    flop += call.work.cost.flop;
    bytes += call.work.cost.bytes;
  }
  EXPECT_TRUE(flop >= products) << flop << " " << products;
  EXPECT_TRUE(flop <= 1.02 * products) << flop << " " << products;
  EXPECT_TRUE(flop >= 75e9 && flop <= 79e9) << flop;
  // Twice what a fused step would move, at most.
  EXPECT_TRUE(bytes >= 1.3e9 && bytes <= 2.6e9) << bytes;
}

TEST(Roofline, RefusesWhatTheModelRefuses) {
  EXPECT_THROW(training_step_calls({}, 1), Error);
  EXPECT_THROW(training_step_calls({.heads = 7}, 64), Error);
}

}  // namespace
}  // namespace cardiograd::model
