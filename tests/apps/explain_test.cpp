// explain, compare and evaluate --predictions as users call them, on a small run.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "data/csv.h"
#include "data/wfdb.h"
#include "tests/apps/small_run.h"

namespace cardiograd::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class ExplainTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    run_ = new SmallRun;
    expect_success(run_app("train", run_->arguments()));
  }
  static void TearDownTestSuite() {
    delete run_;
    run_ = nullptr;
  }
  static std::string record(int i) { return (run_->tiny().folder() / TinyPtbxl::stem(i)).string(); }
  static std::vector<std::string> with_model(const std::vector<std::string>& more) {
    std::vector<std::string> all = {"--model", run_->out() / "last.safetensors"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  static SmallRun* run_;
};
SmallRun* ExplainTest::run_ = nullptr;

TEST_F(ExplainTest, WritesPageDrawingAndJson) {
  const TemporaryFolder folder;
  const auto arguments =
      with_model({record(1), "--any-quality", "--class", "NORM", "--age", "60", "--sex", "female", "--out",
                  folder / "why.html", "--svg", folder / "why.svg", "--json", folder / "why.json"});
  const Outcome outcome = run_app("explain", arguments);
  expect_success(outcome);
  expect_parts(outcome.out, {"NORM (normal ECG): probability", "What would change the answer"});
  EXPECT_TRUE(read_file(folder / "why.html").starts_with("<!DOCTYPE html>"));
  EXPECT_NE(read_file(folder / "why.svg").find("speaks for NORM"), std::string::npos);
  const json why = json::parse(read_file(folder / "why.json"));
  EXPECT_EQ(why.at("class"), "NORM");
  EXPECT_EQ(why.at("map").size(), 12000U);
  // The probability is predict's.
  const Outcome predicted =
      run_app("predict", with_model({record(1), "--any-quality", "--json", "--age", "60", "--sex", "female"}));
  expect_success(predicted);
  const json answer = json::parse(predicted.out);
  EXPECT_EQ(answer.at("classes")[2].at("meaning"), "myocardial infarction");
  expect_parts(run_app("predict", with_model({record(1), "--any-quality"})).out,
               {"  MI  ", "  myocardial infarction\n", "  conduction disturbance\n"});
  for (const json& one : answer.at("classes"))
    if (one.at("class") == "NORM") {
      EXPECT_TRUE(std::abs(one.at("probability").get<double>() - why.at("probability").get<double>()) <= 1e-5);
    }
  EXPECT_FALSE(answer.contains("warning"));
  // What is there stays, unless --force says otherwise.
  expect_failure(run_app("explain", arguments), 1, {"why.html: exists already"});
  std::vector<std::string> forced = arguments;
  forced.emplace_back("--force");
  expect_success(run_app("explain", forced));
}

// The answer of a model that sees crops is that of the whole record, for explain, the report and predict.
TEST_F(ExplainTest, AModelOfCropsAgreesWithPredict) {
  const TemporaryFolder folder;
  const std::string made_of_crops = "[training]\ncrop = 400\naggregate = \"mean\"";
  std::string text = read_file(run_->config());
  text.replace(text.find("[training]"), 10, made_of_crops);
  write_file(folder / "crops.toml", text);
  expect_success(run_app("train", run_->with({"--out", folder / "run", "--config", folder / "crops.toml"})));
  const std::vector<std::string> asked = {"--model", folder / "run/last.safetensors", record(1), "--any-quality"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.end(), asked.begin(), asked.end());
    return more;
  };
  expect_success(run_app("explain", with({"--json", folder / "why.json", "--class", "NORM", "--window", "0"})));
  const json why = json::parse(read_file(folder / "why.json"));
  EXPECT_EQ(why.at("map").size(), 12000U);
  EXPECT_EQ(why.at("grad_cam").size(), 1000U);
  EXPECT_TRUE(std::abs(why.at("missed_fraction").get<double>()) <= 0.01);
  const Outcome predicted = run_app("predict", with({"--json"}));
  expect_success(predicted);
  for (const json& one : json::parse(predicted.out).at("classes"))
    if (one.at("class") == "NORM") {
      EXPECT_TRUE(std::abs(one.at("probability").get<double>() - why.at("probability").get<double>()) <= 1e-5);
    }
  expect_success(run_app("evaluate", run_->judge({"--model", folder / "run/last.safetensors", "--explain", "1",
                                                  "--json", folder / "all.json"})));
  const json all = json::parse(read_file(folder / "all.json"));
  EXPECT_FALSE(all.at("importance").is_null());
}

// Three records one behind the other, of which the model sees windows from 0, 7.5 and 15 s on.
TEST_F(ExplainTest, ALongRecordingAgreesWithPredict) {
  const TemporaryFolder folder;
  ecg::Recording all = TinyPtbxl::recording(1, "mV");
  const Eigen::Index n = all.signal.rows();
  Eigen::ArrayXXd signal(5 * n / 2, all.signal.cols());
  signal << all.signal, TinyPtbxl::recording(3, "mV").signal, TinyPtbxl::recording(5, "mV").signal.topRows(n / 2);
  const auto write = [&](const std::string& name, Eigen::Index first, Eigen::Index count) {
    all.signal = signal.middleRows(first, count);
    data::write_wfdb(folder.path(), name, all);
  };
  const auto predicted = [&](const std::string& name) {
    std::map<std::string, double> probabilities;
    const Outcome outcome = run_app("predict", with_model({folder / name, "--any-quality", "--json"}));
    expect_success(outcome);
    const json answer = json::parse(outcome.out);
    for (const json& one : answer.at("classes")) probabilities[one.at("class")] = one.at("probability").get<double>();
    return probabilities;
  };
  write("all", 0, signal.rows());
  const auto whole = predicted("all");
  double nearest = 1, start_s = -1;
  for (const Eigen::Index start : {Eigen::Index{0}, 3 * n / 4, 3 * n / 2}) {
    write("part", start, n);
    double difference = 0;
    for (const auto& [name, probability] : predicted("part"))
      difference = std::max(difference, std::abs(probability - whole.at(name)));
    if (difference >= nearest) continue;
    nearest = difference;
    start_s = static_cast<double>(start) / 100;
  }
  const Outcome outcome =
      run_app("explain", with_model({folder / "all", "--any-quality", "--class", "MI", "--window", "0", "--json",
                                     folder / "why.json", "--out", folder / "why.html"}));
  expect_success(outcome);
  const json why = json::parse(read_file(folder / "why.json"));
  EXPECT_EQ(why.at("start_s"), start_s);
  EXPECT_EQ(why.at("whole_recording").at("windows"), 3);
  EXPECT_TRUE(std::abs(why.at("whole_recording").at("probability").get<double>() - whole.at("MI")) <= 1e-6);
  expect_parts(outcome.out, {"The whole recording, 25 s: MI (myocardial infarction) has probability "});
  expect_parts(read_file(folder / "why.html"), {"the mean over 3 windows", "Explained 20", ", cardiograd "});
  EXPECT_NE(why.at("program").get<std::string>().find(", commit "), std::string::npos);
  EXPECT_EQ(why.at("status"), "explained");
}

TEST_F(ExplainTest, RefusedRecordsAreOnThePage) {
  const TemporaryFolder folder;
  const Outcome outcome =
      run_app("explain",
              with_model({record(1), folder / "absent", "--out", folder / "why.html", "--json", folder / "why.json"}));
  EXPECT_EQ(outcome.status, 3) << outcome.err;
  expect_parts(read_file(folder / "why.json"), {R"("status":"not explained")", "Refused: ", "Failed: ", "absent"});
  EXPECT_NE(read_file(folder / "why.html").find("Failed: "), std::string::npos);
}

TEST_F(ExplainTest, WrongUsageIsNamed) {
  const TemporaryFolder folder;
  expect_failure(run_app("explain", with_model({record(1)})), 2, {"nothing to write"});
  expect_failure(run_app("explain", with_model({record(1), "--class", "XY", "--out", folder / "a.html"})), 2,
                 {"--class XY", "no such class"});
  expect_failure(
      run_app("explain", with_model({record(1), "--class", "CD", "--class", "CD", "--out", folder / "a.html"})), 2,
      {"--class CD is there twice"});
  expect_failure(run_app("explain", with_model({record(1), "--svg", folder / "a.PNG"})), 2,
                 {"a drawing is written as SVG, not as png"});
  expect_failure(run_app("explain", with_model({record(1), record(2), "--svg", folder / "a.svg"})), 2,
                 {"--svg and 2 records"});
  expect_failure(run_app("explain", with_model({record(1), "--class", "NORM", "MI", "--svg", folder / "a.svg"})), 2,
                 {"--svg and 2 classes"});
  EXPECT_TRUE(names_in(folder.path()).empty());
}

TEST_F(ExplainTest, PredictionsAreARowPerRecord) {
  const TemporaryFolder folder;
  const Outcome outcome = run_app(
      "evaluate", run_->judge({"--fold", "10", "--predictions", folder / "p.csv", "--json", folder / "e.json"}));
  expect_success(outcome);
  const data::CsvTable table = data::CsvTable::read(folder / "p.csv");
  const json evaluation = json::parse(read_file(folder / "e.json"));
  ASSERT_EQ(static_cast<std::int64_t>(table.rows()), evaluation.at("records").get<std::int64_t>());
  for (const auto& [name, one] : evaluation.at("classes").items()) {
    std::int64_t labels = 0, right = 0;
    for (std::size_t row = 0; row < table.rows(); ++row) {
      EXPECT_EQ(table.number(row, table.column("fold")), 10);
      const double probability = *table.number(row, table.column("probability_" + name));
      const double decision = *table.number(row, table.column("decision_" + name));
      const double label = *table.number(row, table.column("label_" + name));
      EXPECT_EQ(decision == 1, probability > one.at("threshold").get<double>());
      labels += label == 1 ? 1 : 0;
      right += label == 1 && decision == 1 ? 1 : 0;
    }
    EXPECT_EQ(labels, one.at("support").get<std::int64_t>()) << name;
    EXPECT_EQ(right, one.at("confusion").at("true_positives").get<std::int64_t>()) << name;
  }
  for (const char* file : {"p.csv", "e.json"})
    expect_failure(
        run_app("evaluate", run_->judge({std::string(file) == "p.csv" ? "--predictions" : "--json", folder / file})), 1,
        {std::string(file) + ": exists already"});
  EXPECT_TRUE(evaluation.contains("subgroups"));
  EXPECT_TRUE(evaluation.contains("calibration"));
}

TEST_F(ExplainTest, RunsAreCompared) {
  const TemporaryFolder folder;
  expect_success(run_app("train", run_->with({"--out", folder / "other", "--seed", "1"})));
  const Outcome outcome = run_app("compare", {run_->out(), folder / "other", "--fold", "10", "--draws", "20",
                                              "--no-cache", "--out", folder / "c.html", "--json", folder / "c.json"});
  expect_success(outcome);
  expect_parts(outcome.out, {"other", "training.seed: 0 | 1"});
  const json comparison = json::parse(read_file(folder / "c.json"));
  ASSERT_EQ(comparison.at("runs").size(), 2U);
  // The figures are those of evaluate.
  const Outcome evaluated =
      run_app("evaluate", run_->judge({"--model", folder / "other", "--fold", "10", "--json", folder / "e.json"}));
  expect_success(evaluated);
  EXPECT_EQ(comparison.at("runs")[1].at("evaluation").at("macro").at("auc"),
            json::parse(read_file(folder / "e.json")).at("macro").at("auc"));
  EXPECT_TRUE(lines_with(outcome.err, "warning: ").empty()) << outcome.err;
  expect_failure(run_app("compare", {run_->out()}), 2, {"1 runs"});
  expect_failure(run_app("compare", {run_->out(), folder / "other", "--device", "check"}), 2, {"only train compares"});
  // Folds that the runs have seen are named, and what is no comparison is refused before any record is read.
  const Outcome seen = run_app("compare", {run_->out(), folder / "other", "--fold", "3", "9", "--draws", "0",
                                           "--no-cache", "--out", folder / "seen.html"});
  expect_parts(seen.err, {"warning: fold 3 trained run: its figures are no test", "fold 9 chose other's epoch"});
  expect_parts(read_file(folder / "seen.html"), {"Beware: fold 3 trained run", "Beware: fold 3 trained other"});
  expect_success(run_app("train", run_->with({"--out", folder / "sub", "--task", "sub", "--epochs", "1"})));
  expect_failure(run_app("compare", {run_->out(), folder / "sub", "--data", folder / "none"}), 1,
                 {"sub has the classes", "run has CD HYP MI NORM STTC"});
}

TEST_F(ExplainTest, AReportIsNotReplaced) {
  const TemporaryFolder folder;
  const fs::path report = folder / "report";
  fs::create_directory(report);
  write_file(report / "report.html", "years of work");
  // Before the work: there is no such model.
  expect_failure(run_app("evaluate", run_->judge({"--report", report, "--model", folder / "none.safetensors"})), 1,
                 {"report.html: exists already"});
  EXPECT_EQ(read_file(report / "report.html"), "years of work");
  expect_success(run_app("evaluate", run_->judge({"--report", report, "--force"})));
  EXPECT_TRUE(read_file(report / "report.html").starts_with("<!DOCTYPE html>"));
}

// Runs that prepare their records in two ways; what is written is the mean of what they say alone.
TEST_F(ExplainTest, ModelsAnswerTogether) {
  const TemporaryFolder folder;
  const auto evaluated = [&](const std::string& name, std::vector<std::string> models) {
    for (const char* more : {"--fold", "10", "--predictions"}) models.emplace_back(more);
    models.push_back(folder / (name + ".csv"));
    const Outcome outcome = run_app("evaluate", run_->judge(models));
    expect_success(outcome);
    return outcome.out;
  };
  const std::string one = run_->out(), other = folder / "other";
  expect_success(
      run_app("train", run_->with({"--out", other, "--features", "none", "--filter", "butterworth", "--epochs", "1"})));
  evaluated("one", {"--model", one});
  evaluated("other", {"--model", other});
  expect_parts(evaluated("both", {"--model", one, "--model", other, "--json", folder / "e.json"}),
               {"mean of ", "best.safetensors, ", "thresholds from fold 9, fold 10 of "});
  const json figures = json::parse(read_file(folder / "e.json"));
  EXPECT_EQ(figures.at("models").size(), 2U);
  EXPECT_TRUE(figures.at("importance").is_null() && figures.at("epoch").is_null());
  EXPECT_EQ(figures.at("fold_role"), "test");
  const auto table = [&](const char* name) { return data::CsvTable::read(folder / (std::string(name) + ".csv")); };
  const data::CsvTable a = table("one"), b = table("other"), mean = table("both");
  ASSERT_EQ(mean.rows(), a.rows());
  for (const auto& [name, values] : figures.at("classes").items()) {
    const std::string column = "probability_" + name;
    for (std::size_t row = 0; row < mean.rows(); ++row) {
      const auto at = [&](const data::CsvTable& t) { return *t.number(row, t.column(column)); };
      EXPECT_TRUE(std::abs(at(mean) - (at(a) + at(b)) / 2) <= 1e-7) << name << " " << row;
      EXPECT_EQ(*mean.number(row, mean.column("decision_" + name)) == 1,
                at(mean) > values.at("threshold").get<double>());
    }
  }
  expect_failure(run_app("evaluate", run_->judge({"--model", one, "--model", other, "--report", folder / "page"})), 2,
                 {"--report with several models"});
  expect_failure(run_app("evaluate", run_->judge({"--model", one, "--model", one})), 2, {"is there twice"});
}

// Without a fold that chose the thresholds of all, theirs are joined, too.
TEST_F(ExplainTest, ModelsOfOtherValidationFoldsJoinTheirThresholds) {
  const TemporaryFolder folder;
  const std::string one = run_->out(), other = folder / "other";
  expect_success(run_app("train", run_->with({"--out", other, "--val-fold", "8", "--epochs", "1"})));
  const auto thresholds = [&](std::vector<std::string> models, const char* json_file) {
    models.insert(models.end(), {"--fold", "10", "--json", folder / json_file});
    const Outcome outcome = run_app("evaluate", run_->judge(models));
    expect_success(outcome);
    std::map<std::string, double> values;
    const json figures = json::parse(read_file(folder / json_file));
    for (const auto& [name, one_class] : figures.at("classes").items())
      values[name] = one_class.at("threshold").get<double>();
    return std::pair(values, outcome.out + outcome.err);
  };
  const auto a = thresholds({"--model", one}, "a.json").first, b = thresholds({"--model", other}, "b.json").first;
  const auto [both, text] = thresholds({"--model", one, "--model", other}, "c.json");
  expect_parts(text, {"thresholds the mean of theirs"});
  for (const auto& [name, value] : both) EXPECT_TRUE(std::abs(value - (a.at(name) + b.at(name)) / 2) <= 1e-6) << name;
}

TEST(SyntheticModels, SayWhatTheyAre) {
  const TemporaryFolder folder;
  const SmallRun run;
  expect_success(
      run_app("synthesize", {"--records", "60", "--min-per-class", "5", "--seed", "1", "--out", folder / "data"}));
  expect_success(
      run_app("train", {"--data", folder / "data", "--config", run.config(), "--out", folder / "run", "--no-cache"}));
  const std::string record = folder / "data/records100/00000/00001_lr";
  const std::string model = folder / "run";
  expect_parts(run_app("predict", {"--model", model, record}).out,
               {"warning      this model was trained on synthetic"});
  expect_parts(run_app("predict", {"--model", model, record, "--json"}).out, {"\"warning\":\"this model was trained"});
  expect_parts(run_app("predict", {"--model", model, record, "--csv"}).out,
               {",warning\n", "trained on synthetic ECGs"});
  const std::vector<std::string> judged = {"--model", model, "--data", folder / "data", "--no-cache", "--draws", "20"};
  const Outcome table = run_app("evaluate", judged);
  expect_parts(table.err, {"warning: this model was trained on synthetic"});
  EXPECT_EQ(table.out.find("warning"), std::string::npos) << table.out;
  std::vector<std::string> as_json = judged;
  as_json.insert(as_json.end(), {"--log", "json"});
  expect_parts(run_app("evaluate", as_json).err, {R"({"level":"warning","message":"this model was trained on synth)"});
  // Its files say so, too, and what is made of them.
  const std::string weights = folder / "weights";
  const Outcome exported =
      run_app("export", {"--model", model, "--onnx", folder / "a.onnx", "--state-dict", weights, "--quiet"});
  expect_success(exported);
  expect_parts(exported.err, {"warning: ", "this model was trained on synthetic"});
  expect_success(run_app("train", run.with({"--epochs", "1"})));
  const Outcome imported =
      run_app("import", {"--weights", weights, "--like", run.out(), "--out", folder / "mix.safetensors"});
  expect_success(imported);
  expect_parts(imported.err, {"warning: ", "this model was trained on synthetic"});
  expect_parts(run_app("predict", {"--model", folder / "mix.safetensors", record}).out, {"trained on synthetic"});
  // A model that began with it says so, and so does the next one; none of them was trained on synthetic ECGs.
  expect_success(run_app("train", {"--init", model, "--data", run.tiny().folder(), "--epochs", "1", "--batch-size", "8",
                                   "--threads", "1", "--out", folder / "second", "--no-cache"}));
  const Outcome third =
      run_app("train", {"--init", folder / "second", "--data", run.tiny().folder(), "--epochs", "1", "--batch-size",
                        "8", "--threads", "1", "--out", folder / "third", "--no-cache"});
  expect_success(third);
  expect_parts(third.err, {"began with a model trained on synthetic ECGs"});
  const Outcome answer = run_app("predict", {"--model", folder / "third", record, "--json"});
  expect_parts(answer.out, {"\"warning\":\"this model began with a model trained on synthetic ECGs"});
}

}  // namespace
}  // namespace cardiograd::testing
