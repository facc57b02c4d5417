#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "data/class_words.h"
#include "report/charts.h"
#include "report/sections.h"
#include "report/tables.h"
#include "report/text.h"

namespace cardiograd::report {
namespace {

constexpr double kChance = 0.5;
constexpr std::int64_t kTooFewToResample = 10;

// From the lowest interval's end to 1, so that the rows of one table can be compared; never above 0.5.
Range auc_range(const std::vector<evaluation::Interval>& intervals) {
  double low = kChance;
  for (const evaluation::Interval& one : intervals) {
    if (std::isfinite(one.value)) low = std::min(low, one.value);
    if (std::isfinite(one.low)) low = std::min(low, one.low);
  }
  return {std::floor(low * 10) / 10, 1};
}

Markup auc_bar(const evaluation::Interval& interval, Range range) {
  return interval_bar({interval.value, interval.low, interval.high}, range, kChance);
}

std::string bootstrap_text(const evaluation::BootstrapAuc& auc) {
  if (auc.settings.draws == 0) return "No bootstrap draws were asked for (--draws 0), so there are no intervals.";
  std::string text = fmt::format(
      "Intervals hold the middle {:g} % of {} bootstrap draws (records drawn with replacement, seed {}). They say what "
      "another sample of such records would change, not what another hospital would.",
      100 * auc.settings.level, grouped(auc.settings.draws), auc.settings.seed);
  if (auc.incomplete_draws > 0)
    text += fmt::format(" In {} draws a class lost one of its outcomes; it was left out there.",
                        grouped(auc.incomplete_draws));
  return text;
}

// Resampling repeats the few records there are; it cannot show the variation among others.
void add_too_narrow(Markup& page, const evaluation::Evaluation& e) {
  std::vector<std::string> names;
  for (std::size_t c = 0; c < e.class_names.size(); ++c) {
    const evaluation::ClassMetrics& one = e.metrics.classes[c];
    const std::int64_t rarer = std::min(one.support, e.metrics.records - one.support);
    if (one.both_outcomes && rarer < kTooFewToResample)
      names.push_back(fmt::format("{} ({})", e.class_names[c], rarer));
  }
  if (names.empty() || e.auc.settings.draws == 0) return;
  page.element(
      "p", {{"class", "note"}},
      fmt::format("Narrower than the truth, because fewer than {} records of one outcome are there to draw from: "
                  "the intervals of {}.",
                  kTooFewToResample, enumerate(names)));
}

}  // namespace

void add_intervals(Markup& page, const ReportData& report) {
  const evaluation::Evaluation& e = report.evaluation;
  page.element("p", bootstrap_text(e.auc));
  std::vector<evaluation::Interval> all = e.auc.classes;
  all.push_back(e.auc.macro);
  const Range range = auc_range(all);
  Table table{"AUC of each class; the dashed line is guessing",
              {"class", "positives", "negatives", "AUC", interval_axis(range)},
              {}};
  for (std::size_t c = 0; c < e.class_names.size(); ++c) {
    const std::int64_t support = e.metrics.classes[c].support;
    table.rows.push_back({{data::class_in_words(e.class_names[c], report.description.task), grouped(support),
                           grouped(e.metrics.records - support), with_interval(e.auc.classes[c], support),
                           auc_bar(e.auc.classes[c], range)},
                          false});
  }
  table.rows.push_back({{"macro", grouped(e.metrics.support), "", with_interval(e.auc.macro, e.metrics.records),
                         auc_bar(e.auc.macro, range)},
                        true});
  add_table(page, table);
  add_too_narrow(page, e);
}

void add_subgroups(Markup& page, const ReportData& report) {
  page.element("p",
               "The same figures for parts of the records. Groups are small and differ in their diagnoses: an interval "
               "that overlaps another shows no difference, and a macro mean over fewer classes is another figure.");
  std::vector<evaluation::Interval> all;
  for (const evaluation::SubgroupResult& one : report.subgroups)
    if (one.metrics.records > 0) all.push_back(one.auc.macro);
  const Range range = auc_range(all);
  Table table{fmt::format("Macro AUC by age and sex, with {:g} % intervals; the dashed line is guessing",
                          100 * report.evaluation.auc.settings.level),
              {"group", "records", "positive labels", "classes", "macro AUC", interval_axis(range), "macro F1"},
              {}};
  Table by_class{"AUC of each class by age and sex: value, interval, positives of records", {"group"}, {}};
  for (const std::string& name : report.evaluation.class_names) by_class.columns.emplace_back(name);
  std::string criterion;
  for (const evaluation::SubgroupResult& one : report.subgroups) {
    const evaluation::Metrics& m = one.metrics;
    const bool apart = !criterion.empty() && criterion != one.group.criterion;
    criterion = one.group.criterion;
    const std::string name = fmt::format("{}: {}", one.group.criterion, one.group.name);
    if (m.records == 0) {
      table.rows.push_back({{name, "0", kDash, kDash, kDash, "", kDash}, apart});
      continue;
    }
    table.rows.push_back(
        {{name, grouped(m.records), grouped(m.support), fmt::format("{} of {}", m.macro_classes, m.classes.size()),
          with_interval(one.auc.macro, m.records), auc_bar(one.auc.macro, range), figure(m.macro.f1, m.records)},
         apart});
    TableRow row{{name}, apart};
    for (std::size_t c = 0; c < m.classes.size(); ++c)
      row.cells.emplace_back(fmt::format("{}, {}/{}", with_interval(one.auc.classes[c], m.classes[c].support),
                                         m.classes[c].support, m.records));
    by_class.rows.push_back(std::move(row));
  }
  add_table(page, table);
  page.open("details").element("summary", "Each class in each group");
  add_table(page, by_class);
  page.close("details");
}

void add_importance(Markup& page, const ReportData& report) {
  if (!report.importance) {
    add_gap(page, "This model has no hand-crafted features, so none can be shuffled.");
    return;
  }
  const model::PermutationImportance& importance = *report.importance;
  if (importance.features.empty()) {
    add_gap(page,
            "No class has both positive and negative records, so there is no macro AUC that a feature could cost.");
    return;
  }
  const std::int64_t n = report.evaluation.metrics.records;
  page.element(
      "p", fmt::format(
               "Each feature is shuffled among the {} ({} times, seed {}): what the macro AUC of {:.3f} loses "
               "is the importance of the feature to this model. Features that carry the same information can replace "
               "each other, so a small loss does not mean that a feature is uninformative; a loss below zero "
               "is chance.",
               counted(n, "record"), importance.settings.repeats, importance.settings.seed, importance.macro_auc));
  std::vector<model::FeatureImportance> features = importance.features;
  const auto last = std::stable_partition(features.begin(), features.end(),
                                          [](const auto& one) { return one.name != model::kAllFeatures; });
  std::stable_sort(features.begin(), last, [](const auto& a, const auto& b) { return a.drop > b.drop; });
  std::vector<double> ends{0};
  for (const auto& one : features) {
    ends.push_back(one.drop - one.sd);
    ends.push_back(one.drop + one.sd);
  }
  const Range range = round_range(ends);
  Table table{
      fmt::format("Loss of macro AUC when a feature is shuffled: mean and standard deviation over {} shuffles, {}",
                  importance.settings.repeats, counted(n, "record")),
      {"feature", "loss", "SD", interval_axis(range)},
      {}};
  for (const auto& one : features)
    table.rows.push_back({{one.name, fmt::format("{:.4f}", one.drop), fmt::format("{:.4f}", one.sd),
                           interval_bar({one.drop, one.drop - one.sd, one.drop + one.sd}, range, 0)},
                          one.name == model::kAllFeatures});
  add_table(page, table);
}

}  // namespace cardiograd::report
