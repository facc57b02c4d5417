// Working signal, R peaks, beat groups.
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "docs/figures/group_steps.h"
#include "docs/figures/steps.h"
#include "dsp/delineation/constants.h"
#include "dsp/delineation/r_peak_envelope.h"
#include "dsp/delineation/r_peak_selection.h"

namespace cardiograd::docs {
namespace {

constexpr double kShownSeconds = 4;

Eigen::ArrayXd first_seconds(const Eigen::ArrayXd& values, double rate, double seconds) {
  return values.head(std::min(values.size(), static_cast<Eigen::Index>(seconds * rate)));
}

void draw_group(report::Svg& svg, double top, const Recorded& recorded, const Prepared& prepared,
                const dsp::BeatGroup& group, const std::string& title) {
  const double rate = prepared.signal.rate, step = 1.0 / rate;
  const double first = -static_cast<double>(group.center) * step,
               last = first + static_cast<double>(group.average.rows() - 1) * step;
  const Eigen::Index lead = drawn_lead(recorded);
  const Eigen::ArrayXd average = group.average.col(lead);
  Panel panel(
      svg, kLeft, top, kPlot, 42, {first, last}, range_of(average, 0.35),
      {fmt::format("{}: {} beats, lead {}", title, group.beats.size(), recorded.leads[static_cast<std::size_t>(lead)]),
       "time from the R peak (s)", "mV"});
  panel.shade(-dsp::kBeatGroup.shape_s, dsp::kBeatGroup.shape_s, kGreen);
  panel.shade(first, first + static_cast<double>(group.from) * step, kThin);
  panel.shade(first + static_cast<double>(group.to) * step, last, kThin);
  Eigen::ArrayXd window(average.size());
  for (const Eigen::Index center : group.centers) {
    dsp::copy_window(prepared.signal, lead, center - group.center, window);
    panel.curve(window, first, step, kThin);
  }
  panel.curve(average, first, step, kOrange);
  panel.legend(Panel::Key::kCurve, kThin, "beats, aligned");
  panel.legend(Panel::Key::kCurve, kOrange, "average");
  panel.legend(Panel::Key::kShade, kGreen, "shape compared here");
  panel.legend(Panel::Key::kShade, kThin, "owned by no beat: goes on level");
}

}  // namespace

void lose_samples(Recorded& recorded, double from_s, double to_s) {
  const auto from = static_cast<Eigen::Index>(from_s * recorded.rate),
             to = static_cast<Eigen::Index>(to_s * recorded.rate);
  recorded.signal.col(drawn_lead(recorded))
      .segment(from, to - from)
      .setConstant(std::numeric_limits<double>::quiet_NaN());
}

void draw_working_signal(const Recorded& recorded, const std::string& path) {
  const dsp::WorkingSignal working = dsp::working_signal(recorded.signal, recorded.rate);
  const Eigen::Index lead = drawn_lead(recorded);
  const std::string& name = recorded.leads[static_cast<std::size_t>(lead)];
  const Eigen::ArrayXd raw = first_seconds(recorded.signal.col(lead), recorded.rate, kShownSeconds);
  const Eigen::ArrayXd filtered = first_seconds(working.samples.col(lead), working.rate, kShownSeconds);
  report::Svg svg = page(132, "working-signal", "The working signal",
                         "A noisy recording with a gap above, the same without gap, wander and mains noise below.");
  const Eigen::ArrayXd finite = raw.isFinite().select(raw, 0.0);
  for (const bool after : {false, true}) {
    const Eigen::ArrayXd& shown = after ? filtered : raw;
    Panel panel(svg, kLeft, after ? 78 : 14, kPlot, 42, {0, kShownSeconds}, range_of(after ? filtered : finite),
                {after ? fmt::format("Working signal, lead {}, {:g} Hz", name, working.rate)
                       : fmt::format("Recording, lead {}, {:g} Hz", name, recorded.rate),
                 "time (s)", "mV"});
    for (Eigen::Index i = 0, first = -1; i < raw.size(); ++i) {
      if (std::isfinite(raw[i])) continue;
      if (first < 0 || std::isfinite(raw[i - 1])) first = i;
      if (i + 1 == raw.size() || std::isfinite(raw[i + 1])) {
        panel.shade(static_cast<double>(first) / recorded.rate, static_cast<double>(i + 1) / recorded.rate, kOrange);
      }
    }
    panel.curve(shown, 0, 1.0 / (after ? working.rate : recorded.rate), kInk);
    panel.legend(Panel::Key::kCurve, kInk, after ? "0.5 to 40 Hz, zero phase" : "as recorded");
    panel.legend(Panel::Key::kShade, kOrange, after ? "interpolated" : "missing samples");
  }
  write_figure(path, svg);
}

void draw_r_peaks(const Recorded& recorded, const std::string& path) {
  constexpr double kSeconds = 6;
  const double rate = recorded.rate;
  const Eigen::ArrayXd envelope = dsp::combined_envelopes(recorded.signal, rate).all;
  const auto samples = [&](double seconds) { return static_cast<Eigen::Index>(std::lround(seconds * rate)); };
  const dsp::Levels level = dsp::block_maxima(envelope, samples(dsp::kRPeak.level_block_s));
  const auto candidates = dsp::find_candidates(envelope, samples(dsp::kRPeak.separation_s));
  // The recording has no run of early beats, whose shapes would be asked for.
  const auto never = [](const dsp::Candidate&, const dsp::Candidate&) { return false; };
  const dsp::Selection selection = dsp::select_beats(candidates, level, rate, never);
  const dsp::RPeaks peaks = dsp::detect_r_peaks(recorded.signal, rate);
  const Eigen::Index lead = drawn_lead(recorded);
  report::Svg svg = page(132, "r-peaks", "R peaks",
                         "One lead with the detected R peaks above; below the envelope of all leads, its candidates, "
                         "their thresholds and the chosen ones.");
  const Eigen::ArrayXd shown = first_seconds(recorded.signal.col(lead), rate, kSeconds);
  Panel top(svg, kLeft, 14, kPlot, 38, {0, kSeconds}, range_of(shown),
            {fmt::format("Recording, lead {}", recorded.leads[static_cast<std::size_t>(lead)]), "time (s)", "mV"});
  for (const double peak : peaks.times_s) top.vertical(peak, kOrange, true);
  top.curve(shown, 0, 1 / rate, kInk);
  top.legend(Panel::Key::kDashed, kOrange, "R peak");
  Panel panel(svg, kLeft, 74, kPlot, 46, {0, kSeconds}, {0, 1.6},
              {"Envelope of all leads, 6 to 24 Hz", "time (s)", "local QRS level = 1"});
  Eigen::ArrayXd levels(samples(kSeconds));
  for (Eigen::Index t = 0; t < levels.size(); ++t) levels[t] = level.at(t);
  panel.curve(levels, 0, 1 / rate, kBlue);
  panel.curve(first_seconds(envelope, rate, kSeconds), 0, 1 / rate, kInk);
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const double at = static_cast<double>(candidates[i].at) / rate;
    if (at > kSeconds) break;
    panel.line(at - 0.1, selection.thresholds[i], at + 0.1, selection.thresholds[i], kGreen);
    panel.mark(at, candidates[i].height, kOrange, selection.taken[i] != 0);
  }
  panel.legend(Panel::Key::kCurve, kBlue, "QRS level");
  panel.legend(Panel::Key::kOpenMark, kOrange, "candidate");
  panel.legend(Panel::Key::kMark, kOrange, "chosen as beat");
  panel.legend(Panel::Key::kCurve, kGreen, "threshold of the candidate");
  write_figure(path, svg);
}

void draw_beat_groups(const Recorded& recorded, const std::string& path) {
  const Prepared prepared = prepare(recorded);
  const bool several = prepared.groups.size() > 1;
  report::Svg svg = page(several ? 132 : 68, "beat-groups", "Beat groups",
                         "The beats of each group on top of each other, aligned at the R peak, and their average.");
  draw_group(svg, 14, recorded, prepared, prepared.groups[0], "First group");
  if (several) draw_group(svg, 78, recorded, prepared, prepared.groups[1], "Second group");
  write_figure(path, svg);
}

}  // namespace cardiograd::docs
