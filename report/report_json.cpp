#include "report/report_json.h"

#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "data/class_words.h"
#include "model/description_json.h"
#include "report/explanation.h"
#include "report/paper.h"
#include "report/verdict.h"

namespace cardiograd::report {
namespace {

using nlohmann::json;

json or_null(double value) {
  return std::isfinite(value) ? json(value) : json(nullptr);
}

json interval_json(const evaluation::Interval& interval) {
  return {{"value", or_null(interval.value)}, {"low", or_null(interval.low)}, {"high", or_null(interval.high)}};
}

const char* role_word(FoldRole role) {
  switch (role) {
    case FoldRole::kTest:
      return "test";
    case FoldRole::kValidation:
      return "validation";
    case FoldRole::kTraining:
      return "training";
    case FoldRole::kNone:
      return "none";
    case FoldRole::kUnknown:
      break;
  }
  return "unknown";
}

json calibration_json(const evaluation::Calibration& calibration) {
  json bins = json::array();
  for (const evaluation::ReliabilityBin& bin : calibration.bins)
    bins.push_back({{"low", bin.low},
                    {"high", bin.high},
                    {"records", bin.records},
                    {"positives", bin.positives},
                    {"mean_probability", or_null(bin.mean_score)},
                    {"positive_fraction", or_null(bin.positive_fraction)},
                    {"low_95", bin.interval.low},
                    {"high_95", bin.interval.high}});
  return {{"records", calibration.records},
          {"positives", calibration.positives},
          {"expected_error", or_null(calibration.expected_error)},
          {"brier", or_null(calibration.brier)},
          {"bins", bins}};
}

json paper_json(const PaperScores& scores) {
  return {{"precision", scores.precision}, {"recall", scores.recall}, {"f1", scores.f1}};
}

// What the page says of a class beside its figures.
void add_to_class(const ReportData& report, std::size_t c, json& one) {
  const std::string& name = report.evaluation.class_names[c];
  const data::Task task = report.description.task;
  one["meaning"] = data::class_meaning(name, task);
  one["negatives"] = report.evaluation.metrics.records - report.evaluation.metrics.classes[c].support;
  one["rare"] = is_rare(report, c);
  one["worse_than_guessing"] = is_worse_than_guessing(report.evaluation.auc.classes[c].value);
  const auto paper = paper_class(task, name);
  one["paper"] = paper ? paper_json(*paper) : json(nullptr);
}

json totals_json(const ReportData& report) {
  const Totals all = totals(report);
  return {{"true_positives", all.true_positives},
          {"positive_decisions", all.positive_decisions},
          {"expected_calibration_error", or_null(all.expected_error)},
          {"mean_probability", or_null(all.mean_probability)},
          {"positive_fraction", or_null(all.positive_fraction)}};
}

json curves_json(const ReportData& report, std::size_t c) {
  json roc = json::array(), precision_recall = json::array();
  for (const evaluation::RocPoint& point : report.roc[c])
    roc.push_back({or_null(point.false_positive_rate), or_null(point.true_positive_rate), or_null(point.threshold)});
  for (const evaluation::PrecisionRecallPoint& point : report.precision_recall[c])
    precision_recall.push_back({or_null(point.recall), or_null(point.precision), or_null(point.threshold)});
  return {{"roc", roc}, {"precision_recall", precision_recall}};
}

json subgroups_json(const ReportData& report) {
  json groups = json::array();
  for (const evaluation::SubgroupResult& one : report.subgroups) {
    json group = {{"criterion", one.group.criterion}, {"name", one.group.name}, {"records", one.metrics.records}};
    if (one.metrics.records > 0) {
      group["positive_labels"] = one.metrics.support;
      group["macro_classes"] = one.metrics.macro_classes;
      group["macro_auc"] = interval_json(one.auc.macro);
      group["macro_f1"] = or_null(one.metrics.macro.f1);
      for (std::size_t c = 0; c < one.auc.classes.size(); ++c)
        group["classes"][report.evaluation.class_names[c]] = {{"auc", interval_json(one.auc.classes[c])},
                                                              {"positives", one.metrics.classes[c].support}};
    }
    groups.push_back(std::move(group));
  }
  return groups;
}

json mistakes_json(const ReportData& report) {
  json mistakes = json::array();
  for (const MistakenRecord& one : report.mistakes)
    mistakes.push_back({{"ecg_id", one.ecg_id},
                        {"path", one.path.empty() ? json(nullptr) : json(one.path)},
                        {"fold", one.fold},
                        {"class", report.evaluation.class_names[static_cast<std::size_t>(one.mistake.column)]},
                        {"probability", one.mistake.score},
                        {"labeled", one.mistake.labeled},
                        {"age", or_null(static_cast<double>(one.age))},
                        {"sex", or_null(static_cast<double>(one.sex))},
                        {"probabilities", one.probabilities},
                        {"labels", one.labels}});
  return mistakes;
}

json parts_json(const std::vector<model::PartContribution>& parts) {
  json list = json::object();
  for (const model::PartContribution& part : parts)
    list[part.name] = {{"fraction", part.fraction}, {"time", part.extent}, {"contribution", part.contribution}};
  return list;
}

json explanations_json(const ReportData& report) {
  json all = json::object();
  for (const ExplainedClass& one : report.explained) {
    json example = explanation_json(report.description, one.example, one.example.whys.front());
    for (const char* drawn : {"map", "parts_of_samples", "inputs"}) example.erase(drawn);
    all[report.evaluation.class_names[one.column]] = {{"records", one.records},
                                                      {"missed_fraction", or_null(one.missed_fraction)},
                                                      {"parts", parts_json(one.parts)},
                                                      {"leads", parts_json(one.leads)},
                                                      {"example", std::move(example)}};
  }
  return all;
}

json importance_json(const ReportData& report) {
  if (!report.importance) return nullptr;
  json features = json::object();
  for (const model::FeatureImportance& one : report.importance->features)
    features[one.name] = {{"drop", or_null(one.drop)}, {"sd", or_null(one.sd)}};
  return {{"macro_auc", or_null(report.importance->macro_auc)},
          {"repeats", report.importance->settings.repeats},
          {"seed", report.importance->settings.seed},
          {"features", features}};
}

json distribution_json(const data::ClassDistribution& classes) {
  json all = {{"records", classes.records}, {"unlabeled", classes.unlabeled}, {"superclasses", json::object()}};
  for (const data::SuperclassCount& super : classes.superclasses) {
    json& one = all["superclasses"][super.name];
    one = {{"records", super.records}, {"subclasses", json::object()}};
    for (const data::SubclassCount& sub : super.subclasses) one["subclasses"][sub.name] = sub.records;
  }
  return all;
}

}  // namespace

json training_json(const std::vector<model::EpochResult>& log, const std::vector<std::string>& class_names) {
  json epochs = json::array();
  for (const model::EpochResult& r : log) {
    json row = {{"epoch", r.epoch},
                {"train_loss", or_null(r.train_loss)},
                {"val_loss", or_null(r.val_loss)},
                {"val_macro_auc", or_null(r.val_macro_auc)},
                {"lr", or_null(r.lr)},
                {"samples_per_s", or_null(r.samples_per_s)},
                {"seconds", or_null(r.seconds)},
                {"best", r.best}};
    for (std::size_t c = 0; c < r.auc.size() && c < class_names.size(); ++c)
      row["auc"][class_names[c]] = or_null(r.auc[c]);
    epochs.push_back(std::move(row));
  }
  return epochs;
}

json report_json(const ReportData& report) {
  json all = evaluation::to_json(report.evaluation);
  all["model"] = report.model_file;
  if (!report.ensemble.empty()) all["models"] = report.ensemble;
  all["kind"] = {{"name", report.description.architecture.kind().name},
                 {"title", report.description.architecture.kind().title}};
  all["epoch"] = report.ensemble.empty() ? json(report.description.epoch) : json(nullptr);
  all["parameters"] = report.parameters;
  all["data"] = report.data_folder;
  all["folds"] = report.folds;
  all["fold_role"] = role_word(report.fold_role);
  all["known_folds"] = {{"training", report.known_folds.training},
                        {"validation", report.known_folds.validation},
                        {"calibration", report.known_folds.calibration}};
  all["date"] = report.date;
  all["program"] = report.program;
  all["synthetic_model"] = report.description.synthetic;
  all["synthetic_start"] = report.description.synthetic_start;
  all["synthetic_data"] = report.synthetic_data;
  all["verdict"] = verdict(report);
  all["verdict_details"] = verdict_details(report);
  all["caveats"] = caveats(report);
  all["totals"] = totals_json(report);
  const auto paper = paper_macro(report.description.task);
  all["macro"]["paper"] = paper ? paper_json(*paper) : json(nullptr);
  if (paper) all["macro"]["paper"]["auc"] = paper->auc;
  all["comparable_with_paper"] = report.whole_ptbxl;
  for (std::size_t c = 0; c < report.evaluation.class_names.size(); ++c) {
    const std::string& name = report.evaluation.class_names[c];
    add_to_class(report, c, all["classes"][name]);
    all["calibration"][name] = calibration_json(report.calibration[c]);
    all["curves"][name] = curves_json(report, c);
  }
  all["subgroups"] = subgroups_json(report);
  all["co_confusion"] = report.co_confusion;
  all["wrong_records"] = report.wrong_records;
  all["mistakes"] = mistakes_json(report);
  all["explanations"] = explanations_json(report);
  all["importance"] = importance_json(report);
  all["training"] = training_json(report.log, report.evaluation.class_names);
  all["class_distribution"] = distribution_json(report.classes);
  all["configuration"] = {{"model", model::description_json(report.description)},
                          {"data", report.data_text},
                          {"config_toml", report.config.empty() ? json(nullptr) : json(report.config)}};
  all["gaps"] = {{"training", report.log_gap}, {"configuration", report.config_gap}};
  return all;
}

}  // namespace cardiograd::report
