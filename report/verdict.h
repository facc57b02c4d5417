// The evaluation in plain words.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "report/report_data.h"

namespace cardiograd::report {

// Of all classes together.
struct Totals {
  std::int64_t true_positives = 0;
  std::int64_t positive_decisions = 0;
  double expected_error = 0;     // expected calibration error, mean over the classes
  double mean_probability = 0;   // likewise
  double positive_fraction = 0;  // likewise: of the records with the class
};
Totals totals(const ReportData& report);

inline constexpr std::int64_t kMinForAFigure = 10;  // records of either outcome
// Whether so few records have one of the outcomes that a figure of class `c` is a matter of luck.
bool is_rare(const ReportData& report, std::size_t c);
// Whether an AUC is printed as less than 0.50; not for NaN.
bool is_worse_than_guessing(double auc);

// One sentence for the top of the page.
std::string verdict(const ReportData& report);

// What stands behind it, a paragraph each.
std::vector<std::string> verdict_details(const ReportData& report);

// What must be known before any figure is believed: folds that training saw, another data set than the paper's, classes
// without both outcomes, few positives.
std::vector<std::string> caveats(const ReportData& report);

}  // namespace cardiograd::report
