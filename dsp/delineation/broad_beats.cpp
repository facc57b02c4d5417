#include "dsp/delineation/broad_beats.h"

#include <algorithm>
#include <cmath>

#include "dsp/delineation/constants.h"
#include "dsp/delineation/r_peak_envelope.h"
#include "dsp/delineation/r_peak_selection.h"
#include "dsp/filters/butterworth.h"
#include "dsp/filters/gaps.h"
#include "dsp/filters/sos.h"

namespace cardiograd::dsp {
namespace {

double root_mean_square(const Eigen::ArrayXd& values) {
  return std::sqrt(values.square().mean());
}

// The slow band of the leads that are clean, each in units of its own RMS.
Eigen::ArrayXXd clean_leads(const Eigen::ArrayXXd& signal, double rate) {
  Eigen::ArrayXXd filled = signal;
  for (Eigen::Index l = 0; l < filled.cols(); ++l) fill_gaps(filled.col(l));
  const Eigen::Index pad = std::min(signal.rows() - 1, static_cast<Eigen::Index>(kRPeak.mirror_s * rate));
  const auto passed = [&](double low, double high) {
    return sosfiltfilt(
        butterworth_bandpass(kRPeak.band_order, low, std::min(high, kRPeak.max_band_fraction * rate), rate), filled,
        pad);
  };
  Eigen::ArrayXXd slow = passed(kPeriodic.band_low_hz, kPeriodic.band_high_hz);
  const Eigen::ArrayXXd fast = passed(kRPeak.band_high_hz, kRPeak.sharp_high_hz);
  Eigen::Index clean = 0;
  for (Eigen::Index l = 0; l < slow.cols(); ++l) {
    const double size = root_mean_square(slow.col(l));
    if (size > 0.0 && size >= kBroad.min_slow_ratio * root_mean_square(fast.col(l))) {
      slow.col(clean++) = slow.col(l) / size;
    }
  }
  return slow.leftCols(clean);
}

// The first principal component, by power iteration; its larger deflections are positive.
Eigen::ArrayXd principal(const Eigen::ArrayXXd& leads) {
  const Eigen::MatrixXd covariance = leads.matrix().transpose() * leads.matrix();
  Eigen::VectorXd axis = covariance.rowwise().sum();
  if (!(axis.norm() > 0.0)) axis = Eigen::VectorXd::Unit(leads.cols(), 0);
  constexpr int kRounds = 20;  // More change nothing.
  for (int i = 0; i < kRounds; ++i) axis = (covariance * axis).normalized();
  Eigen::ArrayXd component = (leads.matrix() * axis).array();
  return component.cube().sum() < 0.0 ? Eigen::ArrayXd(-component) : component;
}

}  // namespace

std::vector<double> broad_beats(const Eigen::ArrayXXd& signal, double rate) {
  if (rate < kStimulus.min_rate_hz) return {};
  const Eigen::ArrayXXd leads = clean_leads(signal, rate);
  if (leads.cols() == 0) return {};
  const Eigen::ArrayXd wave = principal(leads).max(0.0);
  const auto samples = [&](double seconds) { return static_cast<Eigen::Index>(std::lround(seconds * rate)); };
  const Levels level = block_maxima(wave, std::min(wave.size(), samples(kRPeak.level_block_s)));
  std::vector<double> times_s;
  for (const Candidate& candidate : find_candidates(wave, samples(kPeriodic.shortest_s))) {
    if (candidate.height < kRPeak.first_height_fraction * level.at(candidate.at)) continue;
    times_s.push_back(static_cast<double>(candidate.at) / rate);
  }
  const double per_second = static_cast<double>(times_s.size()) * rate / static_cast<double>(signal.rows());
  const bool plausible = per_second >= kPeriodic.band_low_hz && per_second <= 1.0 / kPeriodic.shortest_s;
  return plausible ? times_s : std::vector<double>{};
}

}  // namespace cardiograd::dsp
