// The report's figures for programs.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "report/report_data.h"

namespace cardiograd::report {

// What evaluation::to_json() gives, and beside it every other figure and sentence of the report;
// docs/evaluation-json.md has all keys. What does not exist (NaN) is null. Left out are what is drawn sample by sample:
// traces and maps.
nlohmann::json report_json(const ReportData& report);

// The epochs of a run, an object for each.
nlohmann::json training_json(const std::vector<model::EpochResult>& log, const std::vector<std::string>& class_names);

}  // namespace cardiograd::report
