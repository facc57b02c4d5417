#include "dsp/delineation/working_signal.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>
#include <vector>

#include "dsp/delineation/constants.h"
#include "dsp/delineation/stimuli.h"
#include "dsp/filters/butterworth.h"
#include "dsp/filters/gaps.h"
#include "dsp/filters/resample.h"
#include "dsp/statistics.h"

namespace cardiograd::dsp {

WorkingSignal working_signal(const Eigen::ArrayXXd& signal, double rate) {
  WorkingSignal working;
  const int up =
      std::max(1, static_cast<int>(std::lround(kWorkingSignal.upsampling_fraction * kWorkingSignal.rate_hz / rate)));
  const int down = std::max(1, static_cast<int>(std::lround(rate / kWorkingSignal.rate_hz)));
  working.rate = rate * up / down;
  Eigen::ArrayXXd filled = without_stops(signal, rate).value_or(signal);
  working.usable.assign(static_cast<std::size_t>(signal.cols()), 1);
  std::vector<double> missing_samples;
  for (Eigen::Index l = 0; l < signal.cols(); ++l)
    missing_samples.push_back(static_cast<double>(fill_gaps(filled.col(l))));
  const Eigen::ArrayXd ranges = filled.colwise().maxCoeff() - filled.colwise().minCoeff();
  std::vector<double> moving;  // Ranges; their median, as an artifact in one lead must not make the others flat.
  std::copy_if(ranges.begin(), ranges.end(), std::back_inserter(moving), [](double range) { return range > 0.0; });
  const double least = moving.empty() ? 0.0 : kWorkingSignal.flat_fraction * median(std::move(moving));
  for (Eigen::Index l = 0; l < signal.cols(); ++l) {
    const double missing = missing_samples[static_cast<std::size_t>(l)];
    const bool flat = !(ranges[l] > least);
    if (flat || missing > kWorkingSignal.max_missing_fraction * static_cast<double>(signal.rows())) {
      working.usable[static_cast<std::size_t>(l)] = 0;
    }
  }
  working.stimuli_s = find_stimuli(filled, rate);
  bridge_stimuli(working.stimuli_s, rate, filled);
  const Sos band = butterworth_bandpass(kRPeak.band_order, kWorkingSignal.band_low_hz,
                                        std::min(kWorkingSignal.band_high_hz, kRPeak.max_band_fraction * rate), rate);
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
