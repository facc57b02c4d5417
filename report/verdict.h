// The evaluation in plain words.
#pragma once

#include <string>
#include <vector>

#include "report/report_data.h"

namespace cardiograd::report {

// One sentence for the top of the page.
std::string verdict(const ReportData& report);

// What stands behind it, a paragraph each.
std::vector<std::string> verdict_details(const ReportData& report);

// What must be known before any figure is believed: folds that training saw, another data set than the paper's, classes
// without both outcomes, few positives.
std::vector<std::string> caveats(const ReportData& report);

}  // namespace cardiograd::report
