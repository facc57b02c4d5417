#include "dsp/delineation/lead_times.h"

#include <algorithm>
#include <cmath>

#include <Eigen/QR>

#include "dsp/delineation/constants.h"
#include "dsp/filters/butterworth.h"
#include "dsp/filters/gaps.h"
#include "dsp/statistics.h"

namespace cardiograd::dsp {
namespace {

// Largest correlation of two columns without their means, shifted by up to `reach` points against each other.
double coincidence(const Eigen::ArrayXd& a, const Eigen::ArrayXd& b, Eigen::Index reach) {
  double best = -1.0;
  const double norm = std::sqrt(a.square().sum() * b.square().sum());
  for (Eigen::Index lag = -reach; lag <= reach; ++lag) {
    const Eigen::Index length = a.size() - std::abs(lag);
    const Eigen::Index first = std::max<Eigen::Index>(0, lag), second = std::max<Eigen::Index>(0, -lag);
    best = std::max(best, (a.segment(first, length) * b.segment(second, length)).sum() / norm);
  }
  return best;
}

// The envelopes without their means; an empty one for leads without clear beats.
std::vector<Eigen::ArrayXd> clear_leads(const Eigen::ArrayXXd& envelopes) {
  std::vector<Eigen::ArrayXd> clear(static_cast<std::size_t>(envelopes.cols()));
  for (Eigen::Index l = 0; l < envelopes.cols(); ++l) {
    const Eigen::ArrayXd lead = envelopes.col(l);
    // The envelope is 1 at beats.
    if (lead.maxCoeff() > 0.0 && kRPeak.min_contrast_short_ratio * median({lead.begin(), lead.end()}) <= 1.0) {
      clear[static_cast<std::size_t>(l)] = lead - lead.mean();
    }
  }
  return clear;
}

}  // namespace

std::vector<std::vector<Eigen::Index>> simultaneous_leads(const Eigen::ArrayXXd& envelopes, double rate) {
  const std::vector<Eigen::ArrayXd> clear = clear_leads(envelopes);
  const auto reach = static_cast<Eigen::Index>(std::lround(kLeadTimes.reach_s * rate));
  std::vector<std::vector<Eigen::Index>> sets;
  std::vector<Eigen::Index> unclear;
  for (Eigen::Index l = 0; l < envelopes.cols(); ++l) {
    const Eigen::ArrayXd& own = clear[static_cast<std::size_t>(l)];
    if (own.size() == 0) {
      unclear.push_back(l);
      continue;
    }
    std::vector<Eigen::Index> with = {l};
    std::erase_if(sets, [&](const std::vector<Eigen::Index>& set) {
      const bool same = std::any_of(set.begin(), set.end(), [&](Eigen::Index m) {
        return coincidence(own, clear[static_cast<std::size_t>(m)], reach) >= kLeadTimes.min_correlation;
      });
      if (same) with.insert(with.end(), set.begin(), set.end());
      return same;
    });
    std::sort(with.begin(), with.end());
    sets.push_back(std::move(with));
  }
  std::sort(sets.begin(), sets.end());
  std::stable_sort(sets.begin(), sets.end(), [](const auto& a, const auto& b) { return a.size() > b.size(); });
  if (sets.empty()) return {std::move(unclear)};
  sets.front().insert(sets.front().end(), unclear.begin(), unclear.end());
  return sets;
}

bool is_combination(const Eigen::ArrayXXd& signal, double rate, Eigen::Index lead,
                    const std::vector<Eigen::Index>& others) {
  const Eigen::Index samples = std::min(signal.rows(), static_cast<Eigen::Index>(kLeadTimes.looked_at_s * rate));
  std::vector<Eigen::Index> leads = others;
  leads.push_back(lead);
  Eigen::ArrayXXd part = signal(Eigen::seqN(0, samples), leads);
  for (Eigen::Index l = 0; l < part.cols(); ++l) fill_gaps(part.col(l));
  const double high_hz = std::min(kRPeak.band_high_hz, kRPeak.max_band_fraction * rate);
  const Sos band = butterworth_bandpass(kRPeak.band_order, kRPeak.band_low_hz, high_hz, rate);
  const Eigen::MatrixXd passed = sosfiltfilt(band, part, 0).matrix();
  const auto own = passed.rightCols(1);
  const auto rest = passed.leftCols(passed.cols() - 1);
  const double left = (own - rest * rest.completeOrthogonalDecomposition().solve(own)).squaredNorm();
  return left <= (1.0 - kLeadTimes.min_explained_fraction) * own.squaredNorm();
}

bool at_other_times(const std::vector<double>& beats_s, const std::vector<double>& others_s) {
  if (beats_s.empty() || others_s.empty()) return false;
  // Only of the time that both have.
  const double from = std::max(beats_s.front(), others_s.front()) - kRPeak.smoothing_s;
  const double to = std::min(beats_s.back(), others_s.back()) + kRPeak.smoothing_s;
  const auto inside = [&](double time_s) { return time_s >= from && time_s <= to; };
  const auto own = static_cast<double>(std::count_if(beats_s.begin(), beats_s.end(), inside));
  const auto other = static_cast<double>(std::count_if(others_s.begin(), others_s.end(), inside));
  const double fewer = std::min(own, other), more = std::max(own, other);
  if (fewer < kLeadTimes.min_beats || fewer < kLeadTimes.min_count_ratio * more) return false;
  const auto near = [&](double time_s) {
    return inside(time_s) && std::any_of(others_s.begin(), others_s.end(),
                                         [&](double t) { return std::abs(t - time_s) <= kRPeak.smoothing_s; });
  };
  return 2.0 * static_cast<double>(std::count_if(beats_s.begin(), beats_s.end(), near)) < own;
}

}  // namespace cardiograd::dsp
