#include "apps/features/table.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include <fmt/format.h>

#include "data/beats.h"
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

std::string line(std::string_view name, double value, std::string_view unit, const std::string& note) {
  const std::string shown = std::isnan(value) ? "-" : fmt::format("{:.3f}", value);
  std::string text = fmt::format("  {:24} {:>12} {:6} {}", name, shown, unit, note);
  text.erase(text.find_last_not_of(' ') + 1);
  return text + "\n";
}

std::string columns_text(const data::Beats& beats, const ecg::Person& person) {
  const dsp::FeatureRow row = dsp::compute_features(beats.recording, person);
  std::string text;
  const auto columns = dsp::feature_columns();
  for (std::size_t i = 0; i < columns.size(); ++i) {
    std::string note = row.reasons[i];
    const auto usual = dsp::usual_range(columns[i].name);
    if (note.empty() && usual) note = usual_text(*usual, row.values[i]);
    text += line(columns[i].name, row.values[i], columns[i].unit, note);
  }
  return text;
}

std::string cell(double value) {
  return std::isnan(value) ? "-" : fmt::format("{:.3f}", value);
}

std::string leads_text(const data::Beats& beats, const std::vector<dsp::LeadMeasures>& measures) {
  const ecg::Recording& recording = beats.recording;
  std::vector<dsp::LeadQuality> quality;
  if (recording.rate >= dsp::kMinQualityRate)
    quality = dsp::signal_quality(recording.signal, recording.rate, beats.unit);
  std::string text = fmt::format("  {:8} {:>8} {:>8} {:>8} {:>8}  {}\n", "lead", "R mV", "S mV", "ST mV", "SNR dB",
                                 "signal; ST is the level 60 ms after the end of QRS");
  for (std::size_t l = 0; l < measures.size(); ++l) {
    const dsp::LeadMeasures& lead = measures[l];
    std::string note = quality.empty() ? "not judged below 90 Hz" : quality[l].fault + quality[l].remark;
    if (note.empty()) note = "good";
    if (!lead.reason.empty()) note += "; " + lead.reason;
    if (!lead.st_note.empty()) note += fmt::format("; ST {}", lead.st_note);
    text += fmt::format("  {:8} {:>8} {:>8} {:>8} {:>8}  {}\n", recording.leads[l], cell(lead.r_mv), cell(lead.s_mv),
                        cell(lead.st_mv), quality.empty() ? "-" : fmt::format("{:.1f}", quality[l].snr_db), note);
  }
  return text;
}

}  // namespace

std::string features_table(const std::string& record, const data::SignalCsvOptions& csv) {
  const data::Beats beats = data::find_beats(record, csv);
  const ecg::Recording& recording = beats.recording;
  const ecg::Person person = ecg::person_of(recording.comments);
  const dsp::ClinicalMeasures measures = dsp::clinical_measures(recording, person, beats.signal, beats.waves);
  std::string text = fmt::format("{}: {} lead{}, {:g} Hz, {:.1f} s, {}, {} beats\n", record, recording.leads.size(),
                                 recording.leads.size() == 1 ? "" : "s", recording.rate,
                                 static_cast<double>(recording.signal.rows()) / recording.rate, beats.unit,
                                 beats.peaks.times_s.size());
  if (!recording.others.empty()) text += fmt::format("  left aside: {}\n", ecg::others_text(recording.others));
  text += columns_text(beats, person);
  text += "further measures, which are no columns\n";
  for (const dsp::ClinicalMeasure& measure : measures.record) {
    const bool there = measure.reason.empty();
    text += line(measure.name, measure.value, measure.unit,
                 there && measure.usual ? usual_text(*measure.usual, measure.value) : measure.reason);
  }
  text += leads_text(beats, measures.leads);
  return text;
}

}  // namespace cardiograd::apps
