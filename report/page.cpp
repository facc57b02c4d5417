#include "report/page.h"

#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "base/file.h"
#include "report/page_frame.h"
#include "report/sections.h"
#include "report/text.h"

namespace cardiograd::report {
namespace {

namespace fs = std::filesystem;

// The run, which is the folder that the model lies in, and the model.
std::string title_of(const ReportData& report) {
  const fs::path file(report.model_file);
  const std::string run = file.parent_path().filename().string();
  return fmt::format("{}{} on fold{} {}", run.empty() ? "" : run + "/", file.filename().string(),
                     report.folds.size() == 1 ? "" : "s", fmt::join(report.folds, ", "));
}

}  // namespace

std::string render(const ReportData& report) {
  PageFrame frame;
  frame.title = title_of(report);
  frame.brand = "evaluation report";
  frame.notes = {fmt::format("{} after {} epoch{}, {} parameters. Data: {}.",
                             report.description.architecture.kind().title, report.description.epoch,
                             report.description.epoch == 1 ? "" : "s", grouped(report.parameters), report.data_folder)};
  if (const std::string warning = synthetic_warning(report.description); !warning.empty())
    frame.notes.push_back(fmt::format("Beware: {}.", warning));
  if (!report.date.empty()) frame.notes.push_back(fmt::format("Evaluated {}, {}.", report.date, report.program));
  frame.writer = "evaluate";
  std::vector<std::pair<std::string, std::string>> links;
  for (const Section& section : sections()) links.emplace_back(section.id, section.heading);
  Markup page;
  begin_page(page, frame, navigation_of(links));
  for (const Section& section : sections()) {
    const std::string heading_id = fmt::format("{}-heading", section.id);
    page.open("section", {{"id", section.id}, {"aria-labelledby", heading_id}});
    page.element("h2", {{"id", heading_id}}, section.heading);
    section.add(page, report);
    page.close("section");
  }
  end_page(page, frame);
  return page.str();
}

void write_report(const fs::path& folder, const ReportData& report, Existing existing) {
  const std::string page = render(report);
  std::error_code error;
  fs::create_directories(folder, error);
  if (error || !fs::is_directory(folder))
    throw Error(fmt::format("{}: cannot be created: {}", folder.string(),
                            error ? error.message() : "a file of that name is there"),
                "Give a --report folder where you may write.");
  write_file(folder / "report.html", page, existing);
}

}  // namespace cardiograd::report
