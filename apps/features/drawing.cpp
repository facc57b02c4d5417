#include "apps/features/drawing.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "data/beats.h"
#include "dsp/features/clinical_measures.h"
#include "dsp/features/features.h"
#include "dsp/statistics.h"
#include "ecg/leads.h"
#include "ecg/person.h"
#include "report/ecg_paper.h"

namespace cardiograd::apps {
namespace {

constexpr double kLongest = 10;  // s, what ECG paper shows

// Row-major, each lead without its median: offsets of the amplifier are no part of the ECG.
std::vector<float> strip_samples(const Eigen::ArrayXXd& signal) {
  const Eigen::Index leads = signal.cols();
  std::vector<float> samples(static_cast<std::size_t>(signal.size()));
  for (Eigen::Index l = 0; l < leads; ++l) {
    std::vector<double> finite;
    for (const double value : signal.col(l)) {
      if (std::isfinite(value)) finite.push_back(value);
    }
    const double level = finite.empty() ? 0 : dsp::median(std::move(finite));
    for (Eigen::Index t = 0; t < signal.rows(); ++t)
      samples[static_cast<std::size_t>(t * leads + l)] = static_cast<float>(signal(t, l) - level);
  }
  return samples;
}

std::vector<report::EcgWave> strip_waves(const dsp::Delineation& all, double start_s) {
  std::vector<report::EcgWave> waves;
  for (std::size_t l = 0; l < all.leads.size(); ++l) {
    for (const dsp::BeatWaves& beat : all.leads[l]) {
      for (const auto& [kind, wave] : {std::pair{report::EcgWaveKind::p, &beat.p},
                                       {report::EcgWaveKind::qrs, &beat.qrs},
                                       {report::EcgWaveKind::t, &beat.t}}) {
        if (wave->present()) waves.push_back({l, kind, wave->onset_s - start_s, wave->offset_s - start_s});
      }
    }
  }
  return waves;
}

// Standard leads by their standard names, so that they are laid out as usual.
std::vector<std::string> shown_names(const std::vector<std::string>& leads) {
  std::vector<std::string> names;
  for (const std::string& lead : leads) {
    const auto index = ecg::standard_lead(lead);
    names.push_back(index ? std::string(ecg::kStandardLeads[*index]) : lead);
  }
  return names;
}

// "92 ms", or a dash where the value is missing.
std::string shown(double value, const char* unit) {
  return std::isnan(value) ? "–" : fmt::format("{:.0f}{}", value, unit);
}

// When and of whom the recording is, and what a reader looks for first.
std::vector<std::string> heading(const data::Beats& beats) {
  const ecg::Recording& recording = beats.recording;
  const ecg::Person person = ecg::person_of(recording.comments);
  std::string who = recording.start.empty() ? "date not recorded" : recording.start;
  if (!std::isnan(person.age))
    who += person.age < 1 ? ", less than 1 year" : fmt::format(", {:.0f} years", std::floor(person.age));
  if (!std::isnan(person.sex)) who += person.female() ? ", female" : ", male";
  std::map<std::string_view, double> values;
  const dsp::FeatureRow row = dsp::compute_features(recording, person);
  const auto columns = dsp::feature_columns();
  for (std::size_t i = 0; i < columns.size(); ++i) values[columns[i].name] = row.values[i];
  for (const dsp::ClinicalMeasure& measure :
       dsp::clinical_measures(recording, person, beats.signal, beats.waves).record)
    values[measure.name] = measure.value;
  return {who, fmt::format("rate {}, PR {}, QRS {}, QT {}, QTc {} (Fridericia), axis {}",
                           shown(values.at("hr_mean_bpm"), "/min"), shown(values.at("pr_interval_ms"), " ms"),
                           shown(values.at("qrs_duration_mean_ms"), " ms"), shown(values.at("qt_mean_ms"), " ms"),
                           shown(values.at("qtc_fridericia_ms"), " ms"), shown(values.at("frontal_axis_deg"), "°"))};
}

}  // namespace

std::string features_drawing(const std::string& record, double start_s, const data::SignalCsvOptions& csv) {
  const data::Beats beats = data::find_beats(record, csv);
  const ecg::Recording& recording = beats.recording;
  const auto samples = recording.signal.rows();
  const auto first = static_cast<Eigen::Index>(std::lround(std::min(start_s * recording.rate, 1e15)));
  const auto count = std::min(samples - first, static_cast<Eigen::Index>(std::ceil(kLongest * recording.rate)));
  if (count < 2) {
    throw Error(fmt::format("{}: nothing to draw from {:g} s on, the record lasts {:.1f} s", record, start_s,
                            static_cast<double>(samples) / recording.rate),
                "Give a smaller --from.");
  }
  const std::vector<float> strip = strip_samples(recording.signal.middleRows(first, count));
  const std::string name = std::filesystem::path(record).filename().string();
  const double from = static_cast<double>(first) / recording.rate;
  const std::string title = fmt::format("{}, {:g} Hz, {:.1f} to {:.1f} s of {:.1f} s, {} beats in all", name,
                                        recording.rate, from, from + static_cast<double>(count) / recording.rate,
                                        static_cast<double>(samples) / recording.rate, beats.peaks.times_s.size());
  return report::draw_ecg_file(
      {"ecg", title, "P, QRS and T of each lead are marked from onset to end."},
      {strip, shown_names(recording.leads), recording.rate, beats.unit, strip_waves(beats.waves, from)},
      heading(beats));
}

}  // namespace cardiograd::apps
