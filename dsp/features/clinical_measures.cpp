#include "dsp/features/clinical_measures.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include <fmt/format.h>

#include "base/error.h"
#include "dsp/features/beat_features.h"
#include "dsp/features/rr_statistics.h"
#include "ecg/leads.h"
#include "ecg/units.h"

namespace cardiograd::dsp {
namespace {

constexpr double kUnlimited = std::numeric_limits<double>::infinity();

// Millivolts in one unit of the signal; nothing where the leads are not all in one voltage unit.
std::optional<double> scale_of(const ecg::Recording& recording) {
  const auto same = [&](const std::string& unit) {
    return ecg::canonical_unit(unit) == ecg::canonical_unit(recording.units.front());
  };
  if (recording.units.empty() || !std::all_of(recording.units.begin(), recording.units.end(), same))
    return std::nullopt;
  return ecg::millivolts_per_unit(recording.units.front());
}

// One lead of the prepared signal at any time within it, by linear interpolation.
double value_at(const WorkingSignal& signal, std::size_t lead, double seconds) {
  const double last = static_cast<double>(signal.samples.rows() - 1);
  const double position = std::clamp(seconds * signal.rate, 0.0, last);
  const auto below = static_cast<Eigen::Index>(position);
  const Eigen::Index above = std::min(below + 1, signal.samples.rows() - 1);
  const auto column = static_cast<Eigen::Index>(lead);
  const double fraction = position - static_cast<double>(below);
  return (1.0 - fraction) * signal.samples(below, column) + fraction * signal.samples(above, column);
}

// Mean over the 20 ms before `onset_s`: the PR segment. The onset itself may lie on the first steep samples already.
double level_before(const WorkingSignal& signal, std::size_t lead, double onset_s) {
  constexpr int kPoints = 11;
  double sum = 0.0;
  for (int i = 0; i < kPoints; ++i) sum += value_at(signal, lead, onset_s - 0.002 * i);
  return sum / kPoints;
}

void add_heights(const WorkingSignal& signal, const Delineation& waves, std::size_t lead, QrsHeights& heights) {
  constexpr double kAfterJ = 0.06;
  const double end_s = static_cast<double>(signal.samples.rows() - 1) / signal.rate;
  for (std::size_t beat = 0; beat < waves.global.size(); ++beat) {
    const Wave& qrs = waves.leads[lead][beat].qrs;
    if (!qrs.present()) continue;
    const double step = 1.0 / signal.rate, level = level_before(signal, lead, qrs.onset_s);
    double highest = 0.0, lowest = 0.0, area = 0.0;
    for (double t = qrs.onset_s; t <= qrs.offset_s; t += step) {
      const double height = value_at(signal, lead, t) - level;
      highest = std::max(highest, height);
      lowest = std::min(lowest, height);
      area += height * step;
    }
    heights.r.push_back(highest);
    heights.s.push_back(-lowest);
    heights.net_area.push_back(area);
    // Leads that were not recorded with the others have beats of their own.
    const Wave& all = waves.global[beat].qrs;
    const bool same_beat = all.onset_s <= qrs.offset_s && qrs.onset_s <= all.offset_s;
    const double st_s = (same_beat ? all : qrs).offset_s + kAfterJ;
    if (st_s <= end_s) heights.st.push_back(value_at(signal, lead, st_s) - level);
  }
}

// Limits of the ST level in mV by Wagner et al. (2009), those of the J point for men from 40 years on where two differ.
std::string_view st_note(std::string_view lead, double st_mv, const ecg::Person& person) {
  const bool v2_or_v3 = ecg::same_lead(lead, "V2") || ecg::same_lead(lead, "V3");
  const double highest = v2_or_v3 ? (person.female() ? 0.15 : 0.2) : 0.1;
  const double lowest = v2_or_v3 ? -0.05 : -0.1;
  if (ecg::same_lead(lead, "aVR")) return "";  // Opposite to all others: not judged.
  if (st_mv >= highest) return "elevated";
  return st_mv <= lowest ? "depressed" : "";
}

class Builder {
 public:
  Builder(const ecg::Recording& recording, const ecg::Person& person, const std::vector<QrsHeights>& heights,
          const Delineation& waves, std::size_t stimuli, std::span<const Gap> gaps_s)
      : waves_(waves),
        names_(recording.leads),
        millivolts_(scale_of(recording)),
        person_(person),
        stimuli_(stimuli),
        gaps_s_(gaps_s),
        heights_(heights) {}

  ClinicalMeasures build() {
    add_p_fraction();
    add_intervals();
    add_axis();
    add_voltages();
    add_stimuli();
    for (std::size_t l = 0; l < heights_.size(); ++l) result_.leads.push_back(lead_measures(l));
    return std::move(result_);
  }

 private:
  void add(ClinicalMeasure measure, double value, std::string reason) {
    measure.value = std::isfinite(value) ? value : kMissing;
    if (!std::isfinite(value)) measure.reason = waves_.global.empty() ? "no beats" : std::move(reason);
    result_.record.push_back(std::move(measure));
  }

  // Beats whose P nothing can be said about are left out.
  void add_p_fraction() {
    double with = 0.0, clear = 0.0;
    for (std::size_t beat = 0; beat < waves_.global.size(); ++beat) {
      with += waves_.global[beat].p.present() ? 1.0 : 0.0;
      clear += beat < waves_.p_hidden.size() && waves_.p_hidden[beat] != 0 ? 0.0 : 1.0;
    }
    add({"p_waves_pct", "%", "beats with a P wave, those too noisy to say left out", "", std::nullopt, 0, ""},
        clear > 0.0 ? 100.0 * with / clear : kMissing, std::string(no_p_reason(waves_)));
  }

  void add_intervals() {
    std::vector<double> pr, p, r_times;
    for (const BeatWaves& beat : waves_.global) {
      r_times.push_back(beat.qrs.peak_s);
      if (!beat.p.present()) continue;
      p.push_back(1000.0 * (beat.p.offset_s - beat.p.onset_s));
      if (std::isfinite(beat.qrs.onset_s)) pr.push_back(1000.0 * (beat.qrs.onset_s - beat.p.onset_s));
    }
    const std::string no_p = std::string(no_p_reason(waves_));
    add({"pr_interval_ms", "ms", "QRS onset - P onset, median", "Surawicz 2009", UsualRange{120.0, 200.0}, 0, ""},
        median(pr), no_p);
    add({"p_duration_ms", "ms", "P end - P onset, median", "Hancock 2009", UsualRange{-kUnlimited, 120.0}, 0, ""},
        median(p), no_p);
    const double qt = mean(qt_intervals_ms(waves_)),
                 rr = rr_statistics(rr_intervals_ms(r_times, gaps_s_)).rr_mean_ms / 1000.0;
    const std::string reason = std::isnan(qt) ? "no QT interval between 200 and 700 ms"
                                              : "no RR interval between 180 and 3000 ms without missing samples";
    // Of both sexes where it is unknown: prolonged from 450 ms in men, 460 in women; short to 390.
    const UsualRange usual{390.0, person_.sex == ecg::kMale ? 450.0 : 460.0};
    add({"qtc_bazett_ms", "ms", "QT / sqrt(RR / s)", "Bazett 1920", usual, 0, ""}, qt / std::sqrt(rr), reason);
    add({"qtc_fridericia_ms", "ms", "QT / cbrt(RR / s)", "Fridericia 1920", usual, 0, ""}, qt / std::cbrt(rr), reason);
    add({"qtc_framingham_ms", "ms", "QT + 154 (1 - RR / s)", "Sagie 1992", usual, 0, ""}, qt + 154.0 * (1.0 - rr),
        reason);
  }

  // The median net QRS area of a lead; NaN where there is none.
  double area(std::string_view name) const {
    const auto lead = ecg::find_lead(names_, name);
    return lead ? median(heights_[*lead].net_area) : kMissing;
  }

  void add_axis() {
    const double one = area("I");
    double foot = area("aVF");
    if (std::isnan(foot)) foot = area("II") - 0.5 * one;
    if (std::isnan(foot)) foot = area("III") + 0.5 * one;
    // Leads I and aVF stand at right angles; Einthoven's triangle makes aVF smaller by sqrt(3) / 2.
    const double upright = foot * 2.0 / std::numbers::sqrt3;
    const bool some = one != 0.0 || upright != 0.0;
    const double axis = some ? std::atan2(upright, one) * 180.0 / std::numbers::pi : kMissing;
    add({"frontal_axis_deg", "deg", "direction of the net QRS area in leads I and aVF", "Surawicz 2009",
         UsualRange{-30.0, 90.0}, 0, ""},
        millivolts_ ? axis : kMissing,
        !millivolts_ ? "no scale"
                     : (std::isnan(one + foot) ? "lead I and one of aVF, II, III are needed" : "no net QRS area"));
  }

  double height(std::string_view name, std::vector<double> QrsHeights::*member) const {
    const auto lead = ecg::find_lead(names_, name);
    return lead && millivolts_ ? *millivolts_ * median(heights_[*lead].*member) : kMissing;
  }

  void add_voltages() {
    const double v5 = height("V5", &QrsHeights::r), v6 = height("V6", &QrsHeights::r);
    const double lateral = std::isnan(v5) ? v6 : (std::isnan(v6) ? v5 : std::max(v5, v6));
    const auto why = [&](const char* needed) { return millivolts_ ? std::string(needed) : "no scale"; };
    add({"sokolow_lyon_mv", "mV", "S in V1 + the larger R of V5 and V6", "Sokolow 1949", UsualRange{-kUnlimited, 3.5},
         0, ""},
        height("V1", &QrsHeights::s) + lateral, why("V1 and one of V5, V6 are needed"));
    add({"cornell_mv", "mV", "R in aVL + S in V3", "Casale 1985", UsualRange{-kUnlimited, person_.female() ? 2.0 : 2.8},
         0, ""},
        height("aVL", &QrsHeights::r) + height("V3", &QrsHeights::s), why("aVL and V3 are needed"));
  }

  void add_stimuli() {
    add({"pacing_stimuli", "", "pacemaker stimuli that were recognized", "", std::nullopt, 0, ""},
        static_cast<double>(stimuli_), "");
  }

  LeadMeasures lead_measures(std::size_t lead) const {
    LeadMeasures measures;
    const QrsHeights& heights = heights_[lead];
    if (heights.r.empty()) {
      measures.reason = waves_.global.empty() ? "no beats" : "no QRS complex in this lead";
    } else if (!millivolts_) {
      measures.reason = "no scale";
    } else {
      measures.r_mv = *millivolts_ * median(heights.r);
      measures.s_mv = *millivolts_ * median(heights.s);
      measures.st_mv = *millivolts_ * median(heights.st);
      measures.st_note = st_note(names_[lead], measures.st_mv, person_);
    }
    return measures;
  }

  const Delineation& waves_;
  const std::vector<std::string>& names_;
  std::optional<double> millivolts_;
  const ecg::Person& person_;
  std::size_t stimuli_;
  std::span<const Gap> gaps_s_;
  const std::vector<QrsHeights>& heights_;
  ClinicalMeasures result_;
};

}  // namespace

void add_qrs_heights(const WorkingSignal& signal, const Delineation& waves, std::vector<QrsHeights>& heights) {
  heights.resize(waves.leads.size());
  for (std::size_t l = 0; l < waves.leads.size(); ++l) add_heights(signal, waves, l, heights[l]);
}

ClinicalMeasures clinical_measures(const ecg::Recording& recording, const ecg::Person& person,
                                   const WorkingSignal& signal, const Delineation& waves, std::span<const Gap> gaps_s) {
  std::vector<QrsHeights> heights;
  add_qrs_heights(signal, waves, heights);
  return clinical_measures(recording, person, heights, waves, signal.stimuli_s.size(), gaps_s);
}

ClinicalMeasures clinical_measures(const ecg::Recording& recording, const ecg::Person& person,
                                   const std::vector<QrsHeights>& heights, const Delineation& waves,
                                   std::size_t stimuli, std::span<const Gap> gaps_s) {
  if (recording.leads.size() != heights.size() || recording.units.size() != heights.size()) {
    throw Error(fmt::format("clinical measures: {} lead names and {} units for {} leads", recording.leads.size(),
                            recording.units.size(), heights.size()),
                "Give one name and one unit for each lead.");
  }
  return Builder(recording, person, heights, waves, stimuli, gaps_s).build();
}

}  // namespace cardiograd::dsp
