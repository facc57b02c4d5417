#include "apps/features/drawing.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "data/beats.h"
#include "dsp/statistics.h"
#include "ecg/leads.h"
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

}  // namespace

std::string features_drawing(const std::string& record, double start_s) {
  const data::Beats beats = data::find_beats(record);
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
      {strip, shown_names(recording.leads), recording.rate, beats.unit, strip_waves(beats.waves, from)});
}

}  // namespace cardiograd::apps
