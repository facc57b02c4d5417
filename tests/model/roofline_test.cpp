#include "model/roofline.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <unordered_set>

#include <gtest/gtest.h>

#include "base/error.h"
#include "engine/autograd.h"
#include "engine/ops/ops.h"

namespace cardiograd::model {
namespace {

// How often each differentiable operation stands in the graph behind `result`, by the name it is recorded under.
std::map<std::string, int> recorded_operations(const Tensor& result) {
  std::map<std::string, int> counts;
  std::vector<std::shared_ptr<AutogradMeta>> found = {result.autograd()};
  std::unordered_set<const AutogradMeta*> seen = {result.autograd().get()};
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (found[i]->node == nullptr) continue;
    ++counts[found[i]->node->name];
    for (const auto& input : found[i]->node->inputs)
      if (seen.insert(input.get()).second) found.push_back(input);
  }
  return counts;
}

// The kernels of the step, by operation: "linear_forward" counts for "linear".
std::map<std::string, int> forward_calls(const std::vector<KernelCall>& calls) {
  static const std::map<std::string, std::string> kNames = {{"relu_forward", "relu"},
                                                            {"add_forward", "add"},
                                                            {"attention_forward", "attention"},
                                                            {"batch_norm_forward", "batch_norm"},
                                                            {"concat_forward", "concat"},
                                                            {"conv1d_forward", "conv1d"},
                                                            {"dropout_forward", "dropout"},
                                                            {"layer_norm_forward", "layer_norm"},
                                                            {"linear_forward", "linear"},
                                                            {"max_pool_forward", "max_pool1d"},
                                                            {"mean_time_forward", "mean_over_time"},
                                                            {"weighted_bce_forward", "weighted_bce"}};
  std::map<std::string, int> counts;
  for (const KernelCall& call : calls)
    if (const auto name = kNames.find(call.op); name != kNames.end()) ++counts[name->second];
  return counts;
}

TEST(StepCost, HoldsTheOperationsThatTheModelRecords) {
  for (const std::int64_t features : {0, 3}) {
    const HcCnnTnConfig config = {.classes = 2,
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
    HcCnnTn net(config, 1);
    net.set_training(true);
    net.set_dropout_step(1, 0);
    const Tensor signals = Tensor::zeros({4, config.samples, config.leads});
    const Tensor inputs = features > 0 ? Tensor::zeros({4, features}) : Tensor();
    const Tensor loss = ops::weighted_bce(net.forward(signals, inputs), Tensor::zeros({4, 2}), Tensor::zeros({2}));
    EXPECT_EQ(forward_calls(training_step_calls(config, 4)), recorded_operations(loss)) << features << " features";
  }
}

TEST(StepCost, EveryCallAtBatch64IsInTheTablesWorkload) {
  // Benchmarks time the workload of the op table: a kernel or shape of the step that is missing there is never tuned.
  std::set<std::string> timed;
  for (const kernels::Op& op : kernels::op_table())
    for (const kernels::OpCase& work : op.workload()) timed.insert(op.name + " " + work.shape);
  int shapes = 0;
  for (const KernelCall& call : training_step_calls({}, 64)) {
    // The classifier's narrow last layer, the features' first one and the gather of another data set differ in size.
    if (call.layer == "head.3" || call.layer == "hc.0" || call.layer == "batch" || call.layer == "adam" ||
        call.op.starts_with("dropout") || call.op.starts_with("relu") || call.op.starts_with("accumulate"))
      continue;
    EXPECT_TRUE(timed.contains(call.op + " " + call.work.shape)) << call.op << " " << call.work.shape;
    ++shapes;
  }
  EXPECT_GT(shapes, 40);
}

TEST(StepCost, MatchesTheCountByHand) {
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

TEST(StepCost, RefusesWhatTheModelRefuses) {
  EXPECT_THROW(training_step_calls({}, 1), Error);
  EXPECT_THROW(training_step_calls({.heads = 7}, 64), Error);
}

}  // namespace
}  // namespace cardiograd::model
