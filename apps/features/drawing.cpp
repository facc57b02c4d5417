#include "apps/features/drawing.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "data/beats.h"
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
std::vector<std::string> heading(const ecg::Recording& recording, const RecordMeasures& measures) {
  const ecg::Person person = ecg::person_of(recording.comments);
  std::string who = recording.start.empty() ? "date not recorded" : recording.start;
  if (!std::isnan(person.age))
    who += person.age < 1 ? ", less than 1 year" : fmt::format(", {:.0f} years", std::floor(person.age));
  if (!std::isnan(person.sex)) who += person.female() ? ", female" : ", male";
  std::map<std::string, double> values;
  for (const auto* rows : {&measures.columns, &measures.further})
    for (const MeasureRow& row : *rows) values[row.name] = row.value;
  return {who, fmt::format("rate {}, PR {}, QRS {}, QT {}, QTc {} (Fridericia), axis {}",
                           shown(values.at("hr_mean_bpm"), "/min"), shown(values.at("pr_interval_ms"), " ms"),
                           shown(values.at("qrs_duration_mean_ms"), " ms"), shown(values.at("qt_mean_ms"), " ms"),
                           shown(values.at("qtc_fridericia_ms"), " ms"), shown(values.at("frontal_axis_deg"), "°"))};
}

}  // namespace

std::string features_drawing(const std::string& record, const data::RecordingStream& recording,
                             const RecordMeasures& measures, double start_s) {
  constexpr double kAround = 30;  // s: where a part of a long recording is delineated by itself
  const ecg::Recording& head = recording.head();
  const std::int64_t samples = recording.samples();
  const std::int64_t first = std::llround(std::min(start_s * head.rate, 1e15));
  const auto count = std::min(samples - first, static_cast<std::int64_t>(std::ceil(kLongest * head.rate)));
  if (samples < 2)
    throw Error(
        fmt::format("{}: nothing to draw, the record has {} sample{}", record, samples, samples == 1 ? "" : "s"),
        "A drawing needs a record of two samples or more.");
  if (count < 2) {
    throw Error(fmt::format("{}: nothing to draw from {:g} s on, the record lasts {:.1f} s", record, start_s,
                            recording.seconds()),
                "Give a smaller --from.");
  }
  const bool whole = is_one_piece(recording);
  const auto around = static_cast<std::int64_t>(kAround * head.rate);
  const std::int64_t begin = whole ? 0 : std::max<std::int64_t>(0, first - around);
  const std::int64_t end = whole ? samples : std::min(samples, first + count + around);
  const data::Beats beats = data::beats_of(recording.recording(begin, end - begin));
  const std::vector<float> strip = strip_samples(beats.recording.signal.middleRows(first - begin, count));
  const std::string name = std::filesystem::path(record).filename().string();
  const double from = static_cast<double>(first) / head.rate;
  const std::string title =
      fmt::format("{}, {:g} Hz, {:.1f} to {:.1f} s of {:.1f} s, {} beats in all", name, head.rate, from,
                  from + static_cast<double>(count) / head.rate, recording.seconds(), measures.beats);
  return report::draw_ecg_file({"ecg", title, "P, QRS and T of each lead are marked from onset to end."},
                               {strip, shown_names(head.leads), head.rate, beats.unit,
                                strip_waves(beats.waves, static_cast<double>(first - begin) / head.rate)},
                               heading(head, measures));
}

}  // namespace cardiograd::apps
