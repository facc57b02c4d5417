// The report's figures for programs.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "report/report_data.h"

namespace cardiograd::report {

// What evaluation::to_json() gives, and beside it every other figure of the report: "model", "epoch", "data", "folds",
// "date", "program", "verdict", "caveats", "fold_role", "known_folds", "calibration", "subgroups", "co_confusion",
// "wrong_records", "mistakes", "explanations", "importance", "training", "class_distribution". What does not exist
// (NaN) is null.
nlohmann::json report_json(const ReportData& report);

}  // namespace cardiograd::report
