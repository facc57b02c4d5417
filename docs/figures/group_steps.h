// The steps up to the average beat, run once for the figures.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "docs/figures/panel.h"
#include "docs/figures/steps.h"
#include "dsp/delineation/beat_groups.h"
#include "dsp/delineation/constants.h"
#include "dsp/delineation/r_peaks.h"
#include "dsp/statistics.h"

namespace cardiograd::docs {

inline constexpr double kWidth = 180, kLeft = 20, kPlot = 154;  // mm

// A page of `height` mm with a white ground.
inline report::Svg page(double height, const std::string& id, const std::string& title, const std::string& text) {
  report::Svg svg(kWidth, height, {id, title, text}, "figure", figure_style());
  svg.rect(0, 0, kWidth, height, "page");
  return svg;
}

// What the searches look at: all beats of a recording in groups, the largest first.
struct Prepared {
  dsp::WorkingSignal signal;
  std::vector<double> r_peaks_s;
  std::vector<dsp::BeatGroup> groups;
};

inline Prepared prepare(const Recorded& recorded) {
  Prepared prepared{dsp::working_signal(recorded.signal, recorded.rate), {}, {}};
  dsp::RPeaks peaks = dsp::detect_r_peaks(recorded.signal, recorded.rate);
  if (peaks.times_s.empty()) throw Error("no R peak: " + peaks.reason, "Give another record.");
  prepared.r_peaks_s = std::move(peaks.times_s);
  const std::size_t beats = std::min<std::size_t>(prepared.r_peaks_s.size(), 17);
  prepared.groups = dsp::group_beats(prepared.signal, prepared.r_peaks_s, 0, beats);
  std::stable_sort(prepared.groups.begin(), prepared.groups.end(),
                   [](const auto& a, const auto& b) { return a.beats.size() > b.beats.size(); });
  return prepared;
}

// Median interval between the beats, in seconds.
inline double usual_interval_s(const Prepared& prepared) {
  std::vector<double> intervals;
  for (std::size_t i = 1; i < prepared.r_peaks_s.size(); ++i) {
    intervals.push_back(prepared.r_peaks_s[i] - prepared.r_peaks_s[i - 1]);
  }
  return intervals.empty() ? dsp::kBeatGroup.default_rr_s : dsp::median(std::move(intervals));
}

// The lead that is drawn: II, or the only one.
inline Eigen::Index drawn_lead(const Recorded& recorded) {
  return std::min<Eigen::Index>(1, recorded.signal.cols() - 1);
}

// Range of the values with some room.
inline report::Range range_of(const Eigen::ArrayXd& values, double room = 0.12) {
  const double low = values.minCoeff(), high = values.maxCoeff(), spare = room * std::max(high - low, 1e-6);
  return {low - spare, high + spare};
}

}  // namespace cardiograd::docs
