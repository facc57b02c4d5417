#include "apps/features/table.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string_view>

#include <fmt/format.h>

#include "dsp/delineation/r_peaks.h"
#include "dsp/features/clinical_measures.h"
#include "dsp/features/features.h"
#include "dsp/features/signal_quality.h"
#include "dsp/features/usual_range.h"
#include "ecg/channels.h"
#include "ecg/leads.h"
#include "ecg/person.h"
#include "ecg/units.h"

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

std::vector<MeasureRow> column_rows(const dsp::FeatureRow& row) {
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

// `quality` is empty where the rate is too low to judge.
std::vector<LeadRow> lead_rows(const std::vector<std::string>& leads, const std::vector<dsp::LeadMeasures>& measures,
                               const std::vector<dsp::LeadQuality>& quality) {
  std::vector<LeadRow> rows;
  for (std::size_t l = 0; l < measures.size(); ++l) {
    const dsp::LeadMeasures& lead = measures[l];
    std::string note = quality.empty() ? "not judged below 90 Hz" : quality[l].fault + quality[l].remark;
    if (note.empty()) note = "good";
    if (!lead.reason.empty()) note += "; " + lead.reason;
    if (!lead.st_note.empty()) note += fmt::format("; ST {}", lead.st_note);
    rows.push_back(
        {leads[l], lead.r_mv, lead.s_mv, lead.st_mv, quality.empty() ? dsp::kMissing : quality[l].snr_db, note});
  }
  return rows;
}

std::string duration_text(double seconds) {
  if (seconds < 3600) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<std::int64_t>(seconds);
  return fmt::format("{} h {:02} min {:02} s", whole / 3600, whole / 60 % 60, whole % 60);
}

// Heading and remarks. `recording`: names and rate.
RecordMeasures measures_of(const ecg::Recording& recording, double seconds, const std::string& unit,
                           const dsp::RPeaks& peaks) {
  RecordMeasures result;
  result.beats = peaks.times_s.size();
  result.heading = fmt::format("{} lead{}, {:g} Hz, {}, {}, {} beats", recording.leads.size(),
                               recording.leads.size() == 1 ? "" : "s", recording.rate, duration_text(seconds), unit,
                               peaks.times_s.size());
  if (!recording.others.empty())
    result.remarks.push_back(fmt::format("left aside: {}", ecg::others_text(recording.others)));
  const std::string apart = dsp::leads_apart_text(peaks, recording.leads);
  if (!apart.empty()) result.remarks.push_back(apart + ": they have beats of their own, the columns are without them");
  return result;
}

std::vector<MeasureRow> further_rows(const dsp::ClinicalMeasures& measures) {
  std::vector<MeasureRow> rows;
  for (const dsp::ClinicalMeasure& measure : measures.record) {
    const bool there = measure.reason.empty();
    rows.push_back({std::string(measure.name), measure.value, std::string(measure.unit),
                    there && measure.usual ? usual_text(*measure.usual, measure.value) : measure.reason});
  }
  return rows;
}

// What the pieces of a long recording add up to.
struct LongSums {
  dsp::FeatureSums features;
  std::vector<dsp::QrsHeights> heights;
  dsp::Delineation waves;  // global beats alone
  std::size_t stimuli = 0;

  void add(const data::BeatPiece& piece) {
    const dsp::Delineation local = piece.waves_in_signal();
    if (!piece.peaks.times_s.empty()) {
      features.add_beats(piece.signal, local);
      dsp::add_qrs_heights(piece.signal, local, heights);
    }
    waves.global.insert(waves.global.end(), piece.waves.global.begin(), piece.waves.global.end());
    waves.p_hidden.insert(waves.p_hidden.end(), piece.waves.p_hidden.begin(), piece.waves.p_hidden.end());
    stimuli += piece.signal.stimuli_s.size();
  }
};

// Adds the stretches' spectra, and returns the quality of each lead.
std::vector<dsp::LeadQuality> add_stretches(const data::BeatStream& beats, dsp::FeatureSums& features) {
  const std::size_t count = beats.stretches(), leads = beats.recording().head().leads.size();
  const double rate = beats.recording().head().rate;
  std::vector<std::vector<dsp::LeadQuality>> quality(leads, std::vector<dsp::LeadQuality>(count));
  std::vector<Eigen::ArrayXd> measured(count);
  beats.each_stretch(
      [&](std::size_t i, const ecg::Recording& part) {
        if (features.measured()) measured[i] = part.signal.col(static_cast<Eigen::Index>(*features.measured()));
        if (rate < dsp::kMinQualityRate) return;
        const std::vector<dsp::LeadQuality> own = dsp::signal_quality(part.signal, rate, beats.unit());
        for (std::size_t l = 0; l < leads; ++l) quality[l][i] = own[l];
      },
      [&](std::size_t i) {
        if (features.measured()) features.add_samples(measured[i], rate);
        measured[i].resize(0);
      });
  std::vector<dsp::LeadQuality> overall;
  if (rate < dsp::kMinQualityRate) return overall;
  for (const auto& lead : quality) overall.push_back(dsp::overall_quality(lead, beats.unit()));
  return overall;
}

std::string cell(double value, int decimals) {
  return std::isnan(value) ? "-" : fmt::format("{:.{}f}", value, decimals);
}

}  // namespace

RecordMeasures record_measures(const data::Beats& beats) {
  const ecg::Recording& recording = beats.recording;
  const ecg::Person person = ecg::person_of(recording.comments);
  const dsp::ClinicalMeasures measures =
      dsp::clinical_measures(recording, person, beats.signal, beats.waves, beats.peaks.gaps_s);
  RecordMeasures result =
      measures_of(recording, static_cast<double>(recording.signal.rows()) / recording.rate, beats.unit, beats.peaks);
  result.columns = column_rows(dsp::compute_features(recording, person));
  result.further = further_rows(measures);
  std::vector<dsp::LeadQuality> quality;
  if (recording.rate >= dsp::kMinQualityRate)
    quality = dsp::signal_quality(recording.signal, recording.rate, beats.unit);
  result.leads = lead_rows(recording.leads, measures.leads, quality);
  return result;
}

RecordMeasures record_measures(const data::BeatStream& beats) {
  ecg::Recording head = beats.recording().head();
  if (beats.unit() != "mixed") ecg::to_common_unit(head);
  const ecg::Person person = ecg::person_of(head.comments);
  LongSums sums{{head.leads, beats.unit() == "mV", ecg::find_lead(head.leads, "II")},
                std::vector<dsp::QrsHeights>(head.leads.size()),
                {},
                0};
  beats.each_piece([&](const data::BeatPiece& piece) { sums.add(piece); });
  const std::vector<dsp::LeadQuality> quality = add_stretches(beats, sums.features);
  RecordMeasures result = measures_of(head, beats.recording().seconds(), beats.unit(), beats.peaks());
  result.remarks.push_back(
      fmt::format("looked at in pieces of {:g} min: alternans, P correlation and signal quality are their medians",
                  data::BeatStream::kPieceSeconds / 60));
  const dsp::ClinicalMeasures measures =
      dsp::clinical_measures(head, person, sums.heights, sums.waves, sums.stimuli, beats.peaks().gaps_s);
  result.columns = column_rows(sums.features.row(beats.peaks(), sums.waves, person));
  result.further = further_rows(measures);
  result.leads = lead_rows(head.leads, measures.leads, quality);
  return result;
}

RecordMeasures record_measures(const data::RecordingStream& recording) {
  if (is_one_piece(recording)) return record_measures(data::beats_of(recording.recording()));
  return record_measures(data::BeatStream(recording));
}

std::string features_table(const std::string& record, const data::SignalCsvOptions& csv) {
  const RecordMeasures measures = record_measures(*data::open_recording(record, csv));
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
