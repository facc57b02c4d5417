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

// Three epochs, the run interrupted in the second and resumed, with another learning rate if asked for.
Result resumed(GraphChoice first, GraphChoice second, double lr) {
  const TemporaryFolder folder;
  TrainingConfig config = tiny_config();
  config.epochs = 3;
  config.schedule = Schedule::kOneCycle;
  int asked = 0;
  Trainer(on_cuda(first, config), tiny_set(), folder.path()).run({.stop = [&] {
    return ++asked == 7 + 1 + 4;
  }});  // 7 steps, a batch of the validation, 4 steps
  config.lr = lr;
  Trainer trainer(on_cuda(second, config), tiny_set(), folder.path());
  EXPECT_TRUE(trainer.resume(/*allow_changes=*/true));
  EXPECT_EQ(trainer.epochs_done(), 1);
  return result_of(trainer, folder);
}

TEST_F(CudaGraphSteps, ResumeToTheSameBits) {
  const GraphChoice on = GraphChoice::kOn;
  const GraphChoice off = GraphChoice::kOff;
  TrainingConfig config = tiny_config();
  config.epochs = 3;
  config.schedule = Schedule::kOneCycle;
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

TEST_F(CudaGraphSteps, TheCpuHasNone) {
  TrainingConfig config = on_cuda(GraphChoice::kOn);
  config.device = DeviceChoice::kCpu;
  const TemporaryFolder folder;
  EXPECT_THROW(Trainer(config, tiny_set(), folder.path()), UsageError);
}

// A model with its optimizer and data, for steps without a trainer.
struct Parts {
  Parts()
      : loader(take_arrays(set, scaling), identity_scaling(set.leads), Device::kCuda), weight(Tensor::full({3}, 1)) {
    weight = weight.to(Device::kCuda);
    HcCnnTnConfig config = tiny_config().model.as<HcCnnTnConfig>();
    config.classes = 3;
    config.features = scaling.width();
    config.leads = set.leads;
    config.samples = set.samples;
    net = std::make_unique<HcCnnTn>(config, 3);
    net->to(Device::kCuda);
    optimizer = std::make_unique<optim::Adam>(net->parameters());
    steps = std::make_unique<GraphSteps>(GraphSteps::Parts{.net = *net,
                                                           .optimizer = *optimizer,
                                                           .loader = loader,
                                                           .pos_weight = weight,
                                                           .clip_norm = 1,
                                                           .dropout_key = kKey});
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

// What changes from step to step must not come from the host while a step is recorded.
TEST_F(CudaGraphSteps, RefuseADropoutStepFromTheHost) {
  Parts parts;
  parts.steps->begin_epoch(parts.rows, 0, {1e-3, 1e-3});
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

// A dry run plans the memory of the step that is recorded later.
TEST_F(CudaGraphSteps, ADryRunPlansTheirMemory) {
  Parts parts;
  parts.steps->begin_epoch(parts.rows, 0, {1e-3});
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
    parts.steps->begin_epoch(parts.rows, 0, {1e-3, 2e-3, 3e-3});
    for (int step = 0; step < 3; ++step) parts.steps->train_step(count);
    parts.steps->score_batches(parts.rows, static_cast<std::int64_t>(count), {});
    for (const bool training : {true, false}) {
      const CapturedWork* work = parts.steps->work(training, count);
      ASSERT_TRUE(work != nullptr && work->graph() != nullptr);
      parts.steps->begin_epoch({9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 11, 12, 13, 14}, 3, {5e-3});
      parts.net->set_training(training);
      const cuda::Graph again = work->record();
      EXPECT_EQ(simt::graph_differences(work->graph()->handle(), again.handle()), std::vector<std::string>())
          << training;
    }
  }
}

TEST_F(CudaGraphSteps, AStepIsOneLaunchOfAGraphAndNothingElse) {
  TrainingConfig config = on_cuda(GraphChoice::kOn);
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
  constexpr std::size_t kPerEpoch = 7 + 1;
  ASSERT_EQ(after.size(), 4 * kPerEpoch);
  for (std::size_t epoch = 1; epoch < 4; ++epoch)
    for (std::size_t step = 1; step < 7; ++step) {
      const simt::StreamWork& now = after[epoch * kPerEpoch + step];
      const simt::StreamWork& before = after[epoch * kPerEpoch + step - 1];
      EXPECT_EQ(now.graph_launches - before.graph_launches, 1);
      EXPECT_EQ(now.launches, before.launches);
      EXPECT_EQ(now.products, before.products);
      EXPECT_EQ(now.clears, before.clears);
      EXPECT_EQ(now.copies, before.copies);
      EXPECT_EQ(now.allocations, before.allocations);
      EXPECT_EQ(now.waits, before.waits);
    }
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
      parts.steps->begin_epoch(rows, 0, std::vector<double>(40, 1e-3));
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
