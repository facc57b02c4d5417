#include "evaluation/evaluation.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "tests/evaluation/golden_metrics.h"

namespace cardiograd::evaluation {
namespace {

// Five records, four classes; the last has no positives, the third is always wrong.
const std::vector<std::string> kNames{"CD", "LAFB/LPFB", "_AVB", "PMI"};
const std::vector<std::uint8_t> kLabels{1, 0, 0, 0, 0, 1, 1, 0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0};
const std::vector<float> kScores{0.9F, 0.2F, 0.7F, 0.1F, 0.1F, 0.8F, 0.2F, 0.1F, 0.8F, 0.4F,
                                 0.9F, 0.6F, 0.3F, 0.3F, 0.1F, 0.1F, 0.6F, 0.7F, 0.6F, 0.2F};
const std::vector<float> kThresholds{0.5F, 0.5F, 0.5F, 0.25F};

Evaluation small_evaluation(std::int64_t draws) {
  BootstrapSettings settings;
  settings.draws = draws;
  settings.seed = 1;
  return evaluate(kScores, kLabels, kNames, kThresholds, settings);
}

TEST(EvaluationReport, TableByHand) {
  // Micro, weighted and samples figures from scikit-learn.
  // CD: 2 hits of 3 predicted, all of 2 found. LAFB/LPFB: 2 of 2 predicted, 2 of 3 found. _AVB: AUC 0 of 6 pairs.
  EXPECT_EQ(
      format_table(small_evaluation(0)),
      "class      precision  recall      F1  AUC                       AP  support  threshold\n"
      "CD             0.667   1.000   0.800  1.000                  1.000        2     0.5000\n"
      "LAFB/LPFB      1.000   0.667   0.800  1.000                  1.000        3     0.5000\n"
      "_AVB           0.000   0.000   0.000  0.000                  0.325        2     0.5000\n"
      "PMI            0.000   0.000   0.000  -                          -        0     0.2500\n"
      "\n"
      "macro          0.556   0.556   0.533  0.667                  0.775        7\n"
      "micro          0.444   0.571   0.500  0.692                  0.560        7\n"
      "weighted       0.619   0.571   0.571  0.714                  0.807        7\n"
      "samples        0.433   0.600   0.447  -                          -        7\n"
      "\n"
      "5 records; macro means over 3 of 4 classes (PMI has no positives).\n"
      "\n"
      "confusion matrices (rows: labeled - or +, columns: predicted - or +)\n"
      "CD             -      +    LAFB/LPFB      -      +    _AVB           -      +    PMI            -      +\n"
      "        -      2      1            -      2      0            -      0      3            -      4      1\n"
      "        +      0      2            +      1      2            +      2      0            +      0      0\n");
}

TEST(EvaluationReport, TableShowsIntervalsAndWhatTheyMean) {
  const Evaluation evaluation = small_evaluation(200);
  const std::string table = format_table(evaluation);
  EXPECT_NE(table.find("1.000 [1.000, 1.000]"), std::string::npos) << table;
  EXPECT_NE(table.find("[low, high]: 95 % of 200 bootstrap draws over records, seed 1; "), std::string::npos) << table;
  EXPECT_GT(evaluation.auc.incomplete_draws, 0);
  EXPECT_NE(table.find(std::to_string(evaluation.auc.incomplete_draws) + " of them lacked an outcome of a class"),
            std::string::npos)
      << table;
}

TEST(EvaluationReport, ManyClassesBreakIntoLinesOfFourMatrices) {
  std::vector<std::string> names;
  for (int c = 0; c < 23; ++c) names.push_back("class" + std::to_string(c));
  std::vector<std::uint8_t> labels(23 * 3);
  std::vector<float> scores(23 * 3, 0.25F);
  for (std::size_t i = 0; i < labels.size(); i += 2) labels[i] = 1;
  const Evaluation evaluation = evaluate(scores, labels, names, std::vector<float>(23, 0.5F), {0, 0, 0.95});
  const std::string table = format_table(evaluation);
  for (std::size_t begin = 0, end; (end = table.find('\n', begin)) != std::string::npos; begin = end + 1) {
    EXPECT_LE(end - begin, 120U);
    EXPECT_TRUE(end == begin || table[end - 1] != ' ');
  }
  for (const std::string& name : names) EXPECT_NE(table.find('\n' + name + ' '), std::string::npos) << name;
  EXPECT_EQ(table.back(), '\n');
}

TEST(EvaluationReport, JsonHoldsEverything) {
  const Evaluation evaluation = small_evaluation(50);
  // Through text, as a program reads it.
  const nlohmann::json json = nlohmann::json::parse(to_json(evaluation).dump());
  EXPECT_EQ(json.at("records"), 5);
  EXPECT_EQ(json.at("class_order"), kNames);
  EXPECT_EQ(json["macro"]["auc"].get<double>(), evaluation.metrics.macro.auc);
  EXPECT_EQ(json["macro"]["f1"].get<double>(), evaluation.metrics.macro.f1);
  EXPECT_EQ(json["macro"]["auc_low"].get<double>(), evaluation.auc.macro.low);
  EXPECT_EQ(json["macro"]["classes"], 3);
  EXPECT_EQ(json["micro"]["f1"].get<double>(), 0.5);
  EXPECT_EQ(json["weighted"]["recall"].get<double>(), evaluation.metrics.weighted.recall);
  EXPECT_EQ(json["samples"]["precision"].get<double>(), evaluation.metrics.samples.precision);
  EXPECT_FALSE(json["samples"].contains("auc"));
  const nlohmann::json& one = json["classes"]["LAFB/LPFB"];
  EXPECT_EQ(one["auc"], 1.0);
  EXPECT_EQ(one["support"], 3);
  EXPECT_EQ(one["threshold"], 0.5);
  EXPECT_EQ(one["confusion"]["true_positives"], 2);
  EXPECT_EQ(one["confusion"]["false_negatives"], 1);
  EXPECT_EQ(one["confusion"]["true_negatives"], 2);
  EXPECT_EQ(one["confusion"]["false_positives"], 0);
  EXPECT_TRUE(json["classes"]["PMI"]["auc"].is_null());
  EXPECT_TRUE(json["classes"]["PMI"]["auc_low"].is_null());
  EXPECT_EQ(json["classes"]["PMI"]["auc_draws"], 0);
  EXPECT_EQ(json["bootstrap"]["draws"], 50);
  EXPECT_EQ(json["bootstrap"]["seed"], 1);
  EXPECT_EQ(json["bootstrap"]["incomplete_draws"], evaluation.auc.incomplete_draws);
}

TEST(EvaluationReport, IntervalsSurroundTheSameValues) {
  const testing::GoldenCase golden = testing::golden_metric_case("random");
  const std::vector<std::string> names{"a", "b", "c", "d", "e"};
  const Evaluation evaluation = evaluate(golden.scores, golden.labels, names, golden.thresholds);
  EXPECT_EQ(evaluation.auc.settings.draws, 1000);
  EXPECT_EQ(evaluation.auc.macro.value, evaluation.metrics.macro.auc);
  for (std::size_t c = 0; c < names.size(); ++c) {
    EXPECT_EQ(evaluation.auc.classes[c].value, evaluation.metrics.classes[c].auc);
    EXPECT_LT(evaluation.auc.classes[c].low, evaluation.metrics.classes[c].auc);
    EXPECT_GT(evaluation.auc.classes[c].high, evaluation.metrics.classes[c].auc);
  }
}

TEST(EvaluationReport, Errors) {
  const std::vector<std::string> twice{"CD", "MI", "CD", "PMI"};
  const std::vector<std::string> unnamed{"CD", "MI", "", "PMI"};
  EXPECT_THROW(evaluate(kScores, kLabels, twice, kThresholds), Error);
  EXPECT_THROW(evaluate(kScores, kLabels, unnamed, kThresholds), Error);
  EXPECT_THROW(evaluate(kScores, kLabels, {}, kThresholds), Error);
  EXPECT_THROW(evaluate(kScores, std::span(kLabels).first(19), kNames, kThresholds), Error);
  std::vector<float> broken = kScores;
  broken[6] = std::nanf("");
  try {
    evaluate(broken, kLabels, kNames, kThresholds);
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "the score of record 1, class '_AVB' is NaN, expected a probability");
  }
}

}  // namespace
}  // namespace cardiograd::evaluation
