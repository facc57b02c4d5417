// QRS complex, T wave and P wave on the average beat.
#include <cmath>

#include <fmt/format.h>

#include "docs/figures/group_steps.h"
#include "docs/figures/steps.h"
#include "dsp/delineation/average_beat.h"
#include "dsp/delineation/constants.h"
#include "dsp/delineation/p_t_search.h"
#include "dsp/delineation/qrs_search.h"

namespace cardiograd::docs {
namespace {

using dsp::AverageBeat;

// From positions in the average's window to seconds from the R peak.
struct Clock {
  const AverageBeat& beat;
  double operator()(double position) const { return (position - static_cast<double>(beat.center())) / beat.rate(); }
  double operator()(Eigen::Index position) const { return (*this)(static_cast<double>(position)); }
  double first() const { return (*this)(Eigen::Index{0}); }
  double step() const { return 1.0 / beat.rate(); }
};

// The part of a curve between two times, for its range.
Eigen::ArrayXd between(const AverageBeat& beat, const Eigen::ArrayXd& curve, double from_s, double to_s) {
  const Eigen::Index from = beat.inside(beat.center() + beat.samples(from_s));
  const Eigen::Index to = beat.inside(beat.center() + beat.samples(to_s));
  return curve.segment(from, to - from + 1);
}

std::vector<char> leads_with_qrs(const dsp::FoundQrs& qrs) {
  std::vector<char> leads;
  for (const auto& lead : qrs.leads) leads.push_back(lead.has_value());
  return leads;
}

dsp::FoundQrs qrs_of(const AverageBeat& beat) {
  std::optional<dsp::FoundQrs> qrs = dsp::find_qrs(beat);
  if (!qrs) throw Error("no QRS complex in the average beat", "Give another record.");
  return *qrs;
}

// Where the leads' humps agree that the peak lies.
void draw_place(report::Svg& svg, const AverageBeat& beat, const dsp::WaveSearch& search,
                const dsp::CommonPlace& common, report::Range shown) {
  const Clock seconds{beat};
  const Eigen::ArrayXd support = common.support / std::max(common.support.maxCoeff(), 1e-12);
  Panel panel(svg, kLeft, 14, kPlot, 38, shown, {0, 1.1},
              {"Where the peak lies in all leads", "time from the R peak (s)", "relative"});
  panel.shade(seconds(search.from), seconds(search.to), kThin);
  panel.curve(support, seconds.first(), seconds.step(), kInk);
  panel.curve(common.prior.segment(search.from, search.to - search.from + 1), seconds(search.from), seconds.step(),
              kGreen);
  panel.curve(support * common.prior, seconds.first(), seconds.step(), kBlue);
  panel.mark(seconds(common.place), support[common.place] * common.prior[common.place], kOrange);
  panel.legend(Panel::Key::kShade, kThin, "searched");
  panel.legend(Panel::Key::kCurve, kInk, "support by humps");
  panel.legend(Panel::Key::kCurve, kGreen, "expectation");
  panel.legend(Panel::Key::kCurve, kBlue, "product");
  panel.legend(Panel::Key::kMark, kOrange, "common place");
}

// The trapezium between a flank's steepest sample, the corner that makes it largest and the far end of the search.
void draw_trapezium(Panel& panel, const Clock& seconds, const Eigen::ArrayXd& signal, Eigen::Index steep, double corner,
                    Eigen::Index far) {
  const auto at = static_cast<Eigen::Index>(corner);
  panel.polygon({{seconds(steep), signal[steep]},
                 {seconds(at), signal[at]},
                 {seconds(far), signal[at]},
                 {seconds(far), signal[steep]}},
                kBlue);
}

// One lead: humps, flanks, corners.
void draw_outline(report::Svg& svg, const AverageBeat& beat, const dsp::WaveSearch& search,
                  const std::vector<dsp::Hump>& humps, const dsp::WaveHumps& which, std::size_t lead,
                  const std::string& name, report::Range shown) {
  const Clock seconds{beat};
  const Eigen::ArrayXd signal = beat.lead(lead);
  const dsp::FoundWave wave = dsp::outline(signal, humps, which, search.limits);
  Panel panel(svg, kLeft, 74, kPlot, 46, shown,
              range_of(signal.segment(search.limits.lowest, search.limits.highest - search.limits.lowest + 1), 0.4),
              {fmt::format("Boundaries in the average, lead {}", name), "time from the R peak (s)", "mV"});
  const Eigen::Index rise = humps[which.first].before, fall = humps[which.last].after;
  const double own = search.limits.symmetry * (static_cast<double>(fall) - humps[which.last].middle());
  const Eigen::Index reach =
      std::min(search.limits.reach_after,
               std::max(search.limits.reach_after / dsp::kPAndT.min_reach_parts, static_cast<Eigen::Index>(own)));
  const Eigen::Index first = std::max(search.limits.lowest, rise - search.limits.reach_before);
  const Eigen::Index last = std::min(search.limits.highest, fall + reach);
  panel.shade(seconds(first), seconds(rise), kThin);
  panel.shade(seconds(fall), seconds(last), kThin);
  draw_trapezium(panel, seconds, signal, rise, wave.onset, first);
  draw_trapezium(panel, seconds, signal, fall, wave.offset, last);
  panel.curve(signal, seconds.first(), seconds.step(), kInk);
  for (const Eigen::Index flank : {rise, fall}) panel.mark(seconds(flank), signal[flank], kGreen);
  for (const double found : {wave.onset, wave.peak, wave.offset}) {
    panel.mark(seconds(found), signal[static_cast<Eigen::Index>(found)], kOrange);
  }
  panel.legend(Panel::Key::kShade, kThin, "corner sought here");
  panel.legend(Panel::Key::kMark, kGreen, "steepest sample of a flank");
  panel.legend(Panel::Key::kShade, kBlue, "largest trapezium");
  panel.legend(Panel::Key::kMark, kOrange, "onset, peak, end");
}

void draw_wave(const Recorded& recorded, const AverageBeat& beat, const dsp::WaveSearch& search,
               const dsp::FoundQrs& qrs, report::Range shown, const std::string& id, const std::string& path) {
  const dsp::LeadHumps humps = dsp::lead_humps(search, dsp::lead_slopes(beat, search, leads_with_qrs(qrs)));
  const dsp::CommonPlace common = dsp::common_place(beat, search, humps);
  const auto lead = static_cast<std::size_t>(drawn_lead(recorded));
  if (common.place < 0) throw Error("no " + id + " wave in the average beat", "Give another record.");
  const auto which = dsp::humps_near(search, humps.humps[lead], common.place);
  if (!which) throw Error("no " + id + " wave in the drawn lead", "Give another record.");
  report::Svg svg = page(132, id + "-wave", "The " + id + " wave",
                         "Above where the humps of all leads agree on the peak, below the boundaries in one lead as "
                         "corners of the largest trapezia under the flanks.");
  draw_place(svg, beat, search, common, shown);
  draw_outline(svg, beat, search, humps.humps[lead], *which, lead, recorded.leads[lead], shown);
  write_figure(path, svg);
}

}  // namespace

void draw_qrs(const Recorded& recorded, const std::string& path) {
  const Prepared prepared = prepare(recorded);
  const AverageBeat beat(prepared.signal, prepared.groups[0]);
  const dsp::FoundQrs qrs = qrs_of(beat);
  const Clock seconds{beat};
  const report::Range shown{-0.2, 0.25};
  report::Svg svg =
      page(132, "qrs", "The QRS complex",
           "Above the average beat of all leads, below how steep it is over all leads, with the threshold "
           "and the boundaries.");
  double low = 0, high = 0;
  for (std::size_t l = 0; l < beat.leads(); ++l) {
    const Eigen::ArrayXd part = between(beat, beat.lead(l), shown.low, shown.high);
    low = std::min(low, part.minCoeff());
    high = std::max(high, part.maxCoeff());
  }
  Panel top(svg, kLeft, 14, kPlot, 38, shown, {low - 0.1, high + 0.1},
            {"Average beat, all leads", "time from the R peak (s)", "mV"});
  for (std::size_t l = 0; l < beat.leads(); ++l) top.curve(beat.lead(l), seconds.first(), seconds.step(), kInk);
  for (const auto& lead : qrs.leads) {
    if (!lead) continue;
    top.vertical(seconds(lead->onset), kThin);
    top.vertical(seconds(lead->offset), kThin);
  }
  top.legend(Panel::Key::kCurve, kInk, "average in each lead");
  top.legend(Panel::Key::kCurve, kThin, "onset and end of each lead, drawn to the consensus");
  Panel panel(svg, kLeft, 74, kPlot, 46, shown, {0, 1},
              {"Slope of all leads", "time from the R peak (s)", "steepest in each lead = 1"});
  panel.shade(seconds(qrs.window.lowest), seconds(qrs.window.highest), kThin);
  panel.shade(seconds(qrs.window.from), seconds(qrs.window.to), kBlue);
  const double level = qrs.threshold * qrs.steepest;
  panel.line(shown.low, level, shown.high, level, kGreen, true);
  panel.curve(qrs.activity.all_leads, seconds.first(), seconds.step(), kInk);
  for (const double found : {qrs.all_leads.onset, qrs.all_leads.offset}) {
    panel.mark(seconds(found), qrs.activity.all_leads[static_cast<Eigen::Index>(found)], kOrange);
    panel.vertical(seconds(found), kOrange);
  }
  panel.legend(Panel::Key::kShade, kThin, "boundaries lie here");
  panel.legend(Panel::Key::kShade, kBlue, "steepest place lies here");
  panel.legend(Panel::Key::kDashed, kGreen, "threshold");
  panel.legend(Panel::Key::kMark, kOrange, "onset, end");
  write_figure(path, svg);
}

void draw_t(const Recorded& recorded, const std::string& path) {
  const Prepared prepared = prepare(recorded);
  const AverageBeat beat(prepared.signal, prepared.groups[0]);
  const dsp::FoundQrs qrs = qrs_of(beat);
  draw_wave(recorded, beat, dsp::t_search(beat, qrs.all_leads.offset, usual_interval_s(prepared)), qrs, {0.03, 0.6},
            "T", path);
}

void draw_p(const Recorded& recorded, const std::string& path) {
  const Prepared prepared = prepare(recorded);
  const AverageBeat beat(prepared.signal, prepared.groups[0]);
  const dsp::FoundQrs qrs = qrs_of(beat);
  const double rr = usual_interval_s(prepared);
  const dsp::FoundWaves t = dsp::find_wave(beat, dsp::t_search(beat, qrs.all_leads.offset, rr), leads_with_qrs(qrs));
  draw_wave(recorded, beat, dsp::p_search(beat, qrs.all_leads.onset, t.leads, rr), qrs, {-0.45, 0.0}, "P", path);
}

}  // namespace cardiograd::docs
