#include "dsp/delineation/working_signal.h"

#include <algorithm>
#include <cmath>

#include "dsp/delineation/constants.h"
#include "dsp/filters/butterworth.h"
#include "dsp/filters/gaps.h"
#include "dsp/filters/resample.h"

namespace cardiograd::dsp {
namespace {

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

}  // namespace

std::vector<double> find_stimuli(const Eigen::ArrayXXd& filled, double rate) {
  std::vector<double> stimuli;
  const Eigen::Index samples = filled.rows();
  const auto half = std::max<Eigen::Index>(1, static_cast<Eigen::Index>(std::lround(kStimulus.half_step_s * rate)));
  if (rate < kStimulus.min_rate_hz || samples <= 10 * half) return stimuli;
  Eigen::ArrayXi votes = Eigen::ArrayXi::Zero(samples);
  for (Eigen::Index l = 0; l < filled.cols(); ++l) vote_for_steps(filled.col(l).data(), samples, half, votes);
  const int needed = std::max(1, static_cast<int>(filled.cols() / kStimulus.quorum_leads));
  for (Eigen::Index t = 0; t < samples; ++t) {
    const double seconds = static_cast<double>(t) / rate;
    if (votes[t] >= needed && (stimuli.empty() || seconds - stimuli.back() > kStimulus.dead_s)) {
      stimuli.push_back(seconds);
    }
  }
  return stimuli;
}

WorkingSignal working_signal(const Eigen::ArrayXXd& signal, double rate) {
  WorkingSignal working;
  const int up =
      std::max(1, static_cast<int>(std::lround(kWorkingSignal.upsampling_fraction * kWorkingSignal.rate_hz / rate)));
  const int down = std::max(1, static_cast<int>(std::lround(rate / kWorkingSignal.rate_hz)));
  working.rate = rate * up / down;
  Eigen::ArrayXXd filled = signal;
  working.usable.assign(static_cast<std::size_t>(signal.cols()), 1);
  for (Eigen::Index l = 0; l < signal.cols(); ++l) {
    const auto missing = static_cast<double>(fill_gaps(filled.col(l)));
    const bool flat = !(filled.col(l).maxCoeff() > filled.col(l).minCoeff());
    if (flat || missing > kWorkingSignal.max_missing_fraction * static_cast<double>(signal.rows())) {
      working.usable[static_cast<std::size_t>(l)] = 0;
    }
  }
  working.stimuli_s = find_stimuli(filled, rate);
  const Sos band =
      butterworth_bandpass(kWorkingSignal.band_order, kWorkingSignal.band_low_hz,
                           std::min(kWorkingSignal.band_high_hz, kWorkingSignal.max_band_fraction * rate), rate);
  const Eigen::Index pad = std::min(signal.rows() - 1, static_cast<Eigen::Index>(kWorkingSignal.padding_s * rate));
  working.samples = resample_poly(sosfiltfilt(band, filled, pad), up, down);
  return working;
}

void copy_window(const WorkingSignal& signal, Eigen::Index lead, Eigen::Index at, Eigen::Ref<Eigen::ArrayXd> window) {
  const Eigen::Index last = signal.samples.rows() - 1;
  const double* column = signal.samples.col(lead).data();
  if (at >= 0 && at + window.size() - 1 <= last) {
    window = Eigen::Map<const Eigen::ArrayXd>(column + at, window.size());
    return;
  }
  for (Eigen::Index i = 0; i < window.size(); ++i) window[i] = column[std::clamp<Eigen::Index>(at + i, 0, last)];
}

}  // namespace cardiograd::dsp
