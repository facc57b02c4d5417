#include "dsp/delineation/delineation.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <utility>

#include "dsp/delineation/beat_groups.h"
#include "dsp/delineation/constants.h"
#include "dsp/delineation/group_waves.h"

namespace cardiograd::dsp {
namespace {

// Where a beat's window lies in the record.
struct Place {
  double start;  // First sample of the window, in working samples; not whole where a shift is not.
  double rate;   // Hz.
  double duration_s;

  Place shifted(double samples) const { return {start + samples, rate, duration_s}; }
};

// The wave in seconds; absent where it does not lie within the record.
Wave in_seconds(double onset, double peak, double offset, const Place& place) {
  const Wave wave{(place.start + onset) / place.rate, (place.start + peak) / place.rate,
                  (place.start + offset) / place.rate};
  return wave.onset_s >= 0.0 && wave.offset_s <= place.duration_s ? wave : Wave{};
}

Wave in_seconds(const std::optional<FoundWave>& wave, const Place& place) {
  return wave ? in_seconds(wave->onset, wave->peak, wave->offset, place) : Wave{};
}

double usual(std::vector<double> intervals) {
  return intervals.empty() ? kBeatGroup.default_rr_s : median(std::move(intervals));
}

// Seconds by which the QRS boundaries of all leads of a beat move beyond what its leads' boundaries do.
struct QrsRest {
  double onset_s = 0.0, offset_s = 0.0;
};

// A lead's QRS complex in one beat; its boundaries follow those of all leads in that beat for a fraction of the way.
Wave lead_qrs(const LeadWaves& lead, double onset_shift, double offset_shift, const Place& place) {
  if (!lead.qrs) return {};
  const double onset = std::min(lead.qrs_peak, lead.qrs->onset + kQrs.lead_shift_fraction * onset_shift);
  const double offset = std::max(lead.qrs_peak, lead.qrs->offset + kQrs.lead_shift_fraction * offset_shift);
  return in_seconds(onset, lead.qrs_peak, offset, place);
}

// Beats that are looked at together.
struct Neighborhood {
  std::vector<BeatGroup> groups;
  std::vector<GroupWaves> waves;

  // The group with the most beats.
  std::size_t main() const {
    const auto fewer = [](const BeatGroup& a, const BeatGroup& b) { return a.beats.size() < b.beats.size(); };
    return static_cast<std::size_t>(std::max_element(groups.begin(), groups.end(), fewer) - groups.begin());
  }
};

GroupWaves waves_of(const WorkingSignal& working, const BeatGroup& group, std::span<const double> r_peaks_s,
                    double from_neighbors) {
  std::vector<double> before, after;
  for (const std::size_t beat : group.beats) {
    if (beat > 0) before.push_back(r_peaks_s[beat] - r_peaks_s[beat - 1]);
    if (beat + 1 < r_peaks_s.size()) after.push_back(r_peaks_s[beat + 1] - r_peaks_s[beat]);
  }
  return find_group_waves(working, group, usual(std::move(before)), usual(std::move(after)), from_neighbors);
}

// In fibrillation of the ventricles some deflections stand out by chance. Where no complex can be measured in most
// beats, none is.
void drop_chance_complexes(std::size_t leads, Neighborhood& some) {
  std::size_t with = 0, all = 0;
  for (std::size_t i = 0; i < some.groups.size(); ++i) {
    all += some.groups[i].beats.size();
    with += has_qrs(some.waves[i]) ? some.groups[i].beats.size() : 0;
  }
  if (2 * with >= all) return;
  for (std::size_t i = 0; i < some.groups.size(); ++i) some.waves[i] = no_waves(leads, some.groups[i].beats.size());
}

// What the atria do seldom changes: where the neighborhoods around say otherwise of the largest group, it is decided
// anew.
void heed_neighbors(const WorkingSignal& working, std::span<const double> r_peaks_s,
                    std::vector<Neighborhood>& neighborhoods) {
  std::vector<double> alone;
  alone.reserve(neighborhoods.size());
  for (const Neighborhood& some : neighborhoods) alone.push_back(some.waves[some.main()].p_log_odds);
  const std::vector<double> told = odds_from_neighbors(alone);
  for (std::size_t i = 0; i < neighborhoods.size(); ++i) {
    const std::size_t main = neighborhoods[i].main();
    GroupWaves& waves = neighborhoods[i].waves[main];
    constexpr double kMin = kPEvidence.enough_weight;
    if ((alone[i] > kMin) != (alone[i] + told[i] > kMin)) {
      waves = waves_of(working, neighborhoods[i].groups[main], r_peaks_s, told[i]);
    }
  }
}

// Moves the waves of a group to each of its beats.
void add_group(const WorkingSignal& working, const BeatGroup& group, const GroupWaves& waves,
               std::vector<QrsRest>& rests, Delineation& result) {
  const double duration_s = static_cast<double>(working.samples.rows() - 1) / working.rate;
  for (std::size_t i = 0; i < group.beats.size(); ++i) {
    const std::size_t beat = group.beats[i];
    const Place place{static_cast<double>(group.centers[i] - group.center), working.rate, duration_s};
    const double onset_shift = waves.qrs_onset_shifts[i], offset_shift = waves.qrs_offset_shifts[i];
    result.p_hidden[beat] = waves.p_present[i] == 0 && waves.p_hidden ? 1 : 0;
    rests[beat] = {(1.0 - kQrs.lead_shift_fraction) * onset_shift / working.rate,
                   (1.0 - kQrs.lead_shift_fraction) * offset_shift / working.rate};
    for (std::size_t l = 0; l < waves.leads.size(); ++l) {
      const LeadWaves& lead = waves.leads[l];
      BeatWaves& out = result.leads[l][beat];
      out.qrs = lead_qrs(lead, onset_shift, offset_shift, place);
      if (waves.p_present[i] != 0) out.p = in_seconds(lead.p, place.shifted(waves.p_shifts[i]));
      out.t = in_seconds(lead.t, place.shifted(waves.t_shifts[i]));
    }
  }
}

// Without the values (seconds) that lie far from the median.
std::vector<double> without_outliers(std::vector<double> values) {
  const double middle = median(values);
  std::erase_if(values, [&](double value) { return std::abs(value - middle) > kAllLeads.outlier_s; });
  return values;
}

// Of all leads together, from the leads that have the wave; absent where none has it.
Wave global_wave(const Delineation& all, std::size_t beat, Wave BeatWaves::*member) {
  std::vector<double> onsets, peaks, offsets;
  for (const auto& lead : all.leads) {
    const Wave& wave = lead[beat].*member;
    if (!wave.present()) continue;
    onsets.push_back(wave.onset_s);
    peaks.push_back(wave.peak_s);
    offsets.push_back(wave.offset_s);
  }
  if (onsets.empty()) return {};
  onsets = without_outliers(std::move(onsets));
  offsets = without_outliers(std::move(offsets));
  std::sort(onsets.begin(), onsets.end());
  std::sort(offsets.begin(), offsets.end(), std::greater<>());
  const double onset = onsets[onsets.size() >= kAllLeads.second_opinion_leads ? 1 : 0];
  const double offset = offsets[offsets.size() >= kAllLeads.second_opinion_leads ? 1 : 0];
  return {onset, std::clamp(median(peaks), onset, std::max(onset, offset)), offset};
}

}  // namespace

Delineation delineate(const Eigen::ArrayXXd& signal, double rate, std::span<const double> r_peaks_s) {
  if (r_peaks_s.empty()) {
    return {{}, {}, std::vector<std::vector<BeatWaves>>(static_cast<std::size_t>(signal.cols()))};
  }
  return delineate(working_signal(signal, rate), r_peaks_s);
}

Delineation delineate(const WorkingSignal& working, std::span<const double> r_peaks_s) {
  Delineation result;
  const std::size_t beats = r_peaks_s.size();
  result.global.resize(beats);
  result.p_hidden.assign(beats, 0);
  result.leads.assign(working.usable.size(), std::vector<BeatWaves>(beats));
  std::vector<QrsRest> rests(beats);
  std::vector<Neighborhood> neighborhoods;
  for (std::size_t first = 0; first < beats;) {
    // No neighborhood of a few beats at the end: they go with those before.
    constexpr std::size_t kUsual = kBeatGroup.neighborhood_beats;
    const std::size_t last = beats - first < kUsual + kUsual / 2 ? beats : first + kUsual;
    Neighborhood& some = neighborhoods.emplace_back();
    some.groups = group_beats(working, r_peaks_s, first, last);
    for (const BeatGroup& group : some.groups) some.waves.push_back(waves_of(working, group, r_peaks_s, 0.0));
    drop_chance_complexes(working.usable.size(), some);
    first = last;
  }
  heed_neighbors(working, r_peaks_s, neighborhoods);
  for (Neighborhood& some : neighborhoods) {
    find_p_of_early(working, some.groups, some.waves);
    for (std::size_t i = 0; i < some.groups.size(); ++i) {
      add_group(working, some.groups[i], some.waves[i], rests, result);
    }
  }
  for (std::size_t beat = 0; beat < beats; ++beat) {
    BeatWaves& global = result.global[beat];
    global.p = global_wave(result, beat, &BeatWaves::p);
    global.qrs = global_wave(result, beat, &BeatWaves::qrs);
    global.qrs.onset_s += rests[beat].onset_s;
    global.qrs.offset_s += rests[beat].offset_s;
    global.qrs.peak_s = r_peaks_s[beat];
    global.t = global_wave(result, beat, &BeatWaves::t);
  }
  return result;
}

Delineation delineate(const WorkingSignal& working, const RPeaks& peaks) {
  if (peaks.apart.empty()) return delineate(working, std::span(peaks.times_s));
  const auto with_leads = [&](const auto& use) {
    WorkingSignal some = working;
    for (std::size_t l = 0; l < some.usable.size(); ++l) {
      if (!use(static_cast<Eigen::Index>(l))) some.usable[l] = 0;
    }
    return some;
  };
  const auto has = [](const LeadsApart& set, Eigen::Index lead) {
    return std::find(set.leads.begin(), set.leads.end(), lead) != set.leads.end();
  };
  const auto together = [&](Eigen::Index lead) {
    return std::none_of(peaks.apart.begin(), peaks.apart.end(), [&](const LeadsApart& set) { return has(set, lead); });
  };
  Delineation result = delineate(with_leads(together), std::span(peaks.times_s));
  for (const LeadsApart& set : peaks.apart) {
    Delineation own = delineate(with_leads([&](Eigen::Index lead) { return has(set, lead); }), std::span(set.times_s));
    for (const Eigen::Index lead : set.leads) {
      auto& beats = result.leads[static_cast<std::size_t>(lead)];
      beats = std::move(own.leads[static_cast<std::size_t>(lead)]);
      beats.resize(peaks.times_s.size());
    }
  }
  return result;
}

}  // namespace cardiograd::dsp
