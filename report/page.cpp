#include "report/page.h"

#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "base/file.h"
#include "report/ecg_paper.h"
#include "report/sections.h"
#include "report/text.h"

namespace cardiograd::report {
namespace {

namespace fs = std::filesystem;

std::string title_of(const ReportData& report) {
  return fmt::format("{} on fold{} {}", fs::path(report.model_file).filename().string(),
                     report.folds.size() == 1 ? "" : "s", fmt::join(report.folds, ", "));
}

void add_head(Markup& page, const ReportData& report) {
  page.open("head").empty("meta", {{"charset", "utf-8"}});
  // The page loads nothing and sends nothing anywhere, whatever a name in the data may have become in it.
  page.empty("meta", {{"http-equiv", "Content-Security-Policy"},
                      {"content",
                       "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; "
                       "base-uri 'none'; form-action 'none'"}});
  page.empty("meta", {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}});
  page.empty("meta", {{"name", "color-scheme"}, {"content", "light dark"}});
  page.element("title", title_of(report) + " \u2013 cardiograd");
  // An icon of its own: browsers ask for favicon.ico otherwise.
  page.empty("link", {{"rel", "icon"}, {"href", "data:,"}});
  // The CDATA marks hide in comments: an XML parser needs them, an HTML parser must not see them.
  page.open("style").verbatim("/*<![CDATA[*/").verbatim(style_sheet()).verbatim(ecg_style_sheet());
  page.verbatim("/*]]>*/").close("style");
  page.close("head");
}

void add_navigation(Markup& page) {
  page.open("nav", {{"aria-label", "Sections"}}).open("ul");
  for (const Section& section : sections())
    page.open("li").element("a", {{"href", fmt::format("#{}", section.id)}}, section.heading).close("li");
  page.close("ul").close("nav");
}

}  // namespace

std::string render(const ReportData& report) {
  Markup page;
  page.verbatim("<!DOCTYPE html>\n");
  page.open("html", {{"lang", "en"}});
  add_head(page, report);
  page.open("body").element("a", {{"class", "skip"}, {"href", "#summary"}}, "Skip to the summary");
  page.open("header").element("p", {{"class", "brand"}}, "cardiograd \u00b7 evaluation report");
  page.element("h1", title_of(report));
  page.element("p", {{"class", "note"}},
               fmt::format("{} after {} epoch{}, {} parameters. Data: {}.",
                           report.description.architecture.kind().title, report.description.epoch,
                           report.description.epoch == 1 ? "" : "s", grouped(report.parameters), report.data_folder));
  page.close("header");
  add_navigation(page);
  page.open("main");
  for (const Section& section : sections()) {
    const std::string heading_id = fmt::format("{}-heading", section.id);
    page.open("section", {{"id", section.id}, {"aria-labelledby", heading_id}});
    page.element("h2", {{"id", heading_id}}, section.heading);
    section.add(page, report);
    page.close("section");
  }
  page.close("main");
  page.element("footer", "Research only, not a medical device. Written by cardiograd's evaluate.");
  page.element("div", {{"id", "tip"}, {"role", "status"}, {"aria-live", "polite"}, {"hidden", "hidden"}}, "");
  page.open("script").verbatim("/*<![CDATA[*/").verbatim(script()).verbatim("/*]]>*/").close("script");
  page.close("body").close("html").verbatim("\n");
  return page.str();
}

void write_report(const fs::path& folder, const ReportData& report) {
  const std::string page = render(report);
  std::error_code error;
  fs::create_directories(folder, error);
  if (error || !fs::is_directory(folder))
    throw Error(fmt::format("{}: cannot be created: {}", folder.string(),
                            error ? error.message() : "a file of that name is there"),
                "Give a --report folder where you may write.");
  write_file(folder / "report.html", page);
}

}  // namespace cardiograd::report
