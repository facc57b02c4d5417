#include "model/trainer.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <filesystem>
#include <set>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/file.h"
#include "base/threads.h"
#include "engine/io/safetensors.h"
#include "engine/optim/schedule.h"
#include "evaluation/metrics.h"
#include "model/data_loader.h"
#include "model/preprocessing.h"
#include "model/training_log.h"
#include "model/training_state.h"
#include "tests/common/temporary_folder.h"
#include "tests/data/helpers.h"
#include "tests/model/mapped_set.h"
#include "tests/model/tiny_set.h"

namespace cardiograd::model {
namespace {

namespace fs = std::filesystem;
using cardiograd::testing::TemporaryFolder;
using data::testing::expect_error;
using data::testing::LogCapture;
using testing::tiny_config;
using testing::tiny_set;

// The model is too small for several threads to pay.
class TrainerTest : public ::testing::Test {
 protected:
  void SetUp() override { set_thread_count(1); }
  void TearDown() override { set_thread_count(0); }
};

struct Interrupted : std::runtime_error {
  Interrupted() : std::runtime_error("interrupted") {}
};

struct Result {
  std::string last;
  std::string best;
  std::vector<EpochResult> log;
  ModelDescription description;
};

Result train(const TrainingConfig& config, data::Dataset set = tiny_set()) {
  const TemporaryFolder folder;
  Trainer trainer(config, std::move(set), folder.path());
  trainer.run({});
  return {read_file(folder / "last.safetensors"), read_file(folder / "best.safetensors"), trainer.log(),
          trainer.description()};
}

// The message of the Error that training must end with.
std::string failure_of(const TrainingConfig& config, data::Dataset set = tiny_set()) {
  try {
    train(config, std::move(set));
  } catch (const Error& error) {
    EXPECT_FALSE(error.hint().empty()) << error.what();
    return error.what();
  }
  return "";
}

TEST_F(TrainerTest, SignalsInFilesGiveTheSameBytes) {
  const TemporaryFolder folder;
  TrainingConfig plain = tiny_config(), altered = tiny_config();
  altered.augmentation.mixup = 0.4;
  altered.crop = 32;
  for (const TrainingConfig& config : {plain, altered}) {
    const Result in_memory = train(config);
    const Result in_files = train(config, testing::mapped_set(tiny_set(), folder.path(), 41));
    EXPECT_TRUE(in_files.last == in_memory.last);
    EXPECT_TRUE(in_files.best == in_memory.best);
    ASSERT_EQ(in_files.log.size(), in_memory.log.size());
    for (std::size_t i = 0; i < in_files.log.size(); ++i) {
      EXPECT_EQ(in_files.log[i].train_loss, in_memory.log[i].train_loss);
      EXPECT_EQ(in_files.log[i].val_loss, in_memory.log[i].val_loss);
    }
  }
  // What a run's state knows of its data, so that it goes on wherever they are then.
  const data::Dataset mapped = testing::mapped_set(tiny_set(), folder.path(), 41);
  EXPECT_EQ(run_source(plain, mapped).data, run_source(plain, tiny_set()).data);
}

TEST_F(TrainerTest, LearnsWhatTheSignalsShow) {
  TrainingConfig config = tiny_config();
  config.epochs = 25;
  config.data.features = FeatureSet::kNone;
  data::Dataset set = tiny_set();
  set.feature_names.clear();
  set.features.clear();
  const Result result = train(config, set);
  EXPECT_EQ(result.description.architecture.shape().features, 0);
  EXPECT_TRUE(result.log.back().train_loss < 0.5 * result.log.front().train_loss)
      << result.log.front().train_loss << " to " << result.log.back().train_loss;
  EXPECT_TRUE(result.log.back().val_macro_auc >= 0.9) << result.log.back().val_macro_auc;
  EXPECT_TRUE(result.log.back().val_loss < result.log.front().val_loss);
}

TEST_F(TrainerTest, ThreadsDoNotChangeAByte) {
  TrainingConfig config = tiny_config();
  config.epochs = 2;
  config.batch_size = 16;
  const Result one = train(config);
  for (const int threads : {2, 3}) {
    set_thread_count(threads);
    const Result more = train(config);
    EXPECT_EQ(one.last, more.last) << threads << " threads";
    EXPECT_EQ(one.best, more.best) << threads << " threads";
  }
  TrainingConfig other = config;
  other.seed = 4;
  EXPECT_NE(train(other).last, one.last);
}

// Everything that the recipe helme has and the defaults have not, but for its epochs; and altered records.
TrainingConfig crop_config() {
  TrainingConfig config = tiny_config();
  config.crop = 32;
  config.schedule = Schedule::kOneCycle;
  config.cycle_momentum = true;
  config.optimizer = Optimizer::kAdamw;
  config.beta2 = 0.99;
  config.weight_decay = 0.01;
  config.data.standardize_over = StandardizeOver::kAll;
  config.keep = Keep::kLast;
  config.weight_average = 0.8;
  config.augmentation = {.mixup = 0.4, .lead_dropout = 0.1, .amplitude_sd = 0.1, .time_mask = 0.2};
  return config;
}

// Stopped after any epoch, or within one, and continued by another process: as if never stopped.
TEST_F(TrainerTest, ResumesToTheSameBytes) {
  for (const Schedule schedule : {Schedule::kCosine, Schedule::kOneCycle}) {
    TrainingConfig config = schedule == Schedule::kOneCycle ? crop_config() : tiny_config();
    config.epochs = 3;
    const Result whole = train(config);
    for (int stop = 0; stop < 2 * config.epochs; ++stop) {
      const TemporaryFolder folder;
      int steps = 0;
      Trainer first(config, tiny_set(), folder.path());
      const TrainerCallbacks until = {.on_step =
                                          [&](const StepProgress&) {
                                            if (stop % 2 == 0 && ++steps == 1 + 7 * (stop / 2))
                                              throw Interrupted();  // 7 steps make an epoch
                                          },
                                      .on_epoch =
                                          [&](const EpochResult& result) {
                                            if (stop % 2 == 1 && result.epoch == 1 + stop / 2) throw Interrupted();
                                          }};
      EXPECT_THROW(first.run(until), Interrupted);
      Trainer second(config, tiny_set(), folder.path());
      EXPECT_TRUE(second.resume());
      EXPECT_EQ(second.epochs_done(), (stop + 1) / 2);
      second.run({});
      EXPECT_EQ(read_file(folder / "last.safetensors"), whole.last) << word_of(schedule) << ", stop " << stop;
      EXPECT_EQ(read_file(folder / "best.safetensors"), whole.best) << word_of(schedule) << ", stop " << stop;
      const std::string log = read_file(folder / "log.csv");
      EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 1 + config.epochs);
    }
  }
}

TEST_F(TrainerTest, ResumeRefusesAStateThatDoesNotFit) {
  const TemporaryFolder folder;
  TrainingConfig config = tiny_config();
  config.epochs = 1;
  Trainer(config, tiny_set(), folder.path()).run({});
  const fs::path path = folder / "state.safetensors";
  const std::string good = read_file(path);
  write_file(folder / "good", good);
  const auto resume = [&] {
    TrainingConfig wanted = config;
    Trainer(wanted, tiny_set(), folder.path()).resume();
  };
  write_file(path, good.substr(0, good.size() - 1));
  expect_error(resume, {"state.safetensors", "not a valid safetensors file"});
  SafetensorsFile state;
  write_safetensors(path, state);
  expect_error(resume, {"state.safetensors", "cardiograd_state"});
  write_file(path, good);
  state = read_safetensors(path);
  state.metadata["cardiograd_state"] = R"({"steps": 7})";
  write_safetensors(path, state);
  expect_error(resume, {"state.safetensors", "damaged", "log"});
  state = read_safetensors(folder / "last.safetensors");
  state.metadata["cardiograd_state"] = read_safetensors(folder / "good").metadata.at("cardiograd_state");
  write_safetensors(path, state);
  expect_error(resume, {"state.safetensors", "model."});
  state.metadata["cardiograd_state"] = R"({"steps": 7, "log": []})";
  write_safetensors(path, state);
  expect_error(resume, {"state.safetensors", "of an earlier version"});
  write_file(path, good);
  config.model.as<HcCnnTnConfig>().head_width = 11;
  expect_error(resume, {"state.safetensors", "model.head_width = 10, and it is 11 now"});
}

TEST_F(TrainerTest, WritesItsFilesAndNothingElse) {
  const TemporaryFolder folder;
  Trainer trainer(tiny_config(), tiny_set(), folder.path());
  trainer.run({});
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder.path())) names.insert(entry.path().filename().string());
  EXPECT_EQ(names, (std::set<std::string>{"best.safetensors", "last.safetensors", "log.csv", "state.safetensors"}));
  const std::vector<EpochResult> read = read_training_log(folder / "log.csv");
  ASSERT_EQ(read.size(), trainer.log().size());
  const auto& classes = trainer.description().class_names;
  for (std::size_t i = 0; i < read.size(); ++i) {
    const EpochResult& written = trainer.log()[i];
    EXPECT_TRUE(read[i].finished.size() == 20 && read[i].finished.ends_with('Z')) << read[i].finished;
    EXPECT_GT(written.seconds, 0);
    ASSERT_EQ(read[i].auc.size(), classes.size());
    double sum = 0;
    int known = 0;
    for (std::size_t c = 0; c < classes.size(); ++c) {
      ASSERT_EQ(std::isnan(read[i].auc[c]), std::isnan(written.auc[c]));  // no positive or no negative record
      if (std::isnan(written.auc[c])) continue;
      EXPECT_TRUE(std::abs(read[i].auc[c] - written.auc[c]) <= 1e-6);
      sum += written.auc[c];
      ++known;
    }
    ASSERT_GT(known, 0);
    EXPECT_TRUE(std::abs(sum / known - written.val_macro_auc) <= 1e-9);
  }
  const TrainedModel last = load_model(folder / "last.safetensors");
  EXPECT_EQ(last.description.epoch, 4);
  EXPECT_EQ(last.description.val_folds, std::vector<std::int64_t>{9});
  const TrainedModel best = load_model(folder / "best.safetensors");
  const auto& log = trainer.log();
  const auto expected = std::max_element(log.begin(), log.end(), [](const EpochResult& a, const EpochResult& b) {
    return a.val_macro_auc < b.val_macro_auc;
  });
  EXPECT_EQ(best.description.epoch, expected->epoch);
}

TEST_F(TrainerTest, SchedulesSetTheRateOfEachEpoch) {
  TrainingConfig config = tiny_config();
  for (const EpochResult& r : train(config).log)
    EXPECT_DOUBLE_EQ(r.lr, optim::cosine_annealing(config.lr, r.epoch - 1, config.epochs));
  config.schedule = Schedule::kConstant;
  for (const EpochResult& r : train(config).log) EXPECT_DOUBLE_EQ(r.lr, config.lr);
  config.schedule = Schedule::kOneCycle;  // 64 training records: 7 batches of 9
  for (const EpochResult& r : train(config).log)
    EXPECT_DOUBLE_EQ(r.lr, optim::one_cycle(config.lr, 7 * r.epoch - 1, 7 * config.epochs));
}

// With batches of 9 the last one has a single record, which batch norm cannot train on: 7 steps, no eighth. The cycle
// must end at its lowest rate all the same.
TEST_F(TrainerTest, IncompleteBatchesAreUsedOnRequest) {
  TrainingConfig config = tiny_config();
  config.schedule = Schedule::kOneCycle;
  const std::string dropped = train(config).last;
  config.drop_last = false;
  const Result single = train(config);
  EXPECT_EQ(single.last, dropped);
  EXPECT_DOUBLE_EQ(single.log.back().lr, optim::one_cycle(config.lr, 27, 28));
  config.batch_size = 12;  // 5 batches of 12 and one of 4
  const Result rest = train(config);
  EXPECT_DOUBLE_EQ(rest.log.back().lr, optim::one_cycle(config.lr, 23, 24));
  config.drop_last = true;
  EXPECT_NE(train(config).last, rest.last);
  config.batch_size = 65;
  EXPECT_NE(failure_of(config).find("64 records, fewer than a batch of 65"), std::string::npos);
}

TEST_F(TrainerTest, SettingsChangeTheResult) {
  const auto one_epoch = [] {
    TrainingConfig config = tiny_config();
    config.epochs = 1;
    return config;
  };
  std::set<std::string> results = {train(one_epoch()).last};
  const auto expect_new = [&](const char* name, const std::function<void(TrainingConfig&)>& change) {
    TrainingConfig config = one_epoch();
    change(config);
    EXPECT_TRUE(results.insert(train(config).last).second) << name;
  };
  expect_new("adam's weight decay", [](TrainingConfig& c) { c.weight_decay = 0.1; });
  expect_new("adamw", [](TrainingConfig& c) { c.optimizer = Optimizer::kAdamw, c.weight_decay = 0.1; });
  expect_new("clip_norm", [](TrainingConfig& c) { c.clip_norm = 1e-3; });
  expect_new("pos_weight", [](TrainingConfig& c) { c.pos_weight = false; });
  expect_new("missing_flags", [](TrainingConfig& c) { c.data.missing_flags = true; });
  expect_new("standardize", [](TrainingConfig& c) { c.data.standardize = false; });
  expect_new("standardize_over", [](TrainingConfig& c) { c.data.standardize_over = StandardizeOver::kAll; });
  expect_new("beta2", [](TrainingConfig& c) { c.beta2 = 0.99; });
  expect_new("one_cycle", [](TrainingConfig& c) { c.schedule = Schedule::kOneCycle; });
  expect_new("cycle_momentum", [](TrainingConfig& c) { c.schedule = Schedule::kOneCycle, c.cycle_momentum = true; });
  expect_new("crop", [](TrainingConfig& c) { c.crop = 32; });
  expect_new("aggregate", [](TrainingConfig& c) { c.crop = 32, c.aggregate = Aggregate::kMean; });
  expect_new("window_step", [](TrainingConfig& c) { c.crop = 32, c.window_step = 32; });
  expect_new("mixup", [](TrainingConfig& c) { c.augmentation.mixup = 0.4; });
  expect_new("label_smoothing", [](TrainingConfig& c) { c.augmentation.label_smoothing = 0.1; });
  expect_new("fixed thresholds", [](TrainingConfig& c) { c.thresholds = Thresholds::kFixed; });
  expect_new("val_fold", [](TrainingConfig& c) { c.data.val_fold = 8; });
}

TEST_F(TrainerTest, TheModelFileKnowsTheCropsAndHoldsTheEpochThatIsKept) {
  const TemporaryFolder folder;
  Trainer trainer(crop_config(), tiny_set(), folder.path());
  trainer.run({});
  EXPECT_EQ(read_file(folder / "best.safetensors"), read_file(folder / "last.safetensors"));
  const TrainedModel model = load_model(folder / "best.safetensors");
  const ModelDescription& d = model.description;
  EXPECT_EQ(d.crops(), (Crops{32, Aggregate::kMax}));
  EXPECT_EQ(d.record_samples(), 64);
  for (std::size_t lead = 1; lead < 4; ++lead) {
    EXPECT_EQ(d.signal_scaling.mean[lead], d.signal_scaling.mean[0]);
    EXPECT_EQ(d.signal_scaling.sd[lead], d.signal_scaling.sd[0]);
  }
  data::Dataset set = tiny_set();
  EXPECT_NO_THROW(check_fits(d, set));
  const std::vector<std::int64_t> rows = rows_of_folds(set, {9});
  const auto labels = labels_of(set, rows);
  const DataLoader loader(take_arrays(set, d.feature_scaling, d.crops()), d.signal_scaling);
  const Scores scored = score(*model.net, loader, rows, 5, {});
  EXPECT_DOUBLE_EQ(evaluation::macro_auc({.scores = scored.probabilities,
                                          .labels = labels,
                                          .records = static_cast<std::int64_t>(rows.size()),
                                          .classes = 3,
                                          .names = d.class_names})
                       .value,
                   trainer.log().back().val_macro_auc);
  TrainingConfig longer = crop_config();
  longer.crop = 65;
  EXPECT_NE(failure_of(longer).find("training.crop is 65, and the records have 64 samples"), std::string::npos);
}

TEST_F(TrainerTest, ColumnsMissingThroughoutAreLeftOutWithANotice) {
  LogCapture log;
  TrainingConfig config = tiny_config();
  EXPECT_EQ(train(config).description.feature_scaling.names, (std::vector<std::string>{"shown", "gaps"}));
  EXPECT_TRUE(log.informed("left out: absent"));
  config.data.missing_flags = true;
  EXPECT_EQ(train(config).description.architecture.shape().features, 4);
  data::Dataset none = tiny_set();
  std::fill(none.features.begin(), none.features.end(), std::nanf(""));
  EXPECT_EQ(train(config, none).description.architecture.shape().features, 0);
  EXPECT_TRUE(log.informed("left out: shown, gaps, absent"));
}

TEST_F(TrainerTest, ThresholdsAreTunedOnTheValidationFold) {
  TrainingConfig config = tiny_config();
  const std::vector<float> fixed(3, 0.5F);
  EXPECT_NE(train(config).description.thresholds, fixed);
  config.thresholds = Thresholds::kFixed;
  EXPECT_EQ(train(config).description.thresholds, fixed);
}

TEST_F(TrainerTest, AValidationFoldWithOneOutcomeHasNoAuc) {
  LogCapture log;
  data::Dataset set = tiny_set();
  for (std::size_t i = 0; i < set.folds.size(); ++i)
    if (set.folds[i] == 9) std::fill_n(set.labels.begin() + static_cast<std::ptrdiff_t>(3 * i), 3, 0);
  const Result result = train(tiny_config(), set);
  EXPECT_TRUE(std::isnan(result.log.back().val_macro_auc));
  EXPECT_TRUE(result.log.back().best) << "without an AUC the latest model counts as the best";
  EXPECT_EQ(result.best, result.last);
}

TEST_F(TrainerTest, RefusesWhatCannotBeTrained) {
  TrainingConfig config = tiny_config();
  config.data.test_fold = 12;
  EXPECT_NE(failure_of(config).find("test fold 12"), std::string::npos);
  config = tiny_config();
  config.data.val_fold = 11;
  EXPECT_NE(failure_of(config).find("validation fold 11"), std::string::npos);
  config.data.val_fold = 10;
  EXPECT_NE(failure_of(config).find("fold 10 is used twice"), std::string::npos);
  data::Dataset set = tiny_set();
  for (std::size_t i = 0; i < set.folds.size(); ++i)
    if (set.folds[i] < 9) set.labels[3 * i + 1] = 0;
  EXPECT_NE(failure_of(tiny_config(), set).find("class B has no positive"), std::string::npos);
}

TEST_F(TrainerTest, ANonFiniteLossNamesStepRateAndFirstTensor) {
  TrainingConfig config = tiny_config();
  config.data.standardize = false;
  data::Dataset set = tiny_set();
  set.scales[1] = 1e38F;  // of record 0, which trains: its values overflow
  const std::string signals = failure_of(config, set);
  EXPECT_NE(signals.find("the loss of step "), std::string::npos) << signals;
  EXPECT_NE(signals.find("at learning rate 0.003"), std::string::npos) << signals;
  EXPECT_NE(signals.find("first: the batch of signals"), std::string::npos) << signals;
  config = tiny_config();
  config.model.as<HcCnnTnConfig>().channels = {8};
  config.model.as<HcCnnTnConfig>().kernels = {3};
  config.lr = 1e30;  // beyond what check() admits: the first step leaves weights whose products overflow
  const std::string weights = failure_of(config);
  EXPECT_NE(weights.find("the loss of step 2 is "), std::string::npos) << weights;
  EXPECT_NE(weights.find("at learning rate 1e+30; first: "), std::string::npos) << weights;
}

// The last step of an epoch may be the one that spoils the weights.
TEST_F(TrainerTest, ANonFiniteValidationLossStopsToo) {
  TrainingConfig config = tiny_config();
  config.batch_size = 64;  // one step
  config.lr = 1e30;
  const TemporaryFolder folder;
  Trainer trainer(config, tiny_set(), folder.path());
  try {
    trainer.run({});
    FAIL() << "expected an Error";
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("validation loss after step 1 is "), std::string::npos) << message;
    EXPECT_NE(message.find("at learning rate 1e+30; first: "), std::string::npos) << message;
  }
  EXPECT_FALSE(fs::exists(folder / "last.safetensors"));
}

// Asked to stop after any step or in the validation, and saved so often that every step is on disk: as if never
// stopped.
TEST_F(TrainerTest, StopsWithinAnEpochAndGoesOn) {
  TrainingConfig config = tiny_config();
  config.epochs = 2;
  config.schedule = Schedule::kOneCycle;
  const Result whole = train(config);
  for (const int calls : {1, 3, 7, 8, 9, 10, 15}) {  // 7 steps and one batch of validation make an epoch
    const TemporaryFolder folder;
    int asked = 0;
    Trainer first(config, tiny_set(), folder.path());
    EXPECT_FALSE(first.run({.stop = [&] { return ++asked == calls; }}, calls % 2 == 0 ? 0.0 : kSaveEverySeconds));
    Trainer second(config, tiny_set(), folder.path());
    EXPECT_TRUE(second.resume());
    EXPECT_TRUE(second.run({}));
    EXPECT_EQ(read_file(folder / "last.safetensors"), whole.last) << "stopped at call " << calls;
    EXPECT_EQ(read_file(folder / "best.safetensors"), whole.best) << "stopped at call " << calls;
    ASSERT_EQ(second.log().size(), whole.log.size());
    for (std::size_t i = 0; i < whole.log.size(); ++i) {
      EXPECT_EQ(second.log()[i].train_loss, whole.log[i].train_loss) << "stopped at call " << calls;
      EXPECT_EQ(second.log()[i].lr, whole.log[i].lr) << "stopped at call " << calls;
    }
  }
}

// Given up in the middle of a step or of the validation, on any thread: as if that step had not begun.
TEST_F(TrainerTest, GivesUpWithinAStepAndGoesOn) {
  TrainingConfig config = tiny_config();
  config.epochs = 2;
  const Result whole = train(config);
  int given_up = 0;
  for (const int calls : {1, 20, 333, 1000, 2500, 5000, 10000, 20000}) {
    const TemporaryFolder folder;
    std::atomic<int> asked{0};
    Trainer first(config, tiny_set(), folder.path());
    set_thread_count(calls % 3 == 0 ? 2 : 1);
    if (!first.run({.give_up = [&] { return ++asked >= calls; }})) ++given_up;
    set_thread_count(1);
    Trainer second(config, tiny_set(), folder.path());
    EXPECT_TRUE(second.resume());
    EXPECT_TRUE(second.run({}));
    EXPECT_EQ(read_file(folder / "last.safetensors"), whole.last) << "given up at " << calls;
    ASSERT_EQ(second.log().size(), whole.log.size());
    EXPECT_EQ(second.log().front().train_loss, whole.log.front().train_loss) << "given up at " << calls;
  }
  EXPECT_GE(given_up, 4);
}

TEST_F(TrainerTest, MoreEpochsOnRequest) {
  const TemporaryFolder folder;
  TrainingConfig config = tiny_config();
  config.schedule = Schedule::kConstant;
  const Result whole = train(config);
  config.epochs = 2;
  Trainer(config, tiny_set(), folder.path()).run({});
  config.epochs = 4;
  Trainer more(config, tiny_set(), folder.path());
  EXPECT_TRUE(more.resume(true));
  EXPECT_TRUE(more.run({}));
  EXPECT_EQ(read_file(folder / "last.safetensors"), whole.last);
}

}  // namespace
}  // namespace cardiograd::model
