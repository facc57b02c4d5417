// The whole report as one page that needs nothing beside itself: style and script are inside, no address is loaded.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/file.h"
#include "report/report_data.h"

namespace cardiograd::report {

// Equal data give equal bytes.
std::string render(const ReportData& report);

// Writes folder/report.html in one atomic step; creates the folder if it is not there. Throws Error, with
// Existing::kRefuse also for a page that is there.
void write_report(const std::filesystem::path& folder, const ReportData& report,
                  Existing existing = Existing::kReplace);

// What the page carries (style.cpp, script.cpp).
std::string_view style_sheet();
std::string_view script();

}  // namespace cardiograd::report
