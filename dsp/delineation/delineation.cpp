#include "dsp/delineation/delineation.h"

#include <algorithm>
#include <cmath>

#include "dsp/delineation/beat_groups.h"
#include "dsp/delineation/group_waves.h"

namespace cardiograd::dsp {
namespace {

constexpr std::size_t kNeighborhood = 12;  // Beats that are averaged at most: about 10 s.
constexpr double kDefaultRr = 1.0;         // Where a beat has no neighbor.
constexpr double kLeadShare = 0.5;  // Of the shift of a beat's own QRS boundaries over all leads, for each lead's.

struct Place {
  double start;  // Of a beat's window, in working samples.
  double rate;
  double duration_s;
};

// The wave in seconds; absent where it does not lie within the record.
Wave in_seconds(double onset, double peak, double offset, const Place& place) {
  const Wave wave{(place.start + onset) / place.rate, (place.start + peak) / place.rate,
                  (place.start + offset) / place.rate};
  return wave.onset_s >= 0.0 && wave.offset_s <= place.duration_s ? wave : Wave{};
}

double usual(std::vector<double> intervals) {
  return intervals.empty() ? kDefaultRr : median(std::move(intervals));
}

void add_group(const WorkingSignal& working, const BeatGroup& group, std::span<const double> r_peaks_s,
               double duration_s, Delineation& result) {
  std::vector<double> before, after;
  for (const std::size_t beat : group.beats) {
    if (beat > 0) before.push_back(r_peaks_s[beat] - r_peaks_s[beat - 1]);
    if (beat + 1 < r_peaks_s.size()) after.push_back(r_peaks_s[beat + 1] - r_peaks_s[beat]);
  }
  const GroupWaves waves = find_group_waves(working, group, usual(std::move(before)), usual(std::move(after)));
  for (std::size_t i = 0; i < group.beats.size(); ++i) {
    const Place place{static_cast<double>(group.centers[i] - group.center), working.rate, duration_s};
    Place p_place = place, t_place = place;
    // What the leads' boundaries do not take over is added to the global ones below.
    Wave& global = result.global[group.beats[i]].qrs;
    global.onset_s = (1.0 - kLeadShare) * waves.qrs_onset_shifts[i] / working.rate;
    global.offset_s = (1.0 - kLeadShare) * waves.qrs_offset_shifts[i] / working.rate;
    p_place.start += waves.p_shifts[i];
    t_place.start += waves.t_shifts[i];
    for (std::size_t l = 0; l < waves.leads.size(); ++l) {
      const LeadWaves& lead = waves.leads[l];
      BeatWaves& out = result.leads[l][group.beats[i]];
      if (lead.qrs) {
        const double onset = std::min(lead.qrs_peak, lead.qrs->onset + kLeadShare * waves.qrs_onset_shifts[i]);
        const double offset = std::max(lead.qrs_peak, lead.qrs->offset + kLeadShare * waves.qrs_offset_shifts[i]);
        out.qrs = in_seconds(onset, lead.qrs_peak, offset, place);
      }
      if (lead.p && waves.p_present[i] != 0) {
        out.p = in_seconds(lead.p->onset, lead.p->peak, lead.p->offset, p_place);
      }
      if (lead.t) out.t = in_seconds(lead.t->onset, lead.t->peak, lead.t->offset, t_place);
    }
  }
}

// Without the values that lie farther than 60 ms from the median.
std::vector<double> without_outliers(std::vector<double> values) {
  constexpr double kFar = 0.06;
  const double middle = median(values);
  std::erase_if(values, [&](double value) { return std::abs(value - middle) > kFar; });
  return values;
}

// Over all leads that have the wave.
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
  constexpr std::size_t kEnough = 4;  // Leads, for a second opinion on the earliest and the latest.
  const double onset = onsets[onsets.size() >= kEnough ? 1 : 0];
  const double offset = offsets[offsets.size() >= kEnough ? 1 : 0];
  return {onset, std::clamp(median(peaks), onset, std::max(onset, offset)), offset};
}

}  // namespace

Delineation delineate(const Eigen::ArrayXXd& signal, double rate, std::span<const double> r_peaks_s) {
  if (r_peaks_s.empty()) {
    return {{}, std::vector<std::vector<BeatWaves>>(static_cast<std::size_t>(signal.cols()))};
  }
  return delineate(working_signal(signal, rate), r_peaks_s);
}

Delineation delineate(const WorkingSignal& working, std::span<const double> r_peaks_s) {
  Delineation result;
  const std::size_t beats = r_peaks_s.size();
  result.global.resize(beats);
  result.leads.assign(working.usable.size(), std::vector<BeatWaves>(beats));
  const double duration_s = static_cast<double>(working.samples.rows() - 1) / working.rate;
  for (std::size_t first = 0; first < beats;) {
    const bool rest = beats - first < kNeighborhood + kNeighborhood / 2;
    const std::size_t last = rest ? beats : first + kNeighborhood;
    for (const BeatGroup& group : group_beats(working, r_peaks_s, first, last)) {
      add_group(working, group, r_peaks_s, duration_s, result);
    }
    first = last;
  }
  for (std::size_t beat = 0; beat < beats; ++beat) {
    BeatWaves& global = result.global[beat];
    global.p = global_wave(result, beat, &BeatWaves::p);
    const double onset_shift = global.qrs.onset_s, offset_shift = global.qrs.offset_s;
    global.qrs = global_wave(result, beat, &BeatWaves::qrs);
    global.qrs.onset_s += onset_shift;
    global.qrs.offset_s += offset_shift;
    global.t = global_wave(result, beat, &BeatWaves::t);
    global.qrs.peak_s = r_peaks_s[beat];
  }
  return result;
}

}  // namespace cardiograd::dsp
