#include "report/comparison.h"

#include <cmath>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/philox.h"
#include "tests/report/xml_check.h"

namespace cardiograd::report {
namespace {

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// Runs whose scores are the labels with more and more noise.
Comparison comparison_of(std::size_t runs, std::int64_t draws) {
  constexpr std::int64_t kRecords = 60;
  Comparison comparison;
  comparison.data_folder = "data/<ptb>";
  comparison.folds = {10};
  comparison.date = "2026-11-26 21:40 UTC";
  comparison.program = "cardiograd 0.2.0";
  const std::vector<std::string> names = {"MI", "NORM"};
  std::vector<std::uint8_t> labels;
  for (std::int64_t i = 0; i < 2 * kRecords; ++i) labels.push_back(static_cast<std::uint8_t>(i % 3 == 0));
  std::vector<float> first;
  for (std::size_t run = 0; run < runs; ++run) {
    PhiloxStream random(run + 1);
    std::vector<float> scores;
    for (const std::uint8_t label : labels)
      scores.push_back(static_cast<float>(0.3 * label + 0.1 * static_cast<double>(run + 1) * random.uniform(0, 1)));
    if (run == 0) first = scores;
    ComparedRun one;
    one.name = "seed" + std::to_string(run);
    one.epoch = 2;  // not the best of the log
    one.parameters = 1000;
    one.values = {{"training.seed", std::to_string(run)}, {"training.epochs", "15"}};
    for (int epoch = 1; epoch <= 3; ++epoch)
      one.log.push_back({.epoch = epoch,
                         .train_loss = 1.0 / epoch,
                         .val_loss = 1,
                         .val_macro_auc = 0.7 + 0.01 * epoch,
                         .seconds = 60});
    one.evaluation = evaluation::evaluate(scores, labels, names, std::vector<float>{0.3F, 0.3F}, {.draws = draws});
    one.difference = evaluation::bootstrap_difference({scores, labels, kRecords, 2, names},
                                                      {first, labels, kRecords, 2, names}, {.draws = draws});
    comparison.runs.push_back(std::move(one));
  }
  return comparison;
}

TEST(Comparison, ThePageIsWhole) {
  for (const std::size_t runs : {2U, 5U, 8U}) {
    const std::string page = render_comparison(comparison_of(runs, 50));
    const cardiograd::testing::XmlCheck check(page);
    for (const char* id : {"summary", "per-class", "curves", "settings"}) EXPECT_TRUE(check.has_id(id)) << id;
    EXPECT_EQ(check.count("table"), check.count("caption"));
    EXPECT_TRUE(contains(page, "training.seed"));
    EXPECT_FALSE(contains(page, "training.epochs"));  // The same everywhere.
    EXPECT_TRUE(contains(page, "&lt;ptb&gt;"));
    EXPECT_TRUE(contains(page, "myocardial infarction"));
  }
}

TEST(Comparison, DifferencesAreToTheFirstRun) {
  const Comparison comparison = comparison_of(3, 50);
  const nlohmann::json json = comparison_json(comparison);
  const auto auc = [&](int run) { return json.at("runs")[run].at("evaluation").at("macro").at("auc").get<double>(); };
  EXPECT_FALSE(json.at("runs")[0].contains("difference"));
  for (int run = 1; run < 3; ++run)
    EXPECT_TRUE(std::abs(json.at("runs")[run].at("difference").at("macro").at("value").get<double>() -
                         (auc(run) - auc(0))) <= 1e-12);
  EXPECT_TRUE(std::abs(json.at("macro_auc_mean").get<double>() - (auc(0) + auc(1) + auc(2)) / 3) <= 1e-12);
  const std::string text = comparison_text(comparison);
  EXPECT_TRUE(contains(text, "seed2"));
  EXPECT_TRUE(contains(text, "training.seed: 0 | 1 | 2"));
  EXPECT_TRUE(contains(text, "Mean of the macro AUCs over the 3 runs"));
}

TEST(Comparison, RunsOfOtherConfigurationsHaveNoMean) {
  Comparison comparison = comparison_of(3, 50);
  comparison.runs[1].values = {{"training.seed", "1"}, {"training.epochs", "30"}};
  const std::string text = comparison_text(comparison);
  EXPECT_FALSE(contains(text, "Mean of the macro AUCs"));
  EXPECT_TRUE(contains(text, "The runs differ in more than the seed of the training"));
  for (const char* key : {"macro_auc_mean", "macro_auc_sd"})
    EXPECT_TRUE(comparison_json(comparison).at(key).is_null()) << key;
}

TEST(Comparison, JsonHasTheCurvesAndWhatDiffers) {
  const Comparison comparison = comparison_of(3, 50);
  const nlohmann::json json = comparison_json(comparison);
  for (std::size_t run = 0; run < 3; ++run) {
    const nlohmann::json& one = json.at("runs")[run];
    ASSERT_EQ(one.at("training").size(), 3U);
    EXPECT_EQ(one.at("training")[1].at("train_loss"), 0.5);
    EXPECT_EQ(one.at("training")[1].at("val_macro_auc"), comparison.runs[run].log[1].val_macro_auc);
    EXPECT_EQ(one.at("validation_macro_auc"), 0.72);
    EXPECT_EQ(one.at("training_seconds"), 180);
  }
  EXPECT_EQ(json.at("different_values"), nlohmann::json({{"training.seed", {"0", "1", "2"}}}));
  EXPECT_EQ(json.at("bootstrap").at("draws"), 50);
  EXPECT_EQ(json.at("meanings").at("MI"), "myocardial infarction");
}

// A fold in which no class has both outcomes.
TEST(Comparison, WithoutAnAucThereIsADash) {
  Comparison comparison = comparison_of(2, 0);
  for (ComparedRun& run : comparison.runs) {
    const double none = std::nan("");
    run.evaluation.metrics.macro = {none, none, none, none, none};
    run.evaluation.auc.macro = {none, none, none, 0};
    run.difference.macro.value = none;
  }
  const std::string text = comparison_text(comparison), page = render_comparison(comparison);
  EXPECT_TRUE(contains(text, "There is no macro AUC"));
  for (const std::string& one : {text, page}) EXPECT_FALSE(contains(one, "nan ") || contains(one, "nan<")) << one;
  EXPECT_TRUE(comparison_json(comparison).at("macro_auc_mean").is_null());
}

TEST(Comparison, TheValidationAucIsThatOfTheEpoch) {
  const std::string page = render_comparison(comparison_of(2, 50));
  EXPECT_TRUE(contains(page, ">0.7200</td>"));
  EXPECT_FALSE(contains(page, ">0.7300</td>"));
}

TEST(Comparison, SeenFoldsAreOnThePage) {
  Comparison comparison = comparison_of(2, 0);
  EXPECT_FALSE(contains(render_comparison(comparison), "Beware"));
  comparison.runs[1].known_folds = {
      .data = model::DataOrigin::kOwn, .training = {3}, .validation = {9}, .calibration = {}};
  const std::string page = render_comparison(comparison);
  EXPECT_TRUE(contains(page, "Beware: fold 3 trained seed1: its figures are no test."));
  EXPECT_TRUE(contains(page, "Beware: fold 9 chose seed1&#39;s epoch and thresholds"));
  EXPECT_EQ(comparison_json(comparison).at("runs")[1].at("known_folds").at("training"), nlohmann::json({3}));
}

// The columns of one's own table may be called as PTB-XL's classes, and be about something else.
TEST(Comparison, OwnClassesHaveNoWordsOfPtbxl) {
  Comparison comparison = comparison_of(2, 0);
  comparison.task = data::Task::kOwn;
  EXPECT_FALSE(contains(render_comparison(comparison), "myocardial infarction"));
}

TEST(Comparison, WithoutDrawsThereAreNoIntervals) {
  const std::string text = comparison_text(comparison_of(2, 0));
  EXPECT_TRUE(contains(text, "--draws 0"));
  EXPECT_FALSE(contains(text, ", p "));
}

TEST(Comparison, NamesAreShortWhereTheyDiffer) {
  EXPECT_EQ(short_names({"runs/a", "runs/b/"}), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(short_names({"x/a", "y/a"}), (std::vector<std::string>{"x/a", "y/a"}));
}

}  // namespace
}  // namespace cardiograd::report
