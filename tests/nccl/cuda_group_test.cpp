// Several processes with an emulated GPU each: exchanges, and one training by two of them against one.
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/file.h"
#include "base/philox.h"
#include "base/threads.h"
#include "engine/autograd.h"
#include "engine/batch_part.h"
#include "engine/captured_work.h"
#include "engine/cuda.h"
#include "engine/gradient_exchange.h"
#include "engine/gradient_slab.h"
#include "engine/nccl/nccl_group.h"
#include "engine/ops/ops.h"
#include "engine/transfer.h"
#include "model/trainer.h"
#include "tests/common/expect_error.h"
#include "tests/common/temporary_folder.h"
#include "tests/engine/forked_ranks.h"
#include "tests/engine/on_cuda.h"
#include "tests/model/tiny_set.h"
#include "tests/nccl/with_gpus.h"

namespace cardiograd::model {
namespace {

namespace fs = std::filesystem;
using cardiograd::testing::CudaGroup;
using cardiograd::testing::expect_error;
using cardiograd::testing::in_processes;
using cardiograd::testing::random_tensor;
using cardiograd::testing::TemporaryFolder;
using cardiograd::testing::with_gpus;
using testing::tiny_config;
using testing::tiny_set;

std::vector<float> random_values(std::size_t count, int rank) {
  PhiloxStream random(static_cast<std::uint64_t>(7 + rank));
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(random.normal());
  return values;
}

TEST_F(CudaGroup, SumsAreThoseInDoubleInTheOrderOfRanks) {
  with_gpus(3, [](ProcessGroup& group, GpuGroup& gpus) {
    EXPECT_EQ(gpus.size(), 3);
    EXPECT_EQ(gpus.rank(), group.rank());
    // 2: one rank has no part of its own. 20,000 and 100,001 go in parts.
    for (const std::size_t count :
         {std::size_t{1}, std::size_t{2}, std::size_t{1000}, std::size_t{20'000}, std::size_t{100'001}}) {
      const auto shape = Shape({static_cast<std::int64_t>(count)});
      Tensor values = Tensor::from(random_values(count, group.rank()), shape).to(Device::kCuda);
      gpus.sum(values);
      const std::vector<float> sums = values.values();
      const std::vector<std::vector<float>> all = {random_values(count, 0), random_values(count, 1),
                                                   random_values(count, 2)};
      for (std::size_t i = 0; i < count; ++i) {
        const float expected = static_cast<float>(static_cast<double>(all[0][i]) + static_cast<double>(all[1][i]) +
                                                  static_cast<double>(all[2][i]));
        ASSERT_EQ(sums[i], expected) << i << " of " << count;
      }
    }
  });
}

TEST_F(CudaGroup, GathersAndWeighs) {
  with_gpus(2, [](ProcessGroup& group, GpuGroup& gpus) {
    const auto own = static_cast<float>(group.rank() + 1);
    const Tensor values = Tensor::from(std::vector<float>{own, 10 * own, 100 * own}, {3}).to(Device::kCuda);
    EXPECT_EQ(gpus.gather(values).values(), (std::vector<float>{1, 10, 100, 2, 20, 200}));
    const Tensor weights = Tensor::from(std::vector<float>{0.25F, 0.75F}, {2}).to(Device::kCuda);
    EXPECT_EQ(gpus.weighted_sum(values, weights).values(), (std::vector<float>{1.75F, 17.5F, 175.0F}));
  });
}

// Four layers on the GPU.
struct Layers {
  explicit Layers(int rank) : x(random_tensor({4, 150}, 10 + static_cast<std::uint64_t>(rank)).to(Device::kCuda)) {
    for (std::uint64_t i = 0; i < 4; ++i) tensors.push_back(random_tensor({150, 150}, i).to(Device::kCuda));
    for (Tensor& tensor : tensors) {
      tensor.set_requires_grad(true);
      leaves.push_back(&tensor);
    }
    keep_gradients_together(leaves);
  }
  // `looks` is called in the backward pass before the gradient of the first layer.
  Tensor forward(const std::function<void()>& looks = {}) const {
    Tensor y = x;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      y = ops::gelu(ops::linear(y, tensors[i], zeros));
      if (i > 0 || !looks) continue;
      Tensor same = y.detach();
      record("look", same, {&y}, [looks, slot = GradientSlot(y)](const Tensor& gradient) {
        looks();
        slot.accumulate(gradient);
      });
      y = same;
    }
    return y;
  }

  std::vector<Tensor> tensors;
  std::vector<Tensor*> leaves;
  Tensor x;
  Tensor dy = random_tensor({4, 150}, 20).to(Device::kCuda);
  Tensor zeros = Tensor::zeros({150}, DType::kFloat32, Device::kCuda);
};

constexpr std::int64_t kLayerBytes = 90'000;  // each layer is a bucket

TEST_F(CudaGroup, GradientsAddedUpBesideTheBackwardPassHaveTheBitsOfOneSum) {
  with_gpus(2, [](ProcessGroup& group, GpuGroup& gpus) {
    const Layers layers(group.rank());
    backward(layers.forward(), layers.dy);
    Tensor slab = gradients_together(layers.leaves);
    gpus.sum(slab);
    const std::vector<float> expected = slab.values();
    const std::unique_ptr<GradientExchange> exchange = exchange_between(gpus, layers.leaves, kLayerBytes);
    ASSERT_EQ(exchange->buckets().size(), 4U);
    WorkBlocks blocks;
    CapturedWork step(
        [&] {
          clear_gradients(layers.leaves);
          exchange->backward(layers.forward(), layers.dy);
        },
        blocks);
    for (int i = 0; i < 4; ++i) {  // once as always, once recorded, twice replayed
      slab.fill_zero();
      EXPECT_EQ(step.run(), i >= 2);
      EXPECT_EQ(slab.values(), expected) << i;
    }
  });
}

// On a GPU the sums may still be under way when the next gradient is computed.
TEST_F(CudaGroup, KeepsTheMemoryOfSumsThatAreUnderWay) {
  with_gpus(2, [](ProcessGroup& group, GpuGroup& gpus) {
    const Layers layers(group.rank());
    std::size_t alone = 0, together = 0;
    const auto in_use = [] { return cuda_allocator().statistics().in_use; };
    backward(layers.forward([&] { alone = in_use(); }), layers.dy);
    const std::unique_ptr<GradientExchange> exchange = exchange_between(gpus, layers.leaves, kLayerBytes);
    const std::size_t before = in_use();
    exchange->backward(layers.forward([&] { together = in_use(); }), layers.dy);
    EXPECT_GE(together, alone + 3 * kLayerBytes);
    EXPECT_EQ(in_use(), before);
  });
}

TEST_F(CudaGroup, TwoProcessesWithOneGpuAreNamed) {
  in_processes(2, [](ProcessGroup& group) {
    cuda::choose_gpu(3);
    try {
      join_gpus(group);
      ADD_FAILURE() << "no error";
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("ranks 0 and 1 use one GPU"), std::string::npos) << error.what();
    }
  });
}

// Rows first ... first + count - 1.
Tensor rows_of(const Tensor& tensor, std::int64_t first, std::int64_t count) {
  std::vector<std::int64_t> dims = {count};
  for (int i = 1; i < tensor.shape().dims(); ++i) dims.push_back(tensor.dim(i));
  return tensor.part(first * tensor.count() / tensor.dim(0), Shape(dims)).clone();
}

// A batch norm of x on the GPU: y, the gradients for dy, and the running statistics.
struct Normalized {
  Tensor y, dx, dgamma, dbeta, mean, variance;
};
Normalized normalize(const Tensor& x, const Tensor& dy, bool relu) {
  const Shape channels({x.shape().last()});
  Tensor input = x.to(Device::kCuda), gamma = random_tensor(channels, 3).to(Device::kCuda),
         beta = random_tensor(channels, 4).to(Device::kCuda);
  Tensor mean = Tensor::full(channels, 0.5F).to(Device::kCuda), variance = Tensor::full(channels, 2).to(Device::kCuda);
  for (Tensor* leaf : {&input, &gamma, &beta}) leaf->set_requires_grad(true);
  const Tensor y = ops::batch_norm(input, gamma, beta, mean, variance, {.relu = relu, .training = true});
  backward(y, dy.to(Device::kCuda));
  return {y.detach(), input.grad(), gamma.grad(), beta.grad(), mean, variance};
}

void expect_near(const Tensor& found, const Tensor& expected, const char* what) {
  const std::vector<float> a = found.values(), b = expected.values();
  ASSERT_EQ(a.size(), b.size()) << what;
  for (std::size_t i = 0; i < a.size(); ++i)
    ASSERT_TRUE(std::abs(a[i] - b[i]) <= 2e-5F * (1 + std::abs(b[i])))
        << what << ' ' << i << ": " << a[i] << ", " << b[i];
}

// More ranks than rows too: those without rows compute one that counts for nothing.
TEST_F(CudaGroup, StatisticsOfABatchNormAreThoseOfTheWholeBatch) {
  for (const int ranks : {2, 3})
    with_gpus(ranks, [](ProcessGroup& group, GpuGroup& gpus) {
      for (const Shape& shape : {Shape{5, 300, 4}, Shape{5, 7}, Shape{2, 4}})
        for (const bool relu : {false, true}) {
          const Tensor x = random_tensor(shape, 1), dy = random_tensor(shape, 2);
          const Normalized whole = normalize(x, dy, relu);
          const RankPart own = part_of_rank(shape[0], group.rank(), group.size());
          const bool counts = own.count() > 0;
          const std::int64_t first = counts ? own.first : 0, count = counts ? own.count() : 1;
          Tensor own_dy = rows_of(dy, first, count);
          if (!counts) own_dy.fill_zero();
          const BatchPart part({.first = own.first, .batch = shape[0], .counts = counts}, nullptr, &gpus);
          Normalized result = normalize(rows_of(x, first, count), own_dy, relu);
          for (Tensor* gradient : {&result.dgamma, &result.dbeta}) gpus.sum(*gradient);
          const auto rows = [&](const Tensor& all) { return rows_of(all.to(Device::kCpu), first, count); };
          if (counts) {
            expect_near(result.y, rows(whole.y), "y");
            expect_near(result.dx, rows(whole.dx), "dx");
          } else {
            for (const float value : result.dx.values()) EXPECT_EQ(value, 0);
          }
          expect_near(result.dgamma, whole.dgamma, "dgamma");
          expect_near(result.dbeta, whole.dbeta, "dbeta");
          expect_near(result.mean, whole.mean, "running mean");
          expect_near(result.variance, whole.variance, "running variance");
        }
    });
}

TrainingConfig on_gpu(GraphChoice graph) {
  TrainingConfig config = tiny_config();
  config.device = DeviceChoice::kCuda;
  config.graph = graph;
  config.epochs = 2;
  return config;
}

// What a run leaves in its folder, beside its model.
void write_losses(const Trainer& trainer, const fs::path& folder) {
  std::ofstream file(folder / "losses");
  for (const EpochResult& result : trainer.log())
    file << fmt::format("{} {} {}\n", result.train_loss, result.val_loss, result.val_macro_auc);
}

void train(const TrainingConfig& config, const fs::path& folder, ProcessGroup& group, GpuGroup* gpus,
           std::int64_t stop_after = -1) {
  Trainer trainer(config, tiny_set(), folder, group, gpus);
  trainer.resume();
  std::int64_t steps = 0;
  const bool finished = trainer.run({.on_step = [&](const StepProgress&) { ++steps; },
                                     .stop = [&] { return stop_after >= 0 && steps >= stop_after; }});
  EXPECT_EQ(finished, stop_after < 0);
  if (group.is_first() && finished) write_losses(trainer, folder);
}

void train_alone(const TrainingConfig& config, const fs::path& folder) {
  fs::create_directories(folder);
  in_processes(1, [&](ProcessGroup& group) {
    set_thread_count(1);
    train(config, folder, group, nullptr);
  });
}

void train_together(int ranks, const TrainingConfig& config, const fs::path& folder, std::int64_t stop_after = -1) {
  fs::create_directories(folder);
  with_gpus(ranks, [&](ProcessGroup& group, GpuGroup& gpus) { train(config, folder, group, &gpus, stop_after); });
}

std::vector<double> losses_in(const fs::path& folder) {
  std::ifstream file(folder / "losses");
  std::vector<double> values;
  for (double value = 0; file >> value;) values.push_back(value);
  return values;
}

void expect_losses(const fs::path& folder, const fs::path& expected, double tolerance) {
  const std::vector<double> found = losses_in(folder), right = losses_in(expected);
  ASSERT_EQ(right.size(), 6U);
  ASSERT_EQ(found.size(), right.size());
  for (std::size_t i = 0; i < right.size(); ++i)
    EXPECT_TRUE(std::abs(found[i] - right[i]) <= tolerance) << found[i] << ", one process has " << right[i];
}

class CudaGroupTraining : public CudaGroup, public ::testing::WithParamInterface<GraphChoice> {
 protected:
  TemporaryFolder folder_;
  fs::path in(const char* name) const { return folder_.path() / name; }
};

TEST_P(CudaGroupTraining, HasTheLossesOfOneProcessAndTheSameBitsInEveryRun) {
  const TrainingConfig config = on_gpu(GetParam());
  train_alone(config, in("one"));
  for (const char* name : {"two", "again"}) train_together(2, config, in(name));
  expect_losses(in("two"), in("one"), 1e-5);
  EXPECT_TRUE(read_file(in("two") / "last.safetensors") == read_file(in("again") / "last.safetensors"));
  train_together(3, config, in("three"));
  expect_losses(in("three"), in("one"), 1e-5);
}

TEST_P(CudaGroupTraining, GoesOnAfterAStopToTheSameBytes) {
  const TrainingConfig config = on_gpu(GetParam());
  train_together(2, config, in("whole"));
  train_together(2, config, in("stopped"), /*stop_after=*/2);
  train_together(2, config, in("stopped"));
  EXPECT_TRUE(read_file(in("whole") / "last.safetensors") == read_file(in("stopped") / "last.safetensors"));
}

// A record's mixed part may come from the share of another rank.
TEST_P(CudaGroupTraining, AlteredPartsHaveTheLossesOfOneProcess) {
  TrainingConfig config = on_gpu(GetParam());
  config.crop = 32;
  config.weight_average = 0.8;
  config.cycle_momentum = true;
  config.schedule = Schedule::kOneCycle;
  config.augmentation = {
      .mixup = 0.4, .lead_dropout = 0.1, .amplitude_sd = 0.1, .time_mask = 0.2, .label_smoothing = 0.05};
  train_alone(config, in("one"));
  train_together(2, config, in("two"));
  expect_losses(in("two"), in("one"), 1e-5);
}

// One GPU may hold all signals and another not.
TEST_F(CudaGroup, ARankWithGraphsTrainsWithOneWithout) {
  for (const std::int64_t crop : {0, 32}) {
    const auto config = [&](GraphChoice graph) {
      TrainingConfig config = on_gpu(graph);
      config.crop = crop;
      config.batch_size = 6;
      return config;
    };
    const TemporaryFolder folder;
    const fs::path plain = folder.path() / "plain";
    train_together(2, config(GraphChoice::kOff), plain);
    EXPECT_EQ(losses_in(plain).size(), 6U);
    for (const int with_graphs : {0, 1}) {
      const fs::path mixed = folder.path() / fmt::format("mixed{}", with_graphs);
      fs::create_directories(mixed);
      with_gpus(2, [&](ProcessGroup& group, GpuGroup& gpus) {
        train(config(group.rank() == with_graphs ? GraphChoice::kAuto : GraphChoice::kOff), mixed, group, &gpus);
      });
      EXPECT_EQ(losses_in(plain), losses_in(mixed)) << crop << ", rank " << with_graphs;
    }
  }
}

TEST_F(CudaGroup, LocalBatchNormIsAnotherModel) {
  const TemporaryFolder folder;
  TrainingConfig config = on_gpu(GraphChoice::kAuto);
  config.epochs = 1;
  for (const BatchNorm kind : {BatchNorm::kLocal, BatchNorm::kSynchronized}) {
    config.batch_norm = kind;
    train_together(2, config, folder.path() / std::string(word_of(kind)));
  }
  const std::vector<double> local = losses_in(folder.path() / "local");
  ASSERT_EQ(local.size(), 3U);
  EXPECT_GT(std::abs(local[0] - losses_in(folder.path() / "synchronized")[0]), 1e-4);
}

// The weights of one process alone.
TEST_P(CudaGroupTraining, WhatIsNotFiniteIsNamedWithItsRank) {
  with_gpus(2, [&](ProcessGroup& group, GpuGroup& gpus) {
    const TemporaryFolder folder;
    Trainer trainer(on_gpu(GetParam()), tiny_set(), folder.path(), group, &gpus);
    Tensor& first = *trainer.net().parameters()[0].tensor;
    const float not_a_number = std::numeric_limits<float>::quiet_NaN();
    if (group.rank() == 1) upload(reinterpret_cast<std::byte*>(first.address()), &not_a_number, sizeof not_a_number);
    expect_error([&] { trainer.run({}); }, {"training stopped: the loss of step 1 is nan", "rank 1: the parameter"});
  });
}

TEST_F(CudaGroup, RefusesWhatIsForOneProcess) {
  with_gpus(2, [](ProcessGroup& group, GpuGroup& gpus) {
    const TemporaryFolder folder;
    TrainingConfig config = on_gpu(GraphChoice::kAuto);
    const auto make = [&](GpuGroup* given) { const Trainer trainer(config, tiny_set(), folder.path(), group, given); };
    expect_error([&] { make(nullptr); }, {"2 processes on the GPU without a group of their GPUs"});
    config.auto_batch_size = true;
    expect_error([&] { make(&gpus); }, {"--batch-size auto on 2 processes"});
    config.auto_batch_size = false;
    config.device = DeviceChoice::kCheck;
    expect_error([&] { make(&gpus); }, {"--device check on 2 processes"});
  });
}

INSTANTIATE_TEST_SUITE_P(Steps, CudaGroupTraining, ::testing::Values(GraphChoice::kOff, GraphChoice::kAuto),
                         [](const auto& tested) { return tested.param == GraphChoice::kOff ? "Eager" : "Graph"; });

}  // namespace
}  // namespace cardiograd::model
