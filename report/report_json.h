// The report's figures for programs.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "report/report_data.h"

namespace cardiograd::report {

// What evaluation::to_json() gives, and beside it every other figure and sentence of the report;
// docs/evaluation-json.md has all keys. What does not exist (NaN) is null. Left out are what is drawn sample by sample:
// traces and maps.
nlohmann::json report_json(const ReportData& report);

}  // namespace cardiograd::report
