#include "dsp/delineation/r_peaks.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "dsp/delineation/beat_groups.h"
#include "dsp/delineation/broad_beats.h"
#include "dsp/delineation/constants.h"
#include "dsp/delineation/lead_times.h"
#include "dsp/delineation/pause_waves.h"
#include "dsp/delineation/periodic_beats.h"
#include "dsp/delineation/r_peak_envelope.h"
#include "dsp/delineation/r_peak_selection.h"
#include "dsp/delineation/stimuli.h"
#include "dsp/filters/gaps.h"
#include "dsp/statistics.h"

namespace cardiograd::dsp {
namespace {

// The sample position, between samples, of the maximum of `signal` within `reach` of `at`.
double refined_maximum(const Eigen::ArrayXd& signal, Eigen::Index at, Eigen::Index reach) {
  const Eigen::Index from = std::max<Eigen::Index>(0, at - reach);
  Eigen::Index top = 0;
  signal.segment(from, std::min(signal.size() - from, at + reach + 1 - from)).maxCoeff(&top);
  top += from;
  if (top == 0 || top + 1 == signal.size()) return static_cast<double>(top);
  const double left = signal[top - 1], middle = signal[top], right = signal[top + 1];
  const double curvature = left - 2.0 * middle + right;
  const double shift = curvature < 0.0 ? std::clamp(0.5 * (left - right) / curvature, -0.5, 0.5) : 0.0;
  return static_cast<double>(top) + shift;
}

// The maxima of both envelopes.
std::vector<Candidate> candidates_of(const Envelopes& envelopes, const Levels& level, double rate) {
  const auto samples = [&](double seconds) { return static_cast<Eigen::Index>(std::lround(seconds * rate)); };
  const Levels sharp_level = block_maxima(envelopes.sharp, level.block);
  const Levels background = block_lows(envelopes.sharp, level.block);
  std::vector<Candidate> candidates = find_candidates(envelopes.all.max(envelopes.sharp), samples(kRPeak.separation_s));
  for (Candidate& candidate : candidates) {
    const Eigen::Index reach = samples(kRPeak.refine_s);
    const Eigen::Index from = std::max<Eigen::Index>(0, candidate.at - reach);
    const Eigen::Index length = std::min(envelopes.all.size() - from, candidate.at + reach + 1 - from);
    candidate.height = envelopes.all.segment(from, length).maxCoeff();
    const double sharp = envelopes.sharp.segment(from, length).maxCoeff(), usual = sharp_level.at(candidate.at);
    if (!(usual > 0.0 && candidate.height > 0.0)) continue;
    candidate.sharp = sharp / usual;
    candidate.sharp_noise = kRPeak.noise_maximum_ratio * background.at(candidate.at) / usual;
    candidate.sharpness = sharp / candidate.height;
  }
  return candidates;
}

// Whether the leads have the same shape around both samples, as the beats of a group do.
bool same_shape(const Eigen::ArrayXXd& signal, double rate, Eigen::Index first, Eigen::Index second) {
  const auto reach = static_cast<Eigen::Index>(std::ceil((kBeatGroup.shape_s + kBeatGroup.max_lag_s) * rate)) + 1;
  const Eigen::Index length = 2 * reach + 1;
  WorkingSignal windows{Eigen::ArrayXXd(2 * length, signal.cols()),
                        rate,
                        std::vector<char>(static_cast<std::size_t>(signal.cols()), 1),
                        {}};
  for (Eigen::Index i = 0; i < length; ++i) {
    const auto row = [&](Eigen::Index at) { return std::clamp<Eigen::Index>(at - reach + i, 0, signal.rows() - 1); };
    windows.samples.row(i) = signal.row(row(first));
    windows.samples.row(length + i) = signal.row(row(second));
  }
  for (Eigen::Index l = 0; l < signal.cols(); ++l) fill_gaps(windows.samples.col(l));
  return shape_correlation(windows, reach, length + reach) >= kBeatGroup.same_shape_correlation;
}

// The beats that the envelopes of `signal` show, or the cycles of a rhythm without pauses.
RPeaks beats_of(const Envelopes& envelopes, const Eigen::ArrayXXd& signal, double rate) {
  const Eigen::ArrayXd& envelope = envelopes.all;
  if (!(envelope.maxCoeff() > 0.0)) return {{}, "all leads are flat or missing"};
  const auto samples = [&](double seconds) { return static_cast<Eigen::Index>(std::lround(seconds * rate)); };
  const Eigen::Index block = std::min(signal.rows(), samples(kRPeak.level_block_s));
  const Levels level = block_maxima(envelope, block);
  const double least =
      signal.rows() < samples(kRPeak.short_s) ? kRPeak.min_contrast_short_ratio : kRPeak.min_contrast_ratio;
  // Waves of the atria may fill the band of the first envelope. The flanks of broad waves stand out of the sharp one by
  // a little, too: there more is asked for.
  const bool clear = contrast(envelope, level) >= least ||
                     contrast(envelopes.sharp, block_maxima(envelopes.sharp, block)) >= kRPeak.min_contrast_short_ratio;
  if (!clear) {
    // Or there is nothing between the beats that they could stand out of.
    std::vector<double> times_s = periodic_beats(signal, rate);
    if (times_s.empty()) times_s = broad_beats(signal, rate);
    if (times_s.empty()) return {{}, "nothing stands out of the noise"};
    return {std::move(times_s), ""};
  }
  const std::vector<Candidate> candidates = candidates_of(envelopes, level, rate);
  const auto alike = [&](const Candidate& a, const Candidate& b) { return same_shape(signal, rate, a.at, b.at); };
  std::vector<char> taken = select_beats(candidates, level, rate, alike).taken;
  std::vector<Eigen::Index> places;
  places.reserve(candidates.size());
  for (const Candidate& candidate : candidates) places.push_back(candidate.at);
  drop_waves_of_pauses(signal, rate, places, taken);
  const Eigen::Index margin = samples(0.5 * kRPeak.smoothing_s);
  RPeaks peaks;  // A complex that the end of the record cuts has no place in time.
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const Eigen::Index at = candidates[i].at;
    if (taken[i] == 0 || at < margin || at >= signal.rows() - margin) continue;
    peaks.times_s.push_back(refined_maximum(envelope, at, samples(kRPeak.refine_s)) / rate);
  }
  if (peaks.times_s.empty()) peaks.reason = "no QRS complex found";
  return peaks;
}

RPeaks beats_of(const Eigen::ArrayXXd& signal, const std::vector<Eigen::Index>& leads, double rate) {
  const Eigen::ArrayXXd some = signal(Eigen::all, leads);
  return beats_of(combined_envelopes(some, rate), some, rate);
}

// Where the leads fall into sets at different times; else nothing.
std::optional<RPeaks> beats_of_sets(const Eigen::ArrayXXd& signal, const Envelopes& envelopes, double rate) {
  std::vector<std::vector<Eigen::Index>> sets = simultaneous_leads(envelopes.leads, envelopes.leads_rate);
  if (sets.size() < 2) return std::nullopt;
  RPeaks most = beats_of(signal, sets.front(), rate);
  for (std::size_t i = 1; i < sets.size(); ++i) {
    std::erase_if(sets[i], [&](Eigen::Index l) { return is_combination(signal, rate, l, sets.front()); });
    if (sets[i].empty()) continue;
    std::vector<double> times_s = beats_of(signal, sets[i], rate).times_s;
    if (at_other_times(times_s, most.times_s)) most.apart.push_back({std::move(sets[i]), std::move(times_s)});
  }
  if (most.apart.empty()) return std::nullopt;
  return most;
}

// Of the leads that do not lie apart.
std::vector<Gap> gaps_of(const Eigen::ArrayXXd& signal, double rate, const std::vector<LeadsApart>& apart) {
  if (apart.empty()) return common_gaps(signal, rate);
  Eigen::ArrayXXd together = signal;
  for (const LeadsApart& set : apart)
    for (const Eigen::Index lead : set.leads) together.col(lead).setConstant(kMissing);
  return common_gaps(together, rate);
}

}  // namespace

RPeaks detect_r_peaks(const Eigen::ArrayXXd& given, double rate) {
  if (!(std::isfinite(rate) && rate >= kRPeak.min_rate_hz)) {
    throw Error(fmt::format("R peaks: a sampling rate of {} Hz, at least {} Hz are needed", rate, kRPeak.min_rate_hz),
                "Check the rate in the record's header.");
  }
  if (given.cols() == 0) return {{}, "no lead"};
  const double seconds = static_cast<double>(given.rows()) / rate;
  if (!(seconds >= kRPeak.min_duration_s)) return {{}, "shorter than one second"};
  const std::optional<Eigen::ArrayXXd> moving = without_stops(given, rate);
  const Eigen::ArrayXXd& recorded = moving ? *moving : given;
  const std::vector<double> stimuli_s = find_stimuli(recorded, rate);
  Eigen::ArrayXXd bridged;
  if (!stimuli_s.empty()) {
    bridged = recorded;
    bridge_stimuli(stimuli_s, rate, bridged);
  }
  const Eigen::ArrayXXd& signal = stimuli_s.empty() ? recorded : bridged;
  const Envelopes envelopes = combined_envelopes(signal, rate);
  std::optional<RPeaks> of_sets = beats_of_sets(signal, envelopes, rate);
  RPeaks found = of_sets ? std::move(*of_sets) : beats_of(envelopes, signal, rate);
  found.gaps_s = gaps_of(recorded, rate, found.apart);
  return found;
}

std::string leads_apart_text(const RPeaks& peaks, std::span<const std::string> names) {
  std::string leads;
  for (const LeadsApart& set : peaks.apart) {
    for (const Eigen::Index lead : set.leads) {
      leads += (leads.empty() ? "" : ", ") + names[static_cast<std::size_t>(lead)];
    }
  }
  return leads.empty() ? "" : fmt::format("leads {} were not recorded at the same time as the others", leads);
}

}  // namespace cardiograd::dsp
