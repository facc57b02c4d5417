// The sections of the page, in its order. Each has an id of its own, a heading, and either its content or a sentence
// that says what is missing and why.
#pragma once

#include <string_view>
#include <vector>

#include "report/markup.h"
#include "report/report_data.h"

namespace cardiograd::report {

struct Section {
  std::string_view id;
  std::string_view heading;
  void (*add)(Markup& page, const ReportData& report);
};

// All of them; the summary is the first.
const std::vector<Section>& sections();

// How well the model classifies (sections_results.cpp).
void add_summary(Markup& page, const ReportData& report);
void add_results(Markup& page, const ReportData& report);
void add_roc(Markup& page, const ReportData& report);
void add_precision_recall(Markup& page, const ReportData& report);
void add_confusion(Markup& page, const ReportData& report);
void add_calibration(Markup& page, const ReportData& report);

// How sure that is, for whom, and on what it rests (sections_reliance.cpp).
void add_intervals(Markup& page, const ReportData& report);
void add_subgroups(Markup& page, const ReportData& report);
void add_importance(Markup& page, const ReportData& report);

// What right answers rest on in the ECG (sections_explanations.cpp).
void add_explanations(Markup& page, const ReportData& report);

// Training, data, single records and settings (sections_sources.cpp).
void add_training(Markup& page, const ReportData& report);
void add_classes(Markup& page, const ReportData& report);
void add_mistakes(Markup& page, const ReportData& report);
void add_configuration(Markup& page, const ReportData& report);

// A sentence in place of what cannot be shown.
void add_gap(Markup& page, std::string_view why);

}  // namespace cardiograd::report
