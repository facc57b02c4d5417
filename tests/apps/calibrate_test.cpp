// calibrate as users call it, on small runs.
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "model/model_file.h"
#include "tests/apps/small_run.h"

namespace cardiograd::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class CalibrateTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    run_ = new SmallRun;
    expect_success(run_app("train", run_->arguments()));
  }
  static void TearDownTestSuite() {
    delete run_;
    run_ = nullptr;
  }
  static std::vector<std::string> calibrating(const fs::path& out, const std::vector<std::string>& more = {}) {
    std::vector<std::string> all = {"--data", run_->tiny().folder(), "--no-cache", "--out", out};
    all.insert(all.end(), more.begin(), more.end());
    if (std::find(more.begin(), more.end(), "--model") == more.end())
      all.insert(all.end(), {"--model", run_->out() / "last.safetensors"});
    return all;
  }
  // Of one fold: what evaluate says.
  static json judged(const fs::path& model, const std::string& fold) {
    const TemporaryFolder folder;
    const Outcome outcome =
        run_app("evaluate", run_->judge({"--model", model, "--fold", fold, "--json", folder / "e.json"}));
    expect_success(outcome);
    return json::parse(read_file(folder / "e.json"));
  }

  static SmallRun* run_;
};
SmallRun* CalibrateTest::run_ = nullptr;

TEST_F(CalibrateTest, ProbabilitiesFitTheFoldAndOrderStays) {
  const TemporaryFolder folder;
  const fs::path before = run_->out() / "last.safetensors", after = folder / "calibrated.safetensors";
  const Outcome outcome = run_app("calibrate", calibrating(after));
  expect_success(outcome);
  expect_parts(outcome.out, {"fold 9: ", "slope", "ECE before", "NORM"});
  const json was = judged(before, "9"), is = judged(after, "9");
  double brier_before = 0, brier_after = 0;
  for (const auto& [name, one] : was.at("classes").items()) {
    EXPECT_EQ(one.at("auc"), is.at("classes").at(name).at("auc")) << name;
    EXPECT_EQ(one.at("confusion"), is.at("classes").at(name).at("confusion")) << name;  // thresholds moved along
    brier_before += was.at("calibration").at(name).at("brier").get<double>();
    brier_after += is.at("calibration").at(name).at("brier").get<double>();
  }
  EXPECT_TRUE(brier_after < brier_before) << brier_after;
  const Outcome warned = run_app("evaluate", run_->judge({"--model", after, "--fold", "9"}));
  expect_parts(warned.err, {"fold 9 calibrated this model's probabilities"});
  const model::ModelDescription d = model::load_model(after).description;
  EXPECT_EQ(d.calibration_folds, std::vector<std::int64_t>{9});
  EXPECT_EQ(d.calibration_hash, d.data_hash);
  EXPECT_TRUE(model::load_model(before).description.calibration_folds.empty());
}

// Of a model that sees crops the scaling is fitted to the probabilities that are joined.
TEST_F(CalibrateTest, ModelsOfCrops) {
  const TemporaryFolder folder;
  std::string text = read_file(run_->config());
  text.replace(text.find("[training]"), 10, "[training]\ncrop = 400\naggregate = \"mean\"");
  write_file(folder / "crops.toml", text);
  const fs::path out = folder / "run", after = folder / "c.safetensors";
  expect_success(run_app("train", run_->with({"--out", out, "--config", folder / "crops.toml"})));
  expect_success(run_app("calibrate", calibrating(after, {"--model", out / "last.safetensors"})));
  const json was = judged(out / "last.safetensors", "9"), is = judged(after, "9");
  for (const auto& [name, one] : was.at("calibration").items())
    EXPECT_TRUE(is.at("calibration").at(name).at("brier").get<double>() <= one.at("brier").get<double>() + 1e-4)
        << name;
}

TEST_F(CalibrateTest, WrongUsageIsNamed) {
  const TemporaryFolder folder;
  const fs::path out = folder / "c.safetensors";
  expect_failure(run_app("calibrate", calibrating(out, {"--fold", "1"})), 2, {"--fold 1: it trained this model"});
  expect_failure(run_app("calibrate", calibrating(out, {"--fold", "77"})), 1, {"fold 77: no record"});
  expect_failure(run_app("calibrate", calibrating(run_->out() / "last.safetensors", {"--force"})), 1,
                 {"last.safetensors"});
  expect_failure(run_app("calibrate", {"--model", run_->out(), "--out", out}), 2, {"--data"});
  const SmallRun other("mV");
  fs::remove(other.tiny().folder() / (TinyPtbxl::stem(1) + ".dat"));
  expect_failure(run_app("calibrate", {"--model", run_->out(), "--data", other.tiny().folder(), "--no-cache", "--out",
                                       out, "--skip-missing"}),
                 2, {"not the data", "--fold"});
  EXPECT_TRUE(names_in(folder.path()).empty());
  write_file(out, "x");
  expect_failure(run_app("calibrate", calibrating(out)), 1, {"exists already"});
}

}  // namespace
}  // namespace cardiograd::testing
