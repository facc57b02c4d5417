#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "data/class_words.h"
#include "report/charts.h"
#include "report/paper.h"
#include "report/sections.h"
#include "report/tables.h"
#include "report/text.h"
#include "report/verdict.h"

namespace cardiograd::report {
namespace {

void add_tile(Markup& page, const std::string& value, const std::string& what, const std::string& note) {
  page.open("li").element("strong", value).element("span", {{"class", "what"}}, what);
  if (!note.empty()) page.element("span", {{"class", "note"}}, note);
  page.close("li");
}

void add_tiles(Markup& page, const ReportData& report) {
  const evaluation::Evaluation& e = report.evaluation;
  const std::int64_t n = e.metrics.records;
  page.open("ul", {{"class", "tiles"}});
  add_tile(page, figure(e.metrics.macro.auc, n), "macro AUC",
           std::isnan(e.auc.macro.low) ? ""
                                       : fmt::format("{:g} % interval {} to {}", 100 * e.auc.settings.level,
                                                     figure(e.auc.macro.low, n), figure(e.auc.macro.high, n)));
  add_tile(
      page, figure(e.metrics.macro.f1, n), "macro F1",
      fmt::format("precision {}, recall {}", figure(e.metrics.macro.precision, n), figure(e.metrics.macro.recall, n)));
  add_tile(page, grouped(n), n == 1 ? "record evaluated" : "records evaluated",
           fmt::format("fold{} {}", report.folds.size() == 1 ? "" : "s", fmt::join(report.folds, ", ")));
  add_tile(page, std::to_string(e.class_names.size()), "classes",
           fmt::format("{} positive labels", grouped(e.metrics.support)));
  page.close("ul");
}

OperatingPoint point_of(const ReportData& report, std::size_t c) {
  return {static_cast<double>(report.evaluation.thresholds[c]), report.evaluation.metrics.classes[c].confusion};
}

std::string outcome_gap(const ReportData& report, std::size_t c) {
  const evaluation::ClassMetrics& one = report.evaluation.metrics.classes[c];
  return fmt::format("{}: none of the {} is {}, so there is no curve.", report.evaluation.class_names[c],
                     counted(report.evaluation.metrics.records, "record"), one.support == 0 ? "positive" : "negative");
}

// One panel for each class, or the reason why there is none; classes too rare for a figure behind a fold of their own.
template <class Draw>
void add_panels(Markup& page, const ReportData& report, const std::string& caption, bool needs_both_outcomes,
                Draw&& draw) {
  std::vector<std::size_t> common, rare;
  for (std::size_t c = 0; c < report.evaluation.class_names.size(); ++c)
    (is_rare(report, c) ? rare : common).push_back(c);
  if (common.empty()) std::swap(common, rare);
  const auto add = [&](const std::vector<std::size_t>& columns) {
    page.open("div", {{"class", "panels"}});
    for (const std::size_t c : columns) {
      if (needs_both_outcomes && !report.evaluation.metrics.classes[c].both_outcomes) {
        add_gap(page, outcome_gap(report, c));
      } else {
        page.append(draw(c));
      }
    }
    page.close("div");
  };
  page.open("figure");
  add(common);
  page.element("figcaption", caption).close("figure");
  if (rare.empty()) return;
  page.open("details").element(
      "summary", fmt::format("{} with fewer than {} records of one outcome: figures of luck",
                             rare.size() == 1 ? "A class" : fmt::format("{} classes", rare.size()), kMinForAFigure));
  add(rare);
  page.close("details");
}

// What an AUC below 0.5 means, beside it.
std::string auc_text(const evaluation::Interval& auc, std::int64_t n) {
  return with_interval(auc, n) + (is_worse_than_guessing(auc.value) ? ", worse than guessing" : "");
}

void add_co_confusion(Markup& page, const ReportData& report) {
  const evaluation::Evaluation& e = report.evaluation;
  std::vector<std::int64_t> supports;
  for (const evaluation::ClassMetrics& one : e.metrics.classes) supports.push_back(one.support);
  page.element("h3", "Which decisions go with which label");
  page.open("figure");
  page.append(co_confusion_chart({"co-confusion", "Decisions by label",
                                  "The table below holds the numbers: of the records with each label, how many were "
                                  "decided positive for each class."},
                                 e.class_names, report.co_confusion, supports));
  page.element(
      "figcaption",
      "Of the records with a row's label, the fraction that is decided positive for a column's class; none: for "
      "no class. A record may have several labels and decisions, so rows need not add up to 100 %, and what "
      "stands beside the diagonal may be right, too.");
  page.close("figure").open("details").element("summary", "All numbers");
  Table table{"Records with each label by decision", {"labeled", "records"}, {}};
  for (const std::string& name : e.class_names) table.columns.emplace_back(name);
  table.columns.emplace_back("none");
  for (std::size_t row = 0; row < e.class_names.size(); ++row) {
    TableRow cells{{data::class_in_words(e.class_names[row], report.description.task), grouped(supports[row])}, false};
    for (const std::int64_t count : report.co_confusion[row]) cells.cells.emplace_back(grouped(count));
    table.rows.push_back(std::move(cells));
  }
  add_table(page, table);
  page.close("details");
}

std::string paper_figure(bool known, double value) {
  return known ? fmt::format("{:.2f}", value) : kDash;
}

}  // namespace

void add_summary(Markup& page, const ReportData& report) {
  page.element("p", {{"class", "verdict"}}, verdict(report));
  add_tiles(page, report);
  for (const std::string& detail : verdict_details(report)) page.element("p", detail);
  page.open("div", {{"class", "note-box"}, {"role", "note"}});
  page.open("p")
      .element("strong", "Research only.")
      .text(" This is not a medical device: nothing here may decide about a patient.")
      .close("p");
  const std::vector<std::string> warnings = caveats(report);
  if (!warnings.empty()) {
    page.element("p", "Before believing a figure:").open("ul");
    for (const std::string& warning : warnings) page.element("li", warning);
    page.close("ul");
  }
  page.close("div");
}

void add_results(Markup& page, const ReportData& report) {
  const evaluation::Evaluation& e = report.evaluation;
  Table table{fmt::format("Table 2 for this model, with the paper's figures on the complete PTB-XL beside it ({}, a "
                          "record is positive above the threshold)",
                          counted(e.metrics.records, "record")),
              {"class", "positives", "precision", "paper precision", "recall", "paper recall", "F1", "paper F1",
               e.auc.settings.draws > 0 ? fmt::format("AUC ({:g} % interval)", 100 * e.auc.settings.level) : "AUC",
               "paper AUC", "average precision", "threshold"},
              {}};
  const auto add = [&](const std::string& name, const evaluation::BasicMetrics& scores, const std::string& support,
                       std::int64_t n, const std::string& auc, const std::string& threshold,
                       const std::optional<PaperScores>& paper, const std::string& paper_auc, bool apart) {
    const bool known = paper.has_value();
    const PaperScores p = paper.value_or(PaperScores{});
    table.rows.push_back({{name, support, figure(scores.precision, n), paper_figure(known, p.precision),
                           figure(scores.recall, n), paper_figure(known, p.recall), figure(scores.f1, n),
                           paper_figure(known, p.f1), auc, paper_auc, figure(scores.average_precision, n), threshold},
                          apart});
  };
  // Classes too rare for a figure stand apart, below the others.
  for (const bool rare : {false, true}) {
    bool first = true;
    for (std::size_t c = 0; c < e.class_names.size(); ++c) {
      if (is_rare(report, c) != rare) continue;
      const evaluation::ClassMetrics& one = e.metrics.classes[c];
      add(data::class_in_words(e.class_names[c], report.description.task), one, grouped(one.support), one.support,
          auc_text(e.auc.classes[c], one.support), fmt::format("{:.3f}", e.thresholds[c]),
          paper_class(report.description.task, e.class_names[c]), kDash, rare && first);
      first = false;
    }
  }
  const std::optional<PaperMacro> macro = paper_macro(report.description.task);
  const std::string support = grouped(e.metrics.support);
  const std::int64_t n = e.metrics.records;
  add("macro", e.metrics.macro, support, n, with_interval(e.auc.macro, n), "", macro,
      macro ? fmt::format("{:.3f}", macro->auc) : kDash, true);
  add("micro", e.metrics.micro, support, n, figure(e.metrics.micro.auc, n), "", std::nullopt, kDash, false);
  add("weighted", e.metrics.weighted, support, n, figure(e.metrics.weighted.auc, n), "", std::nullopt, kDash, false);
  add("samples", e.metrics.samples, support, n, figure(e.metrics.samples.auc, n), "", std::nullopt, kDash, false);
  add_table(page, table);
  page.element(
      "p", {{"class", "note"}},
      fmt::format("Macro means go over the {} of {} classes with both outcomes. Figures that fewer than 100 "
                  "records decide have two decimals. Classes with fewer than ten records of one outcome stand below a "
                  "line: their figures are luck. The paper gives no AUC per class, no intervals and no "
                  "thresholds.",
                  e.metrics.macro_classes, e.class_names.size()));
}

void add_roc(Markup& page, const ReportData& report) {
  const evaluation::Evaluation& e = report.evaluation;
  add_panels(page, report,
             "Sensitivity against false alarms at every threshold. The dot is the model's own threshold, the dashed "
             "line is guessing. Move the pointer over a curve, or focus it and use the arrow keys, to read it off.",
             true, [&](std::size_t c) {
               const evaluation::ClassMetrics& one = e.metrics.classes[c];
               const auto& n = one.confusion;
               return roc_panel(
                   {fmt::format("roc-{}", c), fmt::format("ROC curve of {}", e.class_names[c]),
                    fmt::format("AUC {}; {} of {}. At threshold {:.3f} it finds {} and raises {} false "
                                "alarms.",
                                with_interval(e.auc.classes[c], one.support), counted(one.support, "positive"),
                                counted(e.metrics.records, "record"), e.thresholds[c],
                                fraction_of(n.true_positives, one.support),
                                fraction_of(n.false_positives, n.false_positives + n.true_negatives))},
                   Heading{e.class_names[c],
                           fmt::format("AUC {}, {} positive", figure(one.auc, one.support), grouped(one.support))},
                   report.roc[c], point_of(report, c));
             });
}

void add_precision_recall(Markup& page, const ReportData& report) {
  const evaluation::Evaluation& e = report.evaluation;
  add_panels(
      page, report,
      "Precision (the fraction of positive predictions that are right) against recall (the fraction of positives that "
      "are "
      "found). The dashed line is the fraction of positives: the precision of predicting every record positive.",
      true, [&](std::size_t c) {
        const evaluation::ClassMetrics& one = e.metrics.classes[c];
        const auto& n = one.confusion;
        return precision_recall_panel(
            {fmt::format("pr-{}", c), fmt::format("Precision-recall curve of {}", e.class_names[c]),
             fmt::format("Average precision {}; {} of {}. At threshold {:.3f} it finds {}, and {} of its "
                         "positive predictions are right.",
                         figure(one.average_precision, one.support), counted(one.support, "positive"),
                         counted(e.metrics.records, "record"), e.thresholds[c],
                         fraction_of(n.true_positives, one.support),
                         fraction_of(n.true_positives, n.true_positives + n.false_positives))},
            Heading{e.class_names[c], fmt::format("AP {}, {} positive", figure(one.average_precision, one.support),
                                                  grouped(one.support))},
            report.precision_recall[c], point_of(report, c));
      });
}

void add_confusion(Markup& page, const ReportData& report) {
  const evaluation::Evaluation& e = report.evaluation;
  add_panels(page, report,
             "The paper's Figure 3: records with and without each label, and how many of them the model predicts "
             "positive and negative. "
             "Percentages are of the row.",
             false, [&](std::size_t c) {
               const auto& n = e.metrics.classes[c].confusion;
               return confusion_panel(
                   {fmt::format("confusion-{}", c), fmt::format("Confusion matrix of {}", e.class_names[c]),
                    fmt::format(
                        "With the label: {} predicted positive, {} missed. Without it: {} predicted negative, {} false "
                        "alarms.",
                        n.true_positives, n.false_negatives, n.true_negatives, n.false_positives)},
                   Heading{e.class_names[c], fmt::format("{} positive", grouped(e.metrics.classes[c].support))}, n);
             });
  add_co_confusion(page, report);
}

void add_calibration(Markup& page, const ReportData& report) {
  const evaluation::Evaluation& e = report.evaluation;
  page.element(
      "p",
      "Probabilities are calibrated when, of all records given 70 %, 70 % are positive: the dots then lie on the "
      "dashed line. A dot's area is its number of records, its whisker the 95 % interval (Wilson) that so few "
      "records leave.");
  add_panels(
      page, report,
      "Fraction of positives against the predicted probability, in ten bins of equal width. Positive weights in the "
      "training loss, as in the paper, push the probabilities of rare classes up.",
      false, [&](std::size_t c) {
        const evaluation::Calibration& one = report.calibration[c];
        return reliability_panel(
            {fmt::format("reliability-{}", c), fmt::format("Reliability of the probabilities of {}", e.class_names[c]),
             fmt::format("Expected calibration error {:.3f}, Brier score {:.3f}, {}, {}.", one.expected_error,
                         one.brier, counted(one.records, "record"), counted(one.positives, "positive"))},
            Heading{e.class_names[c],
                    fmt::format("ECE {}, n = {}", figure(one.expected_error, one.records), grouped(one.records))},
            one);
      });
  Table table{
      "Calibration of each class", {"class", "records", "positives", "expected calibration error", "Brier score"}, {}};
  for (std::size_t c = 0; c < e.class_names.size(); ++c) {
    const evaluation::Calibration& one = report.calibration[c];
    table.rows.push_back(
        {{data::class_in_words(e.class_names[c], report.description.task), grouped(one.records), grouped(one.positives),
          figure(one.expected_error, one.records), figure(one.brier, one.records)},
         false});
  }
  add_table(page, table);
}

}  // namespace cardiograd::report
