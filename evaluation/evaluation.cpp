#include "evaluation/evaluation.h"

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace cardiograd::evaluation {
namespace {

constexpr std::size_t kMatricesPerLine = 4;

void check_names(std::span<const std::string> names) {
  std::set<std::string_view> seen;
  for (const std::string& name : names) {
    if (name.empty()) throw Error("an empty class name, expected every class to have a name");
    if (!seen.insert(name).second)
      throw Error(fmt::format("two classes are named '{}', expected every class name once", name));
  }
}

// --- text

std::string number(double value) {
  return std::isnan(value) ? "-" : fmt::format("{:.3f}", value);
}

std::string with_interval(double value, const Interval& interval) {
  if (std::isnan(interval.low)) return number(value);
  return fmt::format("{} [{}, {}]", number(value), number(interval.low), number(interval.high));
}

// The width of the first column, in bytes: class names are ASCII.
std::size_t name_width(const Evaluation& evaluation) {
  std::size_t width = std::string_view("weighted").size();
  for (const std::string& name : evaluation.class_names) width = std::max(width, name.size());
  return width;
}

std::string row(std::size_t width, std::string_view name, const BasicMetrics& scores, std::string_view auc,
                std::string_view support, std::string_view threshold) {
  std::string line =
      fmt::format("{:<{}}  {:>9}  {:>6}  {:>6}  {:<20}  {:>6}  {:>7}  {:>9}", name, width, number(scores.precision),
                  number(scores.recall), number(scores.f1), auc, number(scores.average_precision), support, threshold);
  line.erase(line.find_last_not_of(' ') + 1);
  return line + '\n';
}

std::string table_rows(const Evaluation& evaluation) {
  const std::size_t width = name_width(evaluation);
  const Metrics& metrics = evaluation.metrics;
  std::string text = fmt::format("{:<{}}  {:>9}  {:>6}  {:>6}  {:<20}  {:>6}  {:>7}  {:>9}\n", "class", width,
                                 "precision", "recall", "F1", "AUC", "AP", "support", "threshold");
  for (std::size_t c = 0; c < metrics.classes.size(); ++c) {
    const ClassMetrics& one = metrics.classes[c];
    text += row(width, evaluation.class_names[c], one, with_interval(one.auc, evaluation.auc.classes[c]),
                std::to_string(one.support), fmt::format("{:.4f}", evaluation.thresholds[c]));
  }
  const std::string support = std::to_string(metrics.support);
  text += '\n';
  text += row(width, "macro", metrics.macro, with_interval(metrics.macro.auc, evaluation.auc.macro), support, "");
  text += row(width, "micro", metrics.micro, number(metrics.micro.auc), support, "");
  text += row(width, "weighted", metrics.weighted, number(metrics.weighted.auc), support, "");
  text += row(width, "samples", metrics.samples, number(metrics.samples.auc), support, "");
  return text;
}

std::string notes(const Evaluation& evaluation) {
  const Metrics& metrics = evaluation.metrics;
  std::string text = fmt::format("{} records; macro means over {} of {} classes", metrics.records,
                                 metrics.macro_classes, metrics.classes.size());
  std::vector<std::string> left_out;
  for (std::size_t c = 0; c < metrics.classes.size(); ++c)
    if (!metrics.classes[c].both_outcomes)
      left_out.push_back(fmt::format("{} has no {}", evaluation.class_names[c],
                                     metrics.classes[c].support == 0 ? "positives" : "negatives"));
  if (!left_out.empty()) text += fmt::format(" ({})", fmt::join(left_out, ", "));
  text += ".\n";

  const BootstrapAuc& auc = evaluation.auc;
  if (auc.settings.draws > 0) {
    text += fmt::format("[low, high]: {:g} % of {} bootstrap draws over records, seed {}", 100.0 * auc.settings.level,
                        auc.settings.draws, auc.settings.seed);
    if (auc.incomplete_draws > 0)
      text += fmt::format("; {} of them lacked an outcome of a class and skipped that class", auc.incomplete_draws);
    text += ".\n";
  }
  return text;
}

std::string confusion_matrices(const Evaluation& evaluation) {
  const std::size_t classes = evaluation.class_names.size();
  const std::size_t width = std::max<std::size_t>(name_width(evaluation), 7);
  std::string text = "confusion matrices (rows: labeled - or +, columns: predicted - or +)\n";
  for (std::size_t first = 0; first < classes; first += kMatricesPerLine) {
    const std::size_t end = std::min(first + kMatricesPerLine, classes);
    std::string head;
    std::string negatives;
    std::string positives;
    for (std::size_t c = first; c < end; ++c) {
      const ConfusionMatrix& matrix = evaluation.metrics.classes[c].confusion;
      head += fmt::format("{:<{}} {:>6} {:>6}    ", evaluation.class_names[c], width, "-", "+");
      negatives += fmt::format("{:>{}} {:>6} {:>6}    ", "-", width, matrix.true_negatives, matrix.false_positives);
      positives += fmt::format("{:>{}} {:>6} {:>6}    ", "+", width, matrix.false_negatives, matrix.true_positives);
    }
    for (std::string* line : {&head, &negatives, &positives}) {
      line->erase(line->find_last_not_of(' ') + 1);
      text += *line + '\n';
    }
    if (end < classes) text += '\n';
  }
  return text;
}

// --- JSON

nlohmann::json or_null(double value) {
  return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json(nullptr);
}

nlohmann::json decisions_json(const BasicMetrics& scores) {
  return {{"precision", or_null(scores.precision)}, {"recall", or_null(scores.recall)}, {"f1", or_null(scores.f1)}};
}

nlohmann::json scores_json(const BasicMetrics& scores) {
  nlohmann::json json = decisions_json(scores);
  json["auc"] = or_null(scores.auc);
  json["average_precision"] = or_null(scores.average_precision);
  return json;
}

nlohmann::json scores_json(const BasicMetrics& scores, const Interval& auc) {
  nlohmann::json json = scores_json(scores);
  json["auc_low"] = or_null(auc.low);
  json["auc_high"] = or_null(auc.high);
  json["auc_draws"] = auc.draws;
  return json;
}

nlohmann::json class_json(const ClassMetrics& metrics, const Interval& auc, float threshold) {
  nlohmann::json json = scores_json(metrics, auc);
  json["support"] = metrics.support;
  json["threshold"] = or_null(threshold);
  json["confusion"] = {{"true_negatives", metrics.confusion.true_negatives},
                       {"false_positives", metrics.confusion.false_positives},
                       {"false_negatives", metrics.confusion.false_negatives},
                       {"true_positives", metrics.confusion.true_positives}};
  return json;
}

}  // namespace

Evaluation evaluate(std::span<const float> scores, std::span<const std::uint8_t> labels,
                    std::span<const std::string> class_names, std::span<const float> thresholds,
                    const BootstrapSettings& bootstrap) {
  check_names(class_names);
  const auto classes = static_cast<std::int64_t>(class_names.size());
  const std::int64_t records = classes == 0 ? 0 : static_cast<std::int64_t>(labels.size()) / classes;
  const Predictions predictions{scores, labels, records, classes, class_names};
  Evaluation evaluation;
  evaluation.metrics = compute_metrics(predictions, thresholds);
  evaluation.auc = bootstrap_auc(predictions, bootstrap);
  evaluation.class_names.assign(class_names.begin(), class_names.end());
  evaluation.thresholds.assign(thresholds.begin(), thresholds.end());
  return evaluation;
}

std::string format_table(const Evaluation& evaluation) {
  return table_rows(evaluation) + '\n' + notes(evaluation) + '\n' + confusion_matrices(evaluation);
}

nlohmann::json to_json(const Evaluation& evaluation) {
  const Metrics& metrics = evaluation.metrics;
  nlohmann::json json;
  json["records"] = metrics.records;
  json["support"] = metrics.support;
  json["class_order"] = evaluation.class_names;
  json["classes"] = nlohmann::json::object();
  for (std::size_t c = 0; c < metrics.classes.size(); ++c)
    json["classes"][evaluation.class_names[c]] =
        class_json(metrics.classes[c], evaluation.auc.classes[c], evaluation.thresholds[c]);
  json["macro"] = scores_json(metrics.macro, evaluation.auc.macro);
  json["macro"]["classes"] = metrics.macro_classes;
  json["micro"] = scores_json(metrics.micro);
  json["weighted"] = scores_json(metrics.weighted);
  json["samples"] = decisions_json(metrics.samples);
  const BootstrapAuc& auc = evaluation.auc;
  json["bootstrap"] = {{"draws", auc.settings.draws},
                       {"seed", auc.settings.seed},
                       {"level", auc.settings.level},
                       {"incomplete_draws", auc.incomplete_draws}};
  return json;
}

}  // namespace cardiograd::evaluation
