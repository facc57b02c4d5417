#include "dsp/delineation/stimuli.h"

#include <algorithm>
#include <cmath>

#include "dsp/delineation/constants.h"
#include "dsp/filters/butterworth.h"
#include "dsp/filters/gaps.h"
#include "dsp/filters/sos.h"
#include "dsp/statistics.h"

namespace cardiograd::dsp {
namespace {

// Sums over 2 * `half` + 1 samples around each sample, of what there is.
Eigen::ArrayXd around(const Eigen::ArrayXd& values, Eigen::Index half) {
  Eigen::ArrayXd before(values.size() + 1);  // Sums of what comes before.
  before[0] = 0.0;
  for (Eigen::Index t = 0; t < values.size(); ++t) before[t + 1] = before[t] + values[t];
  Eigen::ArrayXd sums(values.size());
  for (Eigen::Index t = 0; t < values.size(); ++t) {
    sums[t] = before[std::min(values.size(), t + half + 1)] - before[std::max<Eigen::Index>(0, t - half)];
  }
  return sums;
}

// Energies above and within the band of QRS complexes, over a few leads.
struct Energies {
  Eigen::ArrayXd above, within;
};

Energies energies_of(const Eigen::ArrayXXd& signal, double rate) {
  const double low = std::min(kStimulus.above_hz, kStimulus.above_rate_fraction * rate);
  const Sos bands[] = {butterworth_highpass(kRPeak.band_order, low, rate),
                       butterworth_bandpass(kRPeak.band_order, kRPeak.band_low_hz, kRPeak.band_high_hz, rate)};
  const Eigen::Index pad = std::min(signal.rows() - 1, static_cast<Eigen::Index>(kRPeak.mirror_s * rate));
  const Eigen::Index leads = signal.cols(), some = std::min(leads, kStimulus.quorum_leads);
  Eigen::ArrayXXd filled(signal.rows(), some);
  for (Eigen::Index i = 0; i < some; ++i) {
    filled.col(i) = signal.col(i * leads / some);
    fill_gaps(filled.col(i));
  }
  Eigen::ArrayXd energies[] = {Eigen::ArrayXd::Zero(signal.rows()), Eigen::ArrayXd::Zero(signal.rows())};
  for (int band = 0; band < 2; ++band) {
    const Eigen::ArrayXXd passed = sosfiltfilt(bands[band], filled, pad);
    for (Eigen::Index i = 0; i < some; ++i) energies[band] += passed.col(i).square();
  }
  const auto samples = [&](double seconds) { return static_cast<Eigen::Index>(std::lround(seconds * rate)); };
  return {around(energies[0], samples(kStimulus.half_above_s)), around(energies[1], samples(kStimulus.half_within_s))};
}

// The sample within two of `at` that stands out most of those two before and after it, over all leads: filters move the
// maximum of the energy.
Eigen::Index impulse_near(const Eigen::ArrayXXd& signal, Eigen::Index at) {
  constexpr Eigen::Index kReach = 2;
  Eigen::Index best = at;
  double most = -1.0;
  const Eigen::Index from = std::max(kReach, at - kReach), to = std::min(signal.rows() - 1 - kReach, at + kReach);
  for (Eigen::Index t = from; t <= to; ++t) {
    const double height = (signal.row(t) - 0.5 * (signal.row(t - kReach) + signal.row(t + kReach))).square().sum();
    if (height > most) {
      most = height;
      best = t;
    }
  }
  return best;
}

// Impulses that come again.
std::vector<double> find_impulses(const Eigen::ArrayXXd& signal, double rate) {
  if (rate < kStimulus.min_rate_hz || signal.cols() == 0 || signal.rows() < static_cast<Eigen::Index>(rate)) return {};
  const Energies energies = energies_of(signal, rate);
  const double low = std::min(kStimulus.above_hz, kStimulus.above_rate_fraction * rate);
  // What an impulse has above that, as a ratio to what it has within the band.
  const double of_impulse =
      (std::min(kStimulus.recorder_hz, 0.5 * rate) - low) / (kRPeak.band_high_hz - kRPeak.band_low_hz);
  std::vector<double> all(energies.above.begin(), energies.above.end());
  const double background = median_in_place(all);
  const auto apart = static_cast<Eigen::Index>(kStimulus.dead_s * rate);
  std::vector<double> found, clear;  // Clear ones, and others that are half as much so.
  for (Eigen::Index t = apart; t + apart < signal.rows(); ++t) {
    const double above = energies.above[t];
    const double clearness = std::min(above / (kStimulus.min_median_ratio * background),
                                      above / (kStimulus.min_impulse_fraction * of_impulse * energies.within[t]));
    if (!(clearness > 0.5) || above < energies.above.segment(t - apart, 2 * apart + 1).maxCoeff()) continue;
    const double time_s = static_cast<double>(impulse_near(signal, t)) / rate;
    if (!found.empty() && time_s - found.back() <= kStimulus.dead_s) continue;
    found.push_back(time_s);
    if (clearness > 1.0) clear.push_back(time_s);
  }
  std::erase_if(found, [&](double time_s) {
    const auto near = [&](double other) { return std::abs(other - time_s) < kStimulus.again_s; };
    return std::count_if(clear.begin(), clear.end(), near) < kStimulus.min_stimuli;
  });
  return found;
}

// The smallest step that counts: a fraction of the range between the lead's quantiles.
double min_step(const double* x, Eigen::Index samples) {
  std::vector<double> sorted(x, x + samples);
  const Eigen::Index tail = samples / kStimulus.range_tail_samples;
  const auto low = sorted.begin() + tail, high = sorted.end() - 1 - tail;
  std::nth_element(sorted.begin(), low, sorted.end());
  const double floor_level = *low;
  std::nth_element(sorted.begin(), high, sorted.end());
  return kStimulus.min_step_fraction * (*high - floor_level);
}

// One vote for each sample in the middle of a step of 2 * `half` samples. The change beside it is taken over the same
// length right before and after, and over twice that length before.
void vote_for_steps(const double* x, Eigen::Index samples, Eigen::Index half, Eigen::ArrayXi& votes) {
  const double least = min_step(x, samples);
  if (!(least > 0.0)) return;
  const Eigen::Index reach = 5 * half;
  for (Eigen::Index t = reach; t + reach < samples; ++t) {
    const double step = std::abs(x[t + half] - x[t - half]);
    if (step < least) continue;
    const double before = std::abs(x[t - half] - x[t - 3 * half]), after = std::abs(x[t + 3 * half] - x[t + half]);
    const double earlier = std::abs(x[t - half] - x[t - reach]);
    if (step > kStimulus.steepness_ratio * std::max({before, after, earlier})) ++votes[t];
  }
}

// Steps that a recorder leaves of a stimulus whose impulse it has cut.
std::vector<double> find_steps(const Eigen::ArrayXXd& signal, double rate) {
  std::vector<double> stimuli;
  const Eigen::Index samples = signal.rows();
  const auto half = std::max<Eigen::Index>(1, static_cast<Eigen::Index>(std::lround(kStimulus.half_step_s * rate)));
  if (rate < kStimulus.min_step_rate_hz || samples <= 10 * half) return stimuli;
  Eigen::ArrayXi votes = Eigen::ArrayXi::Zero(samples);
  for (Eigen::Index l = 0; l < signal.cols(); ++l) {
    Eigen::ArrayXd lead = signal.col(l);
    fill_gaps(lead);
    vote_for_steps(lead.data(), samples, half, votes);
  }
  const int needed = std::max(1, static_cast<int>(signal.cols() / kStimulus.quorum_leads));
  for (Eigen::Index t = 0; t < samples; ++t) {
    const double seconds = static_cast<double>(t) / rate;
    if (votes[t] >= needed && (stimuli.empty() || seconds - stimuli.back() > kStimulus.dead_s)) {
      stimuli.push_back(seconds);
    }
  }
  return stimuli;
}

// Recorders of low rates ring at half of their rate beside an impulse: (1 2 1) / 4 takes that away.
void calm_stimuli(const std::vector<double>& stimuli_s, double rate, Eigen::ArrayXXd& signal) {
  const auto reach = static_cast<Eigen::Index>(std::lround(2.0 * kStimulus.dead_s * rate));
  for (const double time_s : stimuli_s) {
    const auto at = static_cast<Eigen::Index>(std::lround(time_s * rate));
    const Eigen::Index from = std::max<Eigen::Index>(1, at - reach), to = std::min(signal.rows() - 2, at + reach);
    if (to < from) continue;
    const Eigen::ArrayXXd raw = signal.middleRows(from - 1, to - from + 3);
    const Eigen::Index count = to - from + 1;
    signal.middleRows(from, count) =
        0.25 * raw.topRows(count) + 0.5 * raw.middleRows(1, count) + 0.25 * raw.bottomRows(count);
  }
}

}  // namespace

std::vector<double> find_stimuli(const Eigen::ArrayXXd& signal, double rate) {
  const std::vector<double> impulses = find_impulses(signal, rate);
  std::vector<double> all = find_steps(signal, rate);
  for (const double time_s : impulses) {
    const auto near = [&](double other) { return std::abs(other - time_s) <= kStimulus.dead_s; };
    if (std::none_of(all.begin(), all.end(), near)) all.push_back(time_s);
  }
  std::sort(all.begin(), all.end());
  return all;
}

void bridge_stimuli(const std::vector<double>& stimuli_s, double rate, Eigen::ArrayXXd& signal) {
  if (rate < kStimulus.min_step_rate_hz) calm_stimuli(stimuli_s, rate, signal);
  const Eigen::Index half =
      std::max<Eigen::Index>(2, static_cast<Eigen::Index>(std::lround(kStimulus.bridge_s * rate)));
  for (const double time_s : stimuli_s) {
    const auto at = static_cast<Eigen::Index>(std::lround(time_s * rate));
    const Eigen::Index from = std::max<Eigen::Index>(0, at - half);
    const Eigen::Index to = std::min(signal.rows() - 1, at + half);
    const Eigen::ArrayXXd before = signal.row(from), after = signal.row(to);
    for (Eigen::Index t = from; t <= to; ++t) {
      const double part = static_cast<double>(t - from) / static_cast<double>(std::max<Eigen::Index>(1, to - from));
      signal.row(t) = (1.0 - part) * before + part * after;
    }
  }
}

}  // namespace cardiograd::dsp
