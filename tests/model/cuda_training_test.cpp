// Training and evaluation on the GPU against the CPU.
#include <cmath>
#include <map>
#include <set>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/file.h"
#include "base/philox.h"
#include "base/threads.h"
#include "engine/cuda.h"
#include "engine/io/safetensors.h"
#include "engine/memory.h"
#include "model/lstm.h"
#include "model/preprocessing.h"
#include "model/trainer.h"
#include "tests/common/temporary_folder.h"
#include "tests/model/mapped_set.h"
#include "tests/model/tiny_set.h"

namespace cardiograd::model {
namespace {

using cardiograd::testing::TemporaryFolder;
using testing::tiny_config;
using testing::tiny_set;

class CudaTraining : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!cuda_available()) GTEST_SKIP() << cuda::problem()->message;
    set_thread_count(1);
  }
  void TearDown() override { set_thread_count(0); }
};

TrainingConfig on(const char* device, TrainingConfig config = tiny_config()) {
  config.device = parse_word<DeviceChoice>("device", device);
  return config;
}

struct Result {
  std::vector<double> losses;  // mean over the epoch so far, after each step
  std::vector<EpochResult> log;
  std::string last;
};

Result train(const TrainingConfig& config, data::Dataset set = tiny_set()) {
  const TemporaryFolder folder;
  Result result;
  Trainer trainer(config, std::move(set), folder.path());
  trainer.run({.on_step = [&](const StepProgress& step) { result.losses.push_back(step.loss); }, .on_epoch = {}});
  result.log = trainer.log();
  result.last = read_file(folder / "last.safetensors");
  return result;
}

std::string failure_of(const TrainingConfig& config, data::Dataset set = tiny_set()) {
  try {
    train(config, std::move(set));
  } catch (const Error& error) {
    return std::string(error.what()) + " | " + error.hint();
  }
  return "no error";
}

void expect_same_losses(const Result& cuda, const Result& cpu, double tolerance) {
  ASSERT_EQ(cuda.losses.size(), cpu.losses.size());
  for (std::size_t i = 0; i < cpu.losses.size(); ++i)
    EXPECT_TRUE(std::abs(cuda.losses[i] - cpu.losses[i]) <= tolerance)
        << "step " << i << ": " << cuda.losses[i] << ", on the CPU " << cpu.losses[i];
  ASSERT_EQ(cuda.log.size(), cpu.log.size());
  for (std::size_t i = 0; i < cpu.log.size(); ++i)
    EXPECT_TRUE(std::abs(cuda.log[i].val_loss - cpu.log[i].val_loss) <= tolerance)
        << cuda.log[i].val_loss << ", on the CPU " << cpu.log[i].val_loss;
}

// 8 records of 250 samples and 12 leads to train on, and two of each other fold.
data::Dataset small_records() {
  data::Dataset set = tiny_set();
  set.records = 12;
  set.samples = 250;
  set.leads = 12;
  set.lead_names = {"I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"};
  const auto records = static_cast<std::size_t>(set.records);
  set.folds = {1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 10, 10};
  set.ecg_ids.resize(records);
  set.ages.resize(std::min(set.ages.size(), records));
  set.sexes.resize(std::min(set.sexes.size(), records));
  set.labels.resize(records * 3);
  set.features.resize(records * 3);
  set.scales.assign(records * 12, 0.002F);
  set.signals.clear();
  PhiloxStream random(8);
  for (std::size_t i = 0; i < records * 250 * 12; ++i)
    set.signals.push_back(static_cast<std::int16_t>(300 * random.normal()));
  return set;
}

// The model in its full width: three steps.
TEST_F(CudaTraining, ThreeStepsOnEightRecordsEqualTheCpu) {
  TrainingConfig config;
  config.epochs = 3;
  config.batch_size = 8;
  config.seed = 3;
  const Result cpu = train(on("cpu", config), small_records());
  const Result cuda = train(on("cuda", config), small_records());
  EXPECT_EQ(cuda.losses.size(), 3U);
  expect_same_losses(cuda, cpu, 1e-5);
  for (std::size_t i = 0; i < cpu.losses.size(); ++i)
    RecordProperty(fmt::format("loss difference {}", i),
                   fmt::format("{:.2e}", std::abs(cuda.losses[i] - cpu.losses[i])));
}

TEST_F(CudaTraining, EqualsTheCpuAndItself) {
  TrainingConfig config = tiny_config();
  config.epochs = 2;
  config.clip_norm = 0.1;
  config.optimizer = Optimizer::kAdamw;
  config.weight_decay = 0.01;
  const Result cpu = train(on("cpu", config));
  const Result cuda = train(on("cuda", config));
  expect_same_losses(cuda, cpu, 1e-4);
  const Result again = train(on("cuda", config));
  EXPECT_TRUE(cuda.last == again.last);
  EXPECT_EQ(cuda.losses, again.losses);
}

// A recurrent model on crops, with clipped gradients, as the recipe helme trains it.
TEST_F(CudaTraining, AnLstmEqualsTheCpuAndItself) {
  TrainingConfig config = tiny_config();
  LstmBidirConfig sizes;
  sizes.width = 6;
  sizes.head_width = 5;
  config.model = sizes;
  config.data.features = FeatureSet::kNone;
  config.epochs = 1;
  config.crop = 10;
  config.clip_norm = 0.25;
  data::Dataset set = tiny_set();
  set.features.clear();
  set.feature_names.clear();
  const Result cpu = train(on("cpu", config), set);
  const Result cuda = train(on("cuda", config), set);
  expect_same_losses(cuda, cpu, 1e-4);
  EXPECT_TRUE(cuda.last == train(on("cuda", config), set).last);
}

struct Interrupted : std::runtime_error {
  Interrupted() : std::runtime_error("interrupted") {}
};

// After an epoch, and within one.
TEST_F(CudaTraining, ResumesToTheSameBytes) {
  TrainingConfig config = on("cuda");
  config.epochs = 2;
  config.schedule = Schedule::kOneCycle;
  const Result whole = train(config);
  for (const bool within : {false, true}) {
    const TemporaryFolder folder;
    Trainer first(config, tiny_set(), folder.path());
    int steps = 0;
    EXPECT_THROW(first.run({.on_step =
                                [&](const StepProgress&) {
                                  if (within && ++steps == 9) throw Interrupted();
                                },
                            .on_epoch =
                                [&](const EpochResult&) {
                                  if (!within) throw Interrupted();
                                }}),
                 Interrupted);
    Trainer second(config, tiny_set(), folder.path());
    EXPECT_TRUE(second.resume());
    EXPECT_EQ(second.epochs_done(), 1);
    second.run({});
    EXPECT_TRUE(read_file(folder / "last.safetensors") == whole.last) << within;
  }
}

// A run begun on one device may go on on the other; a model judges the same on both.
TEST_F(CudaTraining, ModelsAndStatesGoFromOneDeviceToTheOther) {
  const std::vector<std::string> devices = {"cpu", "cuda"};
  std::vector<double> losses;
  for (const std::string& first : devices) {
    const TemporaryFolder folder;
    TrainingConfig config = on(first.c_str());
    config.epochs = 1;
    Trainer(config, tiny_set(), folder.path()).run({});
    config.epochs = 2;
    config.device = first == "cpu" ? DeviceChoice::kCuda : DeviceChoice::kCpu;
    Trainer second(config, tiny_set(), folder.path());
    ASSERT_TRUE(second.resume(/*allow_changes=*/true));
    second.run({});
    losses.push_back(second.log().back().train_loss);

    std::vector<std::vector<float>> scores;
    for (const Device device : {Device::kCpu, Device::kCuda}) {
      const TrainedModel model = load_model(folder / "last.safetensors");
      model.net->to(device);
      data::Dataset set = tiny_set();
      const DataLoader loader(take_arrays(set, model.description.feature_scaling), model.description.signal_scaling,
                              device);
      scores.push_back(score(*model.net, loader, rows_of_folds(set, {9, 10}), 5, {}).logits);
    }
    ASSERT_EQ(scores[0].size(), scores[1].size());
    for (std::size_t i = 0; i < scores[0].size(); ++i) EXPECT_NEAR(scores[0][i], scores[1][i], 1e-4);
  }
  EXPECT_NEAR(losses[0], losses[1], 1e-3);
}

// The host learns of it some steps later, and says what the CPU says.
TEST_F(CudaTraining, ANonFiniteLossIsReportedAsOnTheCpu) {
  TrainingConfig config = tiny_config();
  config.data.standardize = false;
  data::Dataset set = tiny_set();
  set.scales[1] = 1e38F;
  const std::string signals = failure_of(on("cpu", config), set);
  EXPECT_NE(signals.find("first: the batch of signals"), std::string::npos) << signals;
  EXPECT_EQ(failure_of(on("cuda", config), set), signals);
  config = tiny_config();
  config.model.as<HcCnnTnConfig>().channels = {8};
  config.model.as<HcCnnTnConfig>().kernels = {3};
  config.lr = 1e30;
  const std::string weights = failure_of(on("cpu", config));
  EXPECT_NE(weights.find("the loss of step 2 is "), std::string::npos) << weights;
  EXPECT_EQ(failure_of(on("cuda", config)), weights);
  config.batch_size = 64;
  config.data.features = FeatureSet::kNone;
  const std::string validation = failure_of(on("cpu", config));
  EXPECT_NE(validation.find("validation loss after step 1 is "), std::string::npos) << validation;
  EXPECT_EQ(failure_of(on("cuda", config)), validation);
}

// The first 30 records of the tiny set: two steps.
data::Dataset few_records() {
  data::Dataset set = tiny_set();
  set.records = 30;
  set.folds.resize(30);
  set.ecg_ids.resize(30);
  set.labels.resize(30 * 3);
  set.features.resize(30 * 3);
  set.scales.resize(30 * 4);
  set.signals.resize(static_cast<std::size_t>(30 * 4 * set.samples));
  return set;
}

// Weights of another model, of which some are frozen and the others learn slowly, beside new ones of class "new".
TEST_F(CudaTraining, FrozenAndSlowWeightsEqualThoseOfTheCpu) {
  const TemporaryFolder folder;
  TrainingConfig config = tiny_config();
  config.epochs = 1;
  Trainer(config, few_records(), folder.path()).run({});
  const std::map<std::string, Tensor> base = read_safetensors(folder / "last.safetensors").tensors;
  config.init = (folder / "last.safetensors").string();
  config.init_lr_factor = 0.1;
  data::Dataset set = few_records();
  set.class_names[1] = "new";
  for (const Freeze freeze : {Freeze::kConvolutions, Freeze::kEncoder}) {
    config.freeze = freeze;
    const Result cpu = train(on("cpu", config), set);
    const Result cuda = train(on("cuda", config), set);
    expect_same_losses(cuda, cpu, 1e-4);
    write_file(folder / "cpu.safetensors", cpu.last);
    write_file(folder / "cuda.safetensors", cuda.last);
    const std::map<std::string, Tensor> expected = read_safetensors(folder / "cpu.safetensors").tensors;
    const std::map<std::string, Tensor> found = read_safetensors(folder / "cuda.safetensors").tensors;
    std::size_t moved = 0;
    for (const auto& [name, tensor] : base) {
      const bool frozen = name.starts_with("cnn.") || (freeze == Freeze::kEncoder && name.starts_with("encoder."));
      const bool stays = found.at(name).values() == tensor.values();
      EXPECT_TRUE(stays || !frozen) << name;
      EXPECT_EQ(stays, expected.at(name).values() == tensor.values()) << name;
      moved += stays ? 0 : 1;
    }
    EXPECT_TRUE(moved > 4) << moved;
  }
}

TEST_F(CudaTraining, AStepAllocatesNothingAfterTheFirstEpoch) {
  TrainingConfig config = on("cuda");
  config.epochs = 3;
  config.clip_norm = 1;
  const TemporaryFolder folder;
  Trainer trainer(config, tiny_set(), folder.path());
  std::set<std::uint64_t> blocks;
  std::set<std::size_t> free_bytes;
  trainer.run({.on_step =
                   [&](const StepProgress& step) {
                     if (step.epoch == 1) return;
                     blocks.insert(cuda_allocator().statistics().system_allocations +
                                   pinned_allocator().statistics().system_allocations +
                                   cpu_allocator().statistics().system_allocations);
#if defined(CARDIOGRAD_SIMT)  // A real GPU may have other programs' memory, too.
                     free_bytes.insert(cuda::free_memory());
#endif
                   },
               .on_epoch = {}});
  EXPECT_EQ(blocks.size(), 1U);
#if defined(CARDIOGRAD_SIMT)
  EXPECT_EQ(free_bytes.size(), 1U) << "working memory of kernels counts too";
#endif
}

TEST_F(CudaTraining, SignalsThatDoNotFitAreSentWithEachBatch) {
  data::Dataset set = tiny_set();
  data::Dataset same = tiny_set();
  const SignalScaling scaling = fit_signal_scaling(set, {0, 1, 2});
  const DataLoader resident(take_arrays(set, {}), scaling, Device::kCuda);
  const DataLoader sent(take_arrays(same, {}), scaling, Device::kCuda, 0);
  const cardiograd::testing::TemporaryFolder folder;
  data::Dataset in_files = testing::mapped_set(tiny_set(), folder.path(), 50), in_files_too = in_files;
  const DataLoader mapped(take_arrays(in_files, {}), scaling, Device::kCuda);
  const DataLoader mapped_sent(take_arrays(in_files_too, {}), scaling, Device::kCuda, 0);
  EXPECT_TRUE(resident.resident());
  EXPECT_FALSE(sent.resident());
  EXPECT_TRUE(mapped.resident()) << "the GPU has room, whatever the host has";
  EXPECT_FALSE(mapped_sent.resident());
  const std::vector<std::int64_t> rows = {7, 2, 79, 2, 0};
  for (const std::size_t count : {5, 3}) {
    const Batch a = resident.batch(rows, 5 - count, count);
    const Batch b = sent.batch(rows, 5 - count, count);
    EXPECT_EQ(a.signals.device(), Device::kCuda);
    EXPECT_EQ(a.signals.values(), b.signals.values());
    EXPECT_EQ(a.labels.values(), b.labels.values());
    EXPECT_EQ(a.signals.values(), mapped.batch(rows, 5 - count, count).signals.values());
    EXPECT_EQ(a.signals.values(), mapped_sent.batch(rows, 5 - count, count).signals.values());
  }
}

// The message names a batch size, and that batch size fits.
TEST_F(CudaTraining, OutOfMemoryNamesABatchSizeThatFits) {
  CachingAllocator& memory = cuda_allocator();
  const std::size_t before = memory.limit();
  TrainingConfig config = on("cuda");
  config.batch_size = 60;
  config.epochs = 1;
  memory.reset_peak();
  EXPECT_EQ(failure_of(config), "no error");
  memory.release_cached();
  const std::size_t idle = memory.statistics().reserved;
  memory.set_limit(idle + (memory.statistics().peak_in_use - idle) * 6 / 10);
  const std::string message = failure_of(config);
  EXPECT_NE(message.find("out of memory: "), std::string::npos) << message;
  EXPECT_NE(message.find("in use on the " + cuda::gpu().name), std::string::npos) << message;
  EXPECT_NE(message.find("; training at batch size 60 | A --batch-size of "), std::string::npos) << message;
  const std::size_t number = message.find("of ", message.find("A --batch-size")) + 3;
  const int fitting = std::atoi(message.c_str() + number);
  ASSERT_TRUE(fitting >= 20 && fitting < 60) << message;
  config.batch_size = fitting;
  EXPECT_EQ(failure_of(config), "no error");
  config.batch_size = fitting + 1 + fitting / 3;
  EXPECT_NE(failure_of(config).find("out of memory"), std::string::npos) << "the advice is not too careful";
  memory.set_limit(idle + 60'000);
  EXPECT_NE(failure_of(config).find("out of memory"), std::string::npos);
  memory.set_limit(before);
}

}  // namespace
}  // namespace cardiograd::model
