// Training by graphs that are recorded once and replayed: the same bits as kernel by kernel, and nothing from the host.
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/file.h"
#include "base/threads.h"
#include "kernels/common/device_values_cuda.h"
#include "model/graph_steps.h"
#include "model/preprocessing.h"
#include "model/step_memory.h"
#include "model/trainer.h"
#include "tests/common/temporary_folder.h"
#include "tests/model/tiny_set.h"

#if defined(CARDIOGRAD_SIMT)
#include "simt/runtime.h"
#endif

namespace cardiograd::model {
namespace {

using cardiograd::testing::TemporaryFolder;
using testing::tiny_config;
using testing::tiny_set;

class CudaGraphSteps : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!cuda_available()) GTEST_SKIP() << cuda::problem()->message;
    set_thread_count(1);
  }
  void TearDown() override { set_thread_count(0); }
};

TrainingConfig on_cuda(GraphChoice graph, TrainingConfig config = tiny_config()) {
  config.device = DeviceChoice::kCuda;
  config.graph = graph;
  return config;
}

struct Result {
  std::vector<double> losses;  // mean over the epoch so far, after each step
  std::vector<double> validation;
  std::string last;
};

Result result_of(Trainer& trainer, const TemporaryFolder& folder) {
  Result result;
  trainer.run({.on_step = [&](const StepProgress& step) { result.losses.push_back(step.loss); }});
  for (const EpochResult& epoch : trainer.log()) {
    result.validation.push_back(epoch.val_loss);
    result.validation.push_back(epoch.val_macro_auc);
  }
  result.last = read_file(folder / "last.safetensors");
  return result;
}

Result train(const TrainingConfig& config) {
  const TemporaryFolder folder;
  Trainer trainer(config, tiny_set(), folder.path());
  return result_of(trainer, folder);
}

void expect_equal(const Result& a, const Result& b, const std::string& what) {
  EXPECT_EQ(a.losses, b.losses) << what;
  EXPECT_EQ(a.validation, b.validation) << what;
  EXPECT_TRUE(a.last == b.last) << what;
}

// Over epochs, with clipping, dropout, a last batch of fewer records in training and in validation, and each schedule.
TEST_F(CudaGraphSteps, EqualKernelByKernelBitForBit) {
  for (const Schedule schedule : {Schedule::kOneCycle, Schedule::kCosine}) {
    TrainingConfig config = tiny_config();
    config.epochs = 3;
    config.schedule = schedule;
    config.drop_last = false;
    config.batch_size = 6;
    config.clip_norm = 0.2;
    config.optimizer = Optimizer::kAdamw;
    config.weight_decay = 0.01;
    const Result graphs = train(on_cuda(GraphChoice::kOn, config));
    ASSERT_EQ(graphs.losses.size(), 3 * 11U);
    expect_equal(graphs, train(on_cuda(GraphChoice::kOff, config)), word_of(schedule).data());
  }
}

// Parts of records, altered in all ways, and a momentum that cycles; the validation is of windows.
TEST_F(CudaGraphSteps, EqualKernelByKernelOnAlteredParts) {
  TrainingConfig config = tiny_config();
  config.epochs = 3;
  config.schedule = Schedule::kOneCycle;
  config.cycle_momentum = true;
  config.drop_last = false;
  config.batch_size = 6;
  config.clip_norm = 1;
  config.crop = 32;
  config.aggregate = Aggregate::kMean;
  config.weight_average = 0.9;
  config.augmentation = {
      .mixup = 0.4, .lead_dropout = 0.1, .amplitude_sd = 0.1, .time_mask = 0.2, .label_smoothing = 0.05};
  const Result graphs = train(on_cuda(GraphChoice::kOn, config));
  ASSERT_EQ(graphs.losses.size(), 3 * 11U);
  expect_equal(graphs, train(on_cuda(GraphChoice::kOff, config)), "altered parts");
  // Whole records, altered: the validation is of records.
  config.crop = 0;
  config.cycle_momentum = false;
  expect_equal(train(on_cuda(GraphChoice::kOn, config)), train(on_cuda(GraphChoice::kOff, config)), "altered records");
  config.augmentation = {};
  config.crop = 32;
  expect_equal(train(on_cuda(GraphChoice::kOn, config)), train(on_cuda(GraphChoice::kOff, config)), "parts");
}

TEST_F(CudaGraphSteps, AreTheDefaultWhereTheSignalsAreResident) {
  const TemporaryFolder folder;
  EXPECT_NE(Trainer(on_cuda(GraphChoice::kAuto), tiny_set(), folder.path()).graph_steps(), nullptr);
  EXPECT_EQ(Trainer(on_cuda(GraphChoice::kOff), tiny_set(), folder.path()).graph_steps(), nullptr);
  TrainingConfig config = on_cuda(GraphChoice::kAuto);
  config.device = DeviceChoice::kCpu;
  EXPECT_EQ(Trainer(config, tiny_set(), folder.path()).graph_steps(), nullptr);
}

// Without features there is no table of them.
TEST_F(CudaGraphSteps, EqualKernelByKernelWithoutFeatures) {
  TrainingConfig config = tiny_config();
  config.epochs = 2;
  config.data.features = FeatureSet::kNone;
  expect_equal(train(on_cuda(GraphChoice::kOn, config)), train(on_cuda(GraphChoice::kOff, config)), "no features");
}

struct Interrupted : std::runtime_error {
  Interrupted() : std::runtime_error("interrupted") {}
};

TrainingConfig three_epochs(bool altered) {
  TrainingConfig config = tiny_config();
  config.epochs = 3;
  config.schedule = Schedule::kOneCycle;
  if (altered) {
    config.crop = 32;
    config.cycle_momentum = true;
    config.augmentation = {.mixup = 0.4, .lead_dropout = 0.1};
    config.weight_average = 0.9;
  }
  return config;
}

// Three epochs, the run interrupted in the second and resumed, with another learning rate if asked for.
Result resumed(GraphChoice first, GraphChoice second, double lr, bool altered = false) {
  const TemporaryFolder folder;
  TrainingConfig config = three_epochs(altered);
  int asked = 0;
  Trainer(on_cuda(first, config), tiny_set(), folder.path()).run({.stop = [&] {
    return ++asked == 7 + 1 + 4;
  }});  // 7 steps, a batch of the validation (three of altered parts), 4 steps (two)
  config.lr = lr;
  Trainer trainer(on_cuda(second, config), tiny_set(), folder.path());
  EXPECT_TRUE(trainer.resume(/*allow_changes=*/true));
  EXPECT_EQ(trainer.epochs_done(), 1);
  return result_of(trainer, folder);
}

TEST_F(CudaGraphSteps, ResumeToTheSameBits) {
  const GraphChoice on = GraphChoice::kOn;
  const GraphChoice off = GraphChoice::kOff;
  const TrainingConfig config = three_epochs(false);
  const std::string whole = train(on_cuda(off, config)).last;
  for (const double lr : {config.lr, 0.3 * config.lr}) {
    const Result plain = resumed(off, off, lr);
    EXPECT_EQ(plain.last == whole, lr == config.lr);
    expect_equal(resumed(on, on, lr), plain, fmt::format("lr {}", lr));
    if (lr != config.lr) continue;
    expect_equal(resumed(off, on, lr), plain, fmt::format("begun without graphs, lr {}", lr));
    expect_equal(resumed(on, off, lr), plain, fmt::format("ended without graphs, lr {}", lr));
  }
}

TEST_F(CudaGraphSteps, ResumeOnAlteredPartsToTheSameBits) {
  const GraphChoice on = GraphChoice::kOn;
  const GraphChoice off = GraphChoice::kOff;
  const TrainingConfig config = three_epochs(true);
  const std::string whole = train(on_cuda(off, config)).last;
  for (const GraphChoice first : {on, off})
    for (const GraphChoice second : {on, off})
      EXPECT_TRUE(resumed(first, second, config.lr, true).last == whole)
          << word_of(first) << " then " << word_of(second);
}

TEST_F(CudaGraphSteps, TheCpuHasNone) {
  TrainingConfig config = on_cuda(GraphChoice::kOn);
  config.device = DeviceChoice::kCpu;
  const TemporaryFolder folder;
  EXPECT_THROW(Trainer(config, tiny_set(), folder.path()), UsageError);
}

// A model with its optimizer and data, for steps without a trainer.
struct Parts {
  explicit Parts(std::int64_t crop = 0)
      : loader(take_arrays(set, scaling, {.samples = crop}), identity_scaling(set.leads), Device::kCuda),
        weight(Tensor::full({3}, 1)) {
    weight = weight.to(Device::kCuda);
    HcCnnTnConfig config = tiny_config().model.as<HcCnnTnConfig>();
    config.classes = 3;
    config.features = scaling.width();
    config.leads = set.leads;
    config.samples = loader.part_samples();
    net = std::make_unique<HcCnnTn>(config, 3);
    net->to(Device::kCuda);
    optimizer = std::make_unique<optim::Adam>(net->parameters());
    steps = std::make_unique<GraphSteps>(GraphSteps::Parts{.net = *net,
                                                           .optimizer = *optimizer,
                                                           .loader = loader,
                                                           .pos_weight = weight,
                                                           .clip_norm = 1,
                                                           .dropout_key = kKey,
                                                           .planned = crop > 0,
                                                           .label_smoothing = 0.1});
    for (std::int64_t i = 0; i < set.records; ++i) rows.push_back(i);
  }

  static constexpr std::uint64_t kKey = 77;
  data::Dataset set = tiny_set();
  FeatureScaling scaling = fit_feature_scaling(set, {0, 1, 2, 3, 4, 5, 6, 7}, false);
  DataLoader loader;
  Tensor weight;
  std::unique_ptr<HcCnnTn> net;
  std::unique_ptr<optim::Adam> optimizer;
  std::unique_ptr<GraphSteps> steps;
  std::vector<std::int64_t> rows;
};

std::vector<kernels::StepRates> rates(const std::vector<double>& learning_rates) {
  std::vector<kernels::StepRates> rates;
  for (const double lr : learning_rates) rates.push_back({.lr = lr});
  return rates;
}

// What changes from step to step must not come from the host while a step is recorded.
TEST_F(CudaGraphSteps, RefuseADropoutStepFromTheHost) {
  Parts parts;
  parts.steps->begin_epoch(parts.rows, 0, rates({1e-3, 1e-3}));
  parts.net->set_dropout_step(Parts::kKey, 4);
  parts.steps->train_step(8);
  try {
    parts.steps->train_step(8);
    ADD_FAILURE() << "recorded";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("dropout whose step comes from the host"), std::string::npos);
  }
  EXPECT_FALSE(cuda::capturing());
}

TEST_F(CudaGraphSteps, RefuseAnUpload) {
  Tensor x = Tensor::zeros({4}, DType::kFloat32, Device::kCuda);
  const Tensor host = Tensor::full({4}, 1);
  EXPECT_THROW(cuda::Graph([&] { x.assign(host); }), Error);
  EXPECT_THROW(cuda::Graph([&] { (void)x.values(); }), Error) << "which waits";
  EXPECT_EQ(x.values(), std::vector<float>(4)) << "and the stream works as before";
}

// --batch-size auto subtracts what a dry run does not plan.
TEST_F(CudaGraphSteps, WhatCropsTakeBesideThePlanIsKnown) {
  const Parts whole, crops(16);
  EXPECT_EQ(bytes_beside_plan(whole.loader, false), 0U);
  constexpr std::size_t kWindows = 7, kRow = 7 + 4 + 3;  // words: of a plan, gains, logits
  EXPECT_EQ(crop_windows({.samples = 16}, 64).size(), kWindows);
  EXPECT_EQ(bytes_beside_plan(crops.loader, true), 80 * (64 - 16) * 4 * 2 + 80 * kWindows * 4 * kRow);
}

// A dry run plans the memory of the step that is recorded later.
TEST_F(CudaGraphSteps, ADryRunPlansTheirMemory) {
  Parts parts;
  parts.steps->begin_epoch(parts.rows, 0, rates({1e-3}));
  parts.steps->train_step(8);
  const MemoryPlan& plan = parts.steps->work(true, 8)->plan();
  const HcCnnTnConfig config = parts.net->config();
  const StepMemory dry = plan_training_step([&] { return std::make_unique<HcCnnTn>(config, 1); }, parts.set.records, 8,
                                            /*clip=*/true);
  ASSERT_EQ(dry.step.tensors.size(), plan.tensors.size());
  for (std::size_t i = 0; i < plan.tensors.size(); ++i)
    EXPECT_EQ(dry.step.tensors[i].bytes, plan.tensors[i].bytes) << i << " " << dry.step.tensors[i].made_by;
  EXPECT_EQ(dry.step.bytes, plan.bytes);
  parts.steps->train_step(8);
  EXPECT_EQ(parts.steps->block_bytes(), plan.bytes);
}

#if defined(CARDIOGRAD_SIMT)

// The planted fault: a kernel whose argument is the host's value of today.
TEST_F(CudaGraphSteps, AnArgumentFrozenAtRecordingIsFound) {
  Tensor x = Tensor::zeros({4}, DType::kFloat32, Device::kCuda);
  float value = 0;
  WorkBlocks blocks;
  CapturedWork frozen([&] { kernels::fill_cuda(4, ++value, x.address(), cuda::stream()); }, blocks);
  std::vector<float> seen;
  for (int step = 0; step < 4; ++step) {
    frozen.run();
    seen.push_back(x.values()[0]);
  }
  EXPECT_EQ(seen, std::vector<float>({1, 2, 2, 2})) << "replays keep it";
  const cuda::Graph again = frozen.record();
  const auto differences = simt::graph_differences(frozen.graph()->handle(), again.handle());
  ASSERT_EQ(differences.size(), 1U);
  EXPECT_NE(differences[0].find("FillMap"), std::string::npos) << differences[0];
}

// The whole step, recorded at another place of another epoch with other learning rates, has the same arguments.
TEST_F(CudaGraphSteps, NoArgumentOfAStepIsFrozen) {
  Parts parts;
  for (const std::size_t count : {8, 5}) {
    parts.steps->begin_epoch(parts.rows, 0, rates({1e-3, 2e-3, 3e-3}));
    for (int step = 0; step < 3; ++step) parts.steps->train_step(count);
    parts.steps->score_batches(parts.rows, static_cast<std::int64_t>(count), 0, 100, {});
    for (const bool training : {true, false}) {
      const CapturedWork* work = parts.steps->work(training, count);
      ASSERT_TRUE(work != nullptr && work->graph() != nullptr);
      parts.steps->begin_epoch({9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 11, 12, 13, 14}, 3, rates({5e-3}));
      parts.net->set_training(training);
      const cuda::Graph again = work->record();
      EXPECT_EQ(simt::graph_differences(work->graph()->handle(), again.handle()), std::vector<std::string>())
          << training;
    }
  }
}

// Of a whole training: every step is one launch.
void expect_one_launch_per_step(TrainingConfig config, std::size_t validation_batches) {
  config = on_cuda(GraphChoice::kOn, config);
  config.epochs = 4;
  config.clip_norm = 1;
  config.schedule = Schedule::kOneCycle;
  const TemporaryFolder folder;
  Trainer trainer(config, tiny_set(), folder.path());
  std::vector<simt::StreamWork> after;  // each step, and before the batch of the validation
  trainer.run({.stop = [&] {
    after.push_back(simt::stream_work());
    return false;
  }});
  const std::size_t per_epoch = 7 + validation_batches;
  ASSERT_EQ(after.size(), 4 * per_epoch);
  for (std::size_t epoch = 1; epoch < 4; ++epoch)
    for (std::size_t step = 1; step < 7; ++step) {
      const simt::StreamWork& now = after[epoch * per_epoch + step];
      const simt::StreamWork& before = after[epoch * per_epoch + step - 1];
      EXPECT_EQ(now.graph_launches - before.graph_launches, 1);
      EXPECT_EQ(now.launches, before.launches);
      EXPECT_EQ(now.products, before.products);
      EXPECT_EQ(now.clears, before.clears);
      EXPECT_EQ(now.copies, before.copies);
      EXPECT_EQ(now.allocations, before.allocations);
      EXPECT_EQ(now.waits, before.waits);
    }
}

TEST_F(CudaGraphSteps, NoArgumentOfAStepOnAlteredPartsIsFrozen) {
  Parts parts(32);
  const auto plan_of = [&](std::int64_t epoch, std::size_t from) {
    std::vector<Place> places;
    for (std::size_t i = from; i < parts.rows.size(); ++i)
      places.push_back({.record = parts.rows[i], .start = 3 * epoch, .next = parts.rows[i - from], .next_start = 5});
    return plan_batches({.mixup = 0.4, .lead_dropout = 0.2, .time_mask = 0.2}, 3, epoch, 32, parts.set.leads, places);
  };
  parts.steps->begin_epoch(plan_of(0, 0), {{1e-3, 0.95}, {2e-3, 0.9}, {3e-3, 0.85}});
  for (int step = 0; step < 3; ++step) parts.steps->train_step(8);
  parts.steps->score_batches(parts.rows, 8, 0, 100, {});
  for (const bool training : {true, false}) {
    const CapturedWork* work = parts.steps->work(training, 8);
    ASSERT_TRUE(work != nullptr && work->graph() != nullptr);
    parts.steps->begin_epoch(plan_of(1, 9), {{5e-3, 0.8}});
    parts.net->set_training(training);
    const cuda::Graph again = work->record();
    EXPECT_EQ(simt::graph_differences(work->graph()->handle(), again.handle()), std::vector<std::string>()) << training;
  }
}

TEST_F(CudaGraphSteps, AStepIsOneLaunchOfAGraphAndNothingElse) {
  expect_one_launch_per_step(tiny_config(), 1);
}

TEST_F(CudaGraphSteps, AStepOnAlteredPartsIsOneLaunchToo) {
  TrainingConfig config = tiny_config();
  config.crop = 32;
  config.cycle_momentum = true;
  config.augmentation = {
      .mixup = 0.4, .lead_dropout = 0.1, .amplitude_sd = 0.1, .time_mask = 0.2, .label_smoothing = 0.05};
  expect_one_launch_per_step(config, 3);
}

// Losses come some at a time: one copy for LossRing::kSize steps, and a wait only for those before.
TEST_F(CudaGraphSteps, LossesAreReadSomeAtATime) {
  Parts parts;
  const int steps = 3 * LossRing::kSize + 5;
  std::vector<std::int64_t> rows;
  for (int i = 0; i < 2 * steps; ++i) rows.push_back(i % parts.set.records);
  rows.resize(static_cast<std::size_t>(parts.set.records));
  std::vector<float> losses;
  std::int64_t copies = 0;
  std::int64_t waits = 0;
  for (int step = 0; step < steps; ++step) {
    if (step % 40 == 0) {
      const auto rest = parts.steps->losses(true);
      losses.insert(losses.end(), rest.begin(), rest.end());
      parts.steps->begin_epoch(rows, 0, rates(std::vector<double>(40, 1e-3)));
    }
    const simt::StreamWork before = simt::stream_work();
    parts.steps->train_step(2);
    const simt::StreamWork now = simt::stream_work();
    if (step > 1) copies += now.copies - before.copies;
    if (step > 1) waits += now.waits - before.waits;
    const auto some = parts.steps->losses(false);
    losses.insert(losses.end(), some.begin(), some.end());
  }
  const auto rest = parts.steps->losses(true);
  losses.insert(losses.end(), rest.begin(), rest.end());
  EXPECT_EQ(losses.size(), static_cast<std::size_t>(steps));
  for (const float loss : losses) EXPECT_TRUE(loss > 0 && loss < 10) << loss;
  EXPECT_EQ(copies, 2);
  EXPECT_EQ(waits, 0);
}

#endif

}  // namespace
}  // namespace cardiograd::model
