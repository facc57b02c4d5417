// What the beats have in common, and what the leads agree on.
#include <cmath>

#include <fmt/format.h>

#include "docs/figures/group_steps.h"
#include "docs/figures/steps.h"
#include "dsp/delineation/average_beat.h"
#include "dsp/delineation/consistency.h"
#include "dsp/delineation/constants.h"
#include "dsp/delineation/delineation.h"
#include "dsp/delineation/p_presence.h"
#include "dsp/delineation/p_t_search.h"
#include "dsp/delineation/qrs_search.h"
#include "dsp/statistics.h"

namespace cardiograd::docs {
namespace {

// The slopes of all beats before the QRS complex in one lead, and what consistency says of them.
void draw_slopes(report::Svg& svg, double top, const Recorded& recorded) {
  const Prepared prepared = prepare(recorded);
  const dsp::AverageBeat beat(prepared.signal, prepared.groups[0]);
  const auto qrs = dsp::find_qrs(beat);
  if (!qrs) throw Error("no QRS complex in the average beat", "Give another record.");
  std::vector<char> leads;
  for (const auto& lead : qrs->leads) leads.push_back(lead.has_value());
  const double rr = usual_interval_s(prepared);
  const auto t = dsp::find_wave(beat, dsp::t_search(beat, qrs->all_leads.offset, rr), leads);
  const dsp::WaveSearch search = dsp::p_search(beat, qrs->all_leads.onset, t.leads, rr);
  const dsp::FoundWaves p = dsp::find_wave(beat, search, leads);
  std::vector<double> onsets, offsets;
  for (const auto& wave : p.leads) {
    if (!wave) continue;
    onsets.push_back(wave->onset);
    offsets.push_back(wave->offset);
  }
  const dsp::Stretch stretch{dsp::median(onsets), dsp::median(offsets), search.slope_box};
  const dsp::Consistency same = dsp::consistency(prepared.signal, beat.group(), stretch, true);
  const dsp::PPresence presence = dsp::p_presence(beat, *qrs, t, p, search, rr);

  const Eigen::Index lead = drawn_lead(recorded), length = beat.center() + 1;
  const double first = -static_cast<double>(beat.center()) / beat.rate(), step = 1.0 / beat.rate();
  const auto seconds = [&](double position) { return first + position * step; };
  std::vector<Eigen::ArrayXd> slopes;
  Eigen::ArrayXd window(length), mean = Eigen::ArrayXd::Zero(length);
  for (const Eigen::Index center : beat.group().centers) {
    dsp::copy_window(prepared.signal, lead, center - beat.center(), window);
    slopes.push_back(dsp::box_slope(window, search.slope_box, beat.rate()));
    mean += slopes.back() / static_cast<double>(beat.beats());
  }
  Panel panel(svg, kLeft, top, kPlot, 42, {-0.42, -0.04}, {-8, 8},
              {fmt::format("{}: ratio {:.1f}, median correlation {:.2f}: odds for P {:.1f} : 1", recorded.name,
                           same.ratio, dsp::median(same.correlations), std::exp(dsp::p_log_odds(presence.evidence))),
               "time from the R peak (s)",
               fmt::format("slope, lead {} (mV/s)", recorded.leads[static_cast<std::size_t>(lead)])});
  panel.shade(seconds(stretch.from), seconds(stretch.to), kGreen);
  for (const Eigen::ArrayXd& slope : slopes) panel.curve(slope, first, step, kThin);
  panel.curve(mean, first, step, kOrange);
  panel.legend(Panel::Key::kCurve, kThin, "each beat");
  panel.legend(Panel::Key::kCurve, kOrange, "mean of the beats");
  panel.legend(Panel::Key::kShade, kGreen, "compared, in all leads");
}

}  // namespace

void draw_consistency(const Recorded& sinus, const Recorded& fibrillation, const std::string& path) {
  report::Svg svg = page(132, "consistency", "What the beats have in common",
                         "Slopes before the QRS complex of all beats on top of each other: alike where there is a P "
                         "wave, unlike in atrial fibrillation.");
  draw_slopes(svg, 14, sinus);
  draw_slopes(svg, 78, fibrillation);
  write_figure(path, svg);
}

void draw_leads(const Recorded& recorded, const std::string& path) {
  const dsp::RPeaks peaks = dsp::detect_r_peaks(recorded.signal, recorded.rate);
  if (peaks.times_s.size() < 3) throw Error("fewer than three R peaks", "Give another record.");
  const dsp::Delineation waves = dsp::delineate(recorded.signal, recorded.rate, peaks.times_s);
  const std::size_t beat = peaks.times_s.size() / 2;
  const double r = peaks.times_s[beat];
  const auto leads = static_cast<double>(recorded.leads.size());
  report::Svg svg = page(32 + 9 * leads, "leads", "All leads together",
                         "The waves of one beat in each lead, and their boundaries over all leads.");
  Panel panel(svg, kLeft, 14, kPlot, 9 * leads + 6, {-0.35, 0.6}, {0, leads},
              {"One beat, each lead in its own row", "time from the R peak (s)", ""});
  const dsp::WorkingSignal working = dsp::working_signal(recorded.signal, recorded.rate);
  const auto from = static_cast<Eigen::Index>((r - 0.35) * working.rate);
  Eigen::ArrayXd window(static_cast<Eigen::Index>(0.95 * working.rate));
  for (std::size_t l = 0; l < recorded.leads.size(); ++l) {
    const double row = leads - static_cast<double>(l) - 1;
    dsp::copy_window(working, static_cast<Eigen::Index>(l), from, window);
    const double low = window.minCoeff(), span = std::max(window.maxCoeff() - low, 1e-6);
    panel.curve(row + 0.08 + 0.84 * (window - low) / span, static_cast<double>(from) / working.rate - r,
                1.0 / working.rate, kInk);
    panel.row_label(row + 0.5, recorded.leads[l]);
    for (const auto& [wave, style] : {std::pair{&waves.leads[l][beat].p, kBlue},
                                      {&waves.leads[l][beat].qrs, kOrange},
                                      {&waves.leads[l][beat].t, kGreen}}) {
      if (!wave->present()) continue;
      panel.polygon({{wave->onset_s - r, row + 0.04},
                     {wave->offset_s - r, row + 0.04},
                     {wave->offset_s - r, row + 0.96},
                     {wave->onset_s - r, row + 0.96}},
                    style);
    }
  }
  for (const auto& [wave, style] :
       {std::pair{&waves.global[beat].p, kBlue}, {&waves.global[beat].qrs, kOrange}, {&waves.global[beat].t, kGreen}}) {
    if (!wave->present()) continue;
    panel.vertical(wave->onset_s - r, style);
    panel.vertical(wave->offset_s - r, style);
  }
  panel.legend(Panel::Key::kShade, kBlue, "P");
  panel.legend(Panel::Key::kShade, kOrange, "QRS");
  panel.legend(Panel::Key::kShade, kGreen, "T in the lead");
  panel.legend(Panel::Key::kCurve, kInk, "lead, scaled to its row");
  panel.legend(Panel::Key::kCurve, kBlue, "all leads together");
  write_figure(path, svg);
}

}  // namespace cardiograd::docs
