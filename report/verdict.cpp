#include "report/verdict.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "data/class_words.h"
#include "report/paper.h"
#include "report/text.h"

namespace cardiograd::report {
namespace {

constexpr std::int64_t kMinPositives = 30;
constexpr double kWorseThanGuessing = 0.495;  // an AUC that is printed as less than 0.50

std::string fold_text(const std::vector<std::int64_t>& folds) {
  return fmt::format("fold{} {}", folds.size() == 1 ? "" : "s", fmt::join(folds, ", "));
}

// The words are for the ranking alone; where they begin is a convention (Hosmer and Lemeshow, Applied Logistic
// Regression, section 5.2.4).
const char* ranking_word(double auc) {
  if (auc >= 0.9) return "very well";
  if (auc >= 0.8) return "well";
  if (auc >= 0.7) return "fairly";
  return "poorly";
}

struct Extremes {
  std::size_t best = 0;
  std::size_t worst = 0;
  bool known = false;
};

Extremes extremes(const ReportData& report) {
  const evaluation::Metrics& metrics = report.evaluation.metrics;
  Extremes result;
  for (std::size_t c = 0; c < metrics.classes.size(); ++c) {
    if (is_rare(report, c)) continue;  // best and weakest would be a matter of luck
    if (!result.known) result = {c, c, true};
    if (metrics.classes[c].auc > metrics.classes[result.best].auc) result.best = c;
    if (metrics.classes[c].auc < metrics.classes[result.worst].auc) result.worst = c;
  }
  return result;
}

std::string words_of(const ReportData& report, std::size_t c) {
  return data::class_in_words(report.evaluation.class_names[c], report.description.task);
}

std::string class_text(const ReportData& report, std::size_t c) {
  const evaluation::Evaluation& e = report.evaluation;
  const std::int64_t support = e.metrics.classes[c].support;
  return fmt::format("{}: AUC {}, {}", words_of(report, c), with_interval(e.auc.classes[c], support),
                     counted(support, "positive"));
}

std::string decisions_text(const evaluation::Metrics& metrics, const Totals& all) {
  return fmt::format(
      "At its thresholds the model finds {} of the labels that are there, and {} of its positive predictions are "
      "right.",
      fraction_of(all.true_positives, metrics.support), fraction_of(all.true_positives, all.positive_decisions));
}

std::string calibration_text(const ReportData& report, const Totals& all) {
  return fmt::format(
      "Its probabilities are off by {:.2f} on average (expected calibration error, mean over the classes, {}): the "
      "mean probability is {:.2f}, the fraction of positives {:.2f}.",
      all.expected_error, counted(report.evaluation.metrics.records, "record"), all.mean_probability,
      all.positive_fraction);
}

std::string paper_text(const ReportData& report, double paper) {
  const evaluation::Metrics& metrics = report.evaluation.metrics;
  if (!report.whole_ptbxl)
    return fmt::format(
        "The paper reports a macro AUC of {:.3f}. That cannot be compared with the figure above: it was measured on "
        "the "
        "complete PTB-XL ({} records), and this is {} of another set of {}.",
        paper, grouped(kPaperRecords), fold_text(report.folds), counted(report.table_records, "record"));
  return fmt::format("The paper reports a macro AUC of {:.3f}; this model has {}, a difference of {:+.3f}.", paper,
                     figure(metrics.macro.auc, metrics.records), metrics.macro.auc - paper);
}

const char* whose_figures(const std::vector<std::int64_t>& folds) {
  return folds.size() == 1 ? "its figures" : "their figures";
}

// What the model has seen of the folds, the worst first; each sentence names the folds that it is about.
std::vector<std::string> role_caveats(const ReportData& report) {
  const model::KnownFolds& known = report.known_folds;
  std::vector<std::string> list;
  if (!known.training.empty())
    list.push_back(fmt::format("This model was trained on records of {}: {} say nothing about new recordings.",
                               fold_text(known.training), whose_figures(known.training)));
  if (!known.validation.empty())
    list.push_back(fmt::format("The epoch and the thresholds of this model were chosen on {}: {} are optimistic.",
                               fold_text(known.validation), whose_figures(known.validation)));
  if (!known.calibration.empty())
    list.push_back(fmt::format("The probabilities of this model were calibrated on {}: {} are optimistic.",
                               fold_text(known.calibration), whose_figures(known.calibration)));
  if (report.fold_role == FoldRole::kNone)
    list.push_back(
        "This model was trained on another set of records than this one. They may share some: the numbers of the folds "
        "do not say which.");
  if (report.fold_role == FoldRole::kUnknown)
    list.push_back(fmt::format(
        "Whether training has seen {} of this data set is not known: neither the model nor a config.toml beside it "
        "names its data.",
        fold_text(report.folds)));
  return list;
}

}  // namespace

Totals totals(const ReportData& report) {
  Totals all;
  for (const evaluation::ClassMetrics& one : report.evaluation.metrics.classes) {
    all.true_positives += one.confusion.true_positives;
    all.positive_decisions += one.confusion.true_positives + one.confusion.false_positives;
  }
  for (const evaluation::Calibration& one : report.calibration) {
    const auto classes = static_cast<double>(report.calibration.size());
    all.expected_error += one.expected_error / classes;
    all.positive_fraction += static_cast<double>(one.positives) / static_cast<double>(one.records) / classes;
    for (const evaluation::ReliabilityBin& bin : one.bins)
      if (bin.records > 0)
        all.mean_probability +=
            bin.mean_score * static_cast<double>(bin.records) / static_cast<double>(one.records) / classes;
  }
  return all;
}

bool is_rare(const ReportData& report, std::size_t c) {
  const evaluation::ClassMetrics& one = report.evaluation.metrics.classes[c];
  return std::min(one.support, report.evaluation.metrics.records - one.support) < kMinForAFigure;
}

bool is_worse_than_guessing(double auc) {
  return auc < kWorseThanGuessing;
}

std::string verdict(const ReportData& report) {
  const evaluation::Evaluation& e = report.evaluation;
  const double auc = e.metrics.macro.auc;
  if (std::isnan(auc))
    return fmt::format("There is no verdict: no class has both positive and negative records in {}.",
                       fold_text(report.folds));
  const std::string ranking =
      fmt::format("macro AUC {}, {}, {} of {} classes", with_interval(e.auc.macro, e.metrics.records),
                  counted(e.metrics.records, "record"), e.metrics.macro_classes, e.metrics.classes.size());
  if (auc <= 0.5 || e.auc.macro.low <= 0.5)
    return fmt::format("This model cannot be told from guessing on these records ({}).", ranking);
  // A good ranking does not make good decisions.
  const std::int64_t records = e.metrics.records;
  if (2 * report.wrong_records > records)
    return fmt::format(
        "At its thresholds this model is wrong about most records: {} have at least one wrong decision among {} "
        "classes. What can be said for it is its ranking: of one with a diagnosis and one without, it gives the right "
        "one the higher probability {:.0f} % of the time, averaged over the classes ({}).",
        fraction_of(report.wrong_records, records), e.class_names.size(), 100 * auc, ranking);
  return fmt::format(
      "This model ranks recordings {}: of one with a diagnosis and one without, it gives the right one "
      "the higher probability {:.0f} % of the time, averaged over the classes ({}).",
      ranking_word(auc), 100 * auc, ranking);
}

std::vector<std::string> verdict_details(const ReportData& report) {
  const evaluation::Metrics& metrics = report.evaluation.metrics;
  const Totals all = totals(report);
  std::vector<std::string> details;
  if (const Extremes found = extremes(report); found.known && found.best != found.worst)
    details.push_back(
        fmt::format("Best at {}; weakest at {}.", class_text(report, found.best), class_text(report, found.worst)));
  if (metrics.support > 0) details.push_back(decisions_text(metrics, all));
  if (2 * report.wrong_records <= metrics.records)
    details.push_back(fmt::format("At least one decision is wrong for {} records.",
                                  fraction_of(report.wrong_records, metrics.records)));
  details.push_back(calibration_text(report, all));
  if (const auto paper = paper_macro(report.description.task); paper && !std::isnan(metrics.macro.auc))
    details.push_back(paper_text(report, paper->auc));
  return details;
}

std::vector<std::string> caveats(const ReportData& report) {
  std::vector<std::string> list = role_caveats(report);
  const evaluation::Evaluation& e = report.evaluation;
  std::vector<std::string> one_outcome;
  std::vector<std::string> few;
  for (std::size_t c = 0; c < e.class_names.size(); ++c) {
    const evaluation::ClassMetrics& one = e.metrics.classes[c];
    if (!one.both_outcomes)
      one_outcome.push_back(
          fmt::format("{}: no {}", words_of(report, c), one.support == 0 ? "positives" : "negatives"));
    else if (one.support < kMinPositives)
      few.push_back(fmt::format("{}: {}", words_of(report, c), one.support));
  }
  if (report.description.synthetic)
    list.push_back(
        "The model was trained on synthetic ECGs. What it learned are the rules that they were made by: its figures "
        "and "
        "answers say nothing about patients.");
  if (report.description.synthetic_start)
    list.push_back(
        "The model began with a model trained on synthetic ECGs: its answers may rest on what that one had learned.");
  if (report.synthetic_data)
    list.push_back("The records are synthetic: a model may do well on them and fail on recordings of patients.");
  if (!one_outcome.empty())
    list.push_back(
        fmt::format("Without both outcomes in {}, so without curve and AUC, and left out of the macro means: "
                    "{}.",
                    fold_text(report.folds), fmt::join(one_outcome, "; ")));
  if (!few.empty())
    list.push_back(fmt::format("Fewer than {} positives, so figures that a handful of records decide: {}.",
                               kMinPositives, fmt::join(few, "; ")));
  if (report.description.unit != "mV")
    list.push_back(
        fmt::format("The signals are in '{}': they carry no voltage scale, so nothing that depends on "
                    "millivolts (hypertrophy above all) can be assessed as a cardiologist would.",
                    report.description.unit));
  return list;
}

}  // namespace cardiograd::report
