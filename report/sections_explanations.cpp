#include <algorithm>

#include <fmt/format.h>

#include "data/class_words.h"
#include "report/sections.h"
#include "report/tables.h"
#include "report/text.h"

namespace cardiograd::report {
namespace {

// One row for each class, with the fractions of its parts.
Table fractions_table(const ReportData& report, std::vector<model::PartContribution> ExplainedClass::*parts,
                      const std::string& caption, bool with_time) {
  Table table{caption, {"class", "records"}, {}};
  for (const model::PartContribution& part : report.explained.front().*parts) table.columns.emplace_back(part.name);
  for (const ExplainedClass& one : report.explained) {
    TableRow row{{data::class_in_words(report.evaluation.class_names[one.column], report.description.task),
                  grouped(one.records)},
                 false};
    for (const model::PartContribution& part : one.*parts)
      row.cells.emplace_back(with_time ? fmt::format("{:.0f} % (time {:.0f} %)", 100 * part.fraction, 100 * part.extent)
                                       : fmt::format("{:.0f} %", 100 * part.fraction));
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace

void add_explanations(Markup& page, const ReportData& report) {
  if (report.explained.empty()) {
    add_gap(page, "No answer is explained: no class has a right positive decision, or --explain 0 asked for none.");
    return;
  }
  double missed = 0;
  for (const ExplainedClass& one : report.explained) missed = std::max(missed, one.missed_fraction);
  page.element(
      "p", fmt::format(
               "For each class the surest answers that are right, explained by integrated gradients: how much of the "
               "weight lies on each part of the heartbeat and on each lead, and one of them as an example. The "
               "contributions add up to the logit but for {:.2f} % at most. This is what the model looks at, not "
               "proof that it should.",
               100 * missed));
  add_table(page,
            fractions_table(report, &ExplainedClass::parts,
                            "Fraction of the weight on each part of the heartbeat, and of the time it takes", true));
  add_table(page, fractions_table(report, &ExplainedClass::leads, "Fraction of the weight on each lead", false));
  for (const ExplainedClass& one : report.explained) {
    const model::Explanation& why = one.example.whys.front();
    page.open("details").element(
        "summary", fmt::format("{}: {}", data::class_in_words(why.class_name, why.task), one.example.record.name));
    add_explanation(page, report.description, one.example, why, fmt::format("why-{}", one.column + 1));
    page.close("details");
  }
}

}  // namespace cardiograd::report
