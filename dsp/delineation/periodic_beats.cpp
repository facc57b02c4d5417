#include "dsp/delineation/periodic_beats.h"

#include <algorithm>
#include <cmath>

#include "dsp/delineation/constants.h"
#include "dsp/filters/butterworth.h"
#include "dsp/filters/gaps.h"
#include "dsp/filters/sos.h"

namespace cardiograd::dsp {
namespace {

// Correlation of the stretch with itself `lag` samples later, over all leads.
double correlation_at(const Eigen::ArrayXXd& band, Eigen::Index lag) {
  const Eigen::Index length = band.rows() - lag;
  const auto early = band.topRows(length), late = band.bottomRows(length);
  const double norm = std::sqrt(early.square().sum() * late.square().sum());
  return norm > 0.0 ? (early * late).sum() / norm : 0.0;
}

// Correlation of `cycle` (samples, leads) with the stretch from every sample on.
Eigen::ArrayXd match(const Eigen::ArrayXXd& band, const Eigen::ArrayXXd& cycle) {
  const Eigen::Index places = band.rows() - cycle.rows() + 1;
  const double own = std::sqrt(cycle.square().sum());
  Eigen::ArrayXd result(places);
  for (Eigen::Index t = 0; t < places; ++t) {
    const auto part = band.middleRows(t, cycle.rows());
    const double norm = own * std::sqrt(part.square().sum());
    result[t] = norm > 0.0 ? (part * cycle).sum() / norm : 0.0;
  }
  return result;
}

// Adds the cycles of a stretch that begins at `first`; `previous` is the last one found before.
void add_cycles(const Eigen::ArrayXXd& band, Eigen::Index first, double rate, std::vector<double>& times_s) {
  const Period period = find_period(band, rate);
  if (period.samples == 0) return;
  // The cycle around the place where the leads are farthest from zero, well inside the stretch.
  const Eigen::Index half = period.samples / 2, width = 2 * half + 1;
  const Eigen::ArrayXd distance = band.square().rowwise().sum();
  Eigen::Index top = 0;
  distance.segment(half, band.rows() - 2 * half).maxCoeff(&top);
  const Eigen::ArrayXd fit = match(band, band.middleRows(top, width));
  const auto apart = static_cast<Eigen::Index>(kPeriodic.min_interval_fraction * static_cast<double>(period.samples));
  std::vector<Eigen::Index> places;
  for (Eigen::Index t = 0; t < fit.size(); ++t) {
    if (fit[t] < kPeriodic.min_correlation) continue;
    if (places.empty() || t - places.back() >= apart) {
      places.push_back(t);
    } else if (fit[t] > fit[places.back()]) {
      places.back() = t;
    }
  }
  // The filter's edge hides the first and the last cycle: they are where the period puts them.
  if (places.empty()) return;
  if (places.front() + half - period.samples >= 0) places.insert(places.begin(), places.front() - period.samples);
  if (places.back() + half + period.samples < band.rows()) places.push_back(places.back() + period.samples);
  for (const Eigen::Index place : places) {
    const double time_s = static_cast<double>(first + place + half) / rate;
    if (times_s.empty() || time_s - times_s.back() >= static_cast<double>(apart) / rate) times_s.push_back(time_s);
  }
}

}  // namespace

Period find_period(const Eigen::ArrayXXd& band, double rate) {
  const auto shortest = static_cast<Eigen::Index>(std::lround(kPeriodic.shortest_s * rate));
  const Eigen::Index longest =
      std::min(static_cast<Eigen::Index>(std::lround(kPeriodic.longest_s * rate)), band.rows() / 3);
  if (longest < shortest + 2) return {};
  Eigen::ArrayXd correlation(longest - shortest + 1);
  for (Eigen::Index i = 0; i < correlation.size(); ++i) correlation[i] = correlation_at(band, shortest + i);
  std::vector<Period> maxima;
  for (Eigen::Index i = 1; i + 1 < correlation.size(); ++i) {
    if (correlation[i] >= correlation[i - 1] && correlation[i] > correlation[i + 1]) {
      maxima.push_back({shortest + i, correlation[i]});
    }
  }
  const auto best = std::max_element(maxima.begin(), maxima.end(),
                                     [](const Period& a, const Period& b) { return a.correlation < b.correlation; });
  if (best == maxima.end() || best->correlation < kPeriodic.min_correlation) return {};
  // Every multiple of a period is one as well.
  return *std::find_if(maxima.begin(), maxima.end(), [&](const Period& period) {
    return period.correlation >= kPeriodic.first_fraction * best->correlation;
  });
}

std::vector<double> periodic_beats(const Eigen::ArrayXXd& signal, double rate) {
  Eigen::ArrayXXd filled = signal;
  for (Eigen::Index l = 0; l < filled.cols(); ++l) fill_gaps(filled.col(l));
  const Eigen::Index pad = std::min(signal.rows() - 1, static_cast<Eigen::Index>(kRPeak.mirror_s * rate));
  const Sos band_pass = butterworth_bandpass(kRPeak.band_order, kPeriodic.band_low_hz, kPeriodic.band_high_hz, rate);
  Eigen::ArrayXXd band = sosfiltfilt(band_pass, filled, pad);
  const auto stretch = static_cast<Eigen::Index>(std::lround(kPeriodic.stretch_s * rate));
  std::vector<double> times_s;
  for (Eigen::Index first = 0; first < band.rows();) {
    // No short stretch at the end: it goes with the one before.
    const Eigen::Index length = band.rows() - first < stretch + stretch / 2 ? band.rows() - first : stretch;
    Eigen::ArrayXXd part = band.middleRows(first, length);
    for (Eigen::Index l = 0; l < part.cols(); ++l) {
      part.col(l) -= part.col(l).mean();
      const double size = std::sqrt(part.col(l).square().mean());
      if (size > 0.0) part.col(l) /= size;
    }
    add_cycles(part, first, rate, times_s);
    first += length;
  }
  return times_s;
}

}  // namespace cardiograd::dsp
