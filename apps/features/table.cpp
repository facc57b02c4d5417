#include "apps/features/table.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include <fmt/format.h>

#include "dsp/delineation/r_peaks.h"
#include "dsp/features/clinical_measures.h"
#include "dsp/features/features.h"
#include "dsp/features/signal_quality.h"
#include "dsp/features/usual_range.h"
#include "ecg/channels.h"
#include "ecg/person.h"

namespace cardiograd::apps {
namespace {

std::string usual_text(const dsp::UsualRange& range, double value) {
  std::string text = std::isinf(range.low) ? fmt::format("usual to {:g}", range.high)
                                           : fmt::format("usual {:g} to {:g}", range.low, range.high);
  if (value > range.high) text += ", above";
  if (value < range.low) text += ", below";
  return text;
}

std::string line(const MeasureRow& row) {
  const std::string shown = std::isnan(row.value) ? "-" : fmt::format("{:.3f}", row.value);
  std::string text = fmt::format("  {:24} {:>12} {:6} {}", row.name, shown, row.unit, row.note);
  text.erase(text.find_last_not_of(' ') + 1);
  return text + "\n";
}

std::vector<MeasureRow> column_rows(const data::Beats& beats, const ecg::Person& person) {
  const dsp::FeatureRow row = dsp::compute_features(beats.recording, person);
  std::vector<MeasureRow> rows;
  const auto columns = dsp::feature_columns();
  for (std::size_t i = 0; i < columns.size(); ++i) {
    std::string note = row.reasons[i];
    const auto usual = dsp::usual_range(columns[i].name);
    if (note.empty() && usual) note = usual_text(*usual, row.values[i]);
    rows.push_back({std::string(columns[i].name), row.values[i], std::string(columns[i].unit), note});
  }
  return rows;
}

std::vector<LeadRow> lead_rows(const data::Beats& beats, const std::vector<dsp::LeadMeasures>& measures) {
  const ecg::Recording& recording = beats.recording;
  std::vector<dsp::LeadQuality> quality;
  if (recording.rate >= dsp::kMinQualityRate)
    quality = dsp::signal_quality(recording.signal, recording.rate, beats.unit);
  std::vector<LeadRow> rows;
  for (std::size_t l = 0; l < measures.size(); ++l) {
    const dsp::LeadMeasures& lead = measures[l];
    std::string note = quality.empty() ? "not judged below 90 Hz" : quality[l].fault + quality[l].remark;
    if (note.empty()) note = "good";
    if (!lead.reason.empty()) note += "; " + lead.reason;
    if (!lead.st_note.empty()) note += fmt::format("; ST {}", lead.st_note);
    rows.push_back({recording.leads[l], lead.r_mv, lead.s_mv, lead.st_mv,
                    quality.empty() ? dsp::kMissing : quality[l].snr_db, note});
  }
  return rows;
}

std::string cell(double value, int decimals) {
  return std::isnan(value) ? "-" : fmt::format("{:.{}f}", value, decimals);
}

}  // namespace

RecordMeasures record_measures(const data::Beats& beats) {
  const ecg::Recording& recording = beats.recording;
  const ecg::Person person = ecg::person_of(recording.comments);
  const dsp::ClinicalMeasures measures = dsp::clinical_measures(recording, person, beats.signal, beats.waves);
  RecordMeasures result;
  result.heading = fmt::format("{} lead{}, {:g} Hz, {:.1f} s, {}, {} beats", recording.leads.size(),
                               recording.leads.size() == 1 ? "" : "s", recording.rate,
                               static_cast<double>(recording.signal.rows()) / recording.rate, beats.unit,
                               beats.peaks.times_s.size());
  if (!recording.others.empty())
    result.remarks.push_back(fmt::format("left aside: {}", ecg::others_text(recording.others)));
  const std::string apart = dsp::leads_apart_text(beats.peaks, recording.leads);
  if (!apart.empty()) result.remarks.push_back(apart + ": they have beats of their own, the columns are without them");
  result.columns = column_rows(beats, person);
  for (const dsp::ClinicalMeasure& measure : measures.record) {
    const bool there = measure.reason.empty();
    result.further.push_back({std::string(measure.name), measure.value, std::string(measure.unit),
                              there && measure.usual ? usual_text(*measure.usual, measure.value) : measure.reason});
  }
  result.leads = lead_rows(beats, measures.leads);
  return result;
}

std::string features_table(const std::string& record, const data::SignalCsvOptions& csv) {
  const RecordMeasures measures = record_measures(data::find_beats(record, csv));
  std::string text = fmt::format("{}: {}\n", record, measures.heading);
  for (const std::string& remark : measures.remarks) text += fmt::format("  {}\n", remark);
  for (const MeasureRow& row : measures.columns) text += line(row);
  text += "further measures, which are no columns\n";
  for (const MeasureRow& row : measures.further) text += line(row);
  text += fmt::format("  {:8} {:>8} {:>8} {:>8} {:>8}  {}\n", "lead", "R mV", "S mV", "ST mV", "SNR dB",
                      "signal; ST is the level 60 ms after the end of QRS");
  for (const LeadRow& row : measures.leads) {
    text += fmt::format("  {:8} {:>8} {:>8} {:>8} {:>8}  {}\n", row.lead, cell(row.r_mv, 3), cell(row.s_mv, 3),
                        cell(row.st_mv, 3), cell(row.snr_db, 1), row.note);
  }
  return text;
}

}  // namespace cardiograd::apps
