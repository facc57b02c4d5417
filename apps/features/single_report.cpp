#include "apps/features/single_report.h"

#include <cmath>
#include <filesystem>
#include <initializer_list>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "apps/features/drawing.h"
#include "apps/features/table.h"
#include "data/recording_stream.h"
#include "report/markup.h"

namespace cardiograd::apps {
namespace {

constexpr std::string_view kStyle = R"css(
body { font: 15px/1.45 sans-serif; max-width: 1120px; margin: 24px auto; padding: 0 16px; color: #1b1f24;
       background: #fff; }
svg { width: 100%; height: auto; }
table { border-collapse: collapse; margin: 0 0 24px; width: 100%; font-size: 13px; }
th, td { text-align: left; padding: 3px 10px 3px 0; border-bottom: 1px solid #d8dde3; vertical-align: top; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.note { color: #57606a; }
@media print { body { margin: 0; max-width: none; } table { page-break-inside: avoid; } }
)css";

std::string shown(double value) {
  if (std::isnan(value)) return "–";
  const int decimals = std::abs(value) >= 100 ? 0 : std::abs(value) >= 10 ? 1 : 3;
  return fmt::format("{:.{}f}", value, decimals);
}

void add_head(report::Markup& page, std::initializer_list<std::string_view> names) {
  page.open("thead").open("tr");
  for (const std::string_view name : names) page.element("th", name);
  page.close("tr").close("thead");
}

void add_measures(report::Markup& page, std::string_view title, const std::vector<MeasureRow>& rows) {
  page.element("h2", title).open("table");
  add_head(page, {"measure", "value", "unit", "usual range, or why it is missing"});
  page.open("tbody");
  for (const MeasureRow& row : rows) {
    page.open("tr").element("td", row.name).element("td", {{"class", "number"}}, shown(row.value));
    page.element("td", row.unit).element("td", {{"class", "note"}}, row.note).close("tr");
  }
  page.close("tbody").close("table");
}

void add_leads(report::Markup& page, const std::vector<LeadRow>& rows) {
  page.element("h2", "Leads").open("table");
  add_head(page, {"lead", "R (mV)", "S (mV)", "ST (mV)", "SNR (dB)", "signal"});
  page.open("tbody");
  for (const LeadRow& row : rows) {
    page.open("tr").element("td", row.lead);
    for (const double value : {row.r_mv, row.s_mv, row.st_mv, row.snr_db})
      page.element("td", {{"class", "number"}}, shown(value));
    page.element("td", {{"class", "note"}}, row.note).close("tr");
  }
  page.close("tbody").close("table");
}

}  // namespace

std::string single_report(const std::string& record, double start_s, const data::SignalCsvOptions& csv) {
  const auto recording = data::open_recording(record, csv);
  const RecordMeasures measures = record_measures(*recording);
  std::string drawing = features_drawing(record, *recording, measures, start_s);
  drawing.erase(0, drawing.find("<svg"));  // The page has no place for the declaration of an XML file.
  const std::string name = std::filesystem::path(record).filename().string();
  report::Markup page;
  page.open("html", {{"lang", "en"}}).open("head").empty("meta", {{"charset", "utf-8"}});
  page.empty("meta", {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}});
  page.element("title", "ECG " + name).open("style").verbatim(kStyle).close("style").close("head").open("body");
  page.element("h1", "ECG " + name).element("p", measures.heading);
  for (const std::string& remark : measures.remarks) page.element("p", remark);
  page.verbatim(drawing);
  add_measures(page, "Intervals, axis and voltages", measures.further);
  add_leads(page, measures.leads);
  add_measures(page, "Feature columns", measures.columns);
  page.element("p", {{"class", "note"}}, "Measured by a program, for research only; no diagnosis.");
  page.close("body").close("html");
  return "<!DOCTYPE html>\n" + page.str() + "\n";
}

}  // namespace cardiograd::apps
