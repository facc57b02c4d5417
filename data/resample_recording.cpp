#include "data/resample_recording.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <fmt/format.h>

#include "base/error.h"
#include "dsp/filters/gaps.h"
#include "dsp/filters/resample.h"

namespace cardiograd::data {
namespace {

constexpr double kReflectedSeconds = 0.25;

// `margin` samples of odd reflection before and after.
Eigen::ArrayXXd extended(const Eigen::ArrayXXd& signal, Eigen::Index margin) {
  Eigen::ArrayXXd longer(signal.rows() + 2 * margin, signal.cols());
  longer.middleRows(margin, signal.rows()) = signal;
  const Eigen::Index last = signal.rows() - 1;
  for (Eigen::Index i = 1; i <= margin; ++i) {
    longer.row(margin - i) = 2 * signal.row(0) - signal.row(i);
    longer.row(margin + last + i) = 2 * signal.row(last) - signal.row(last - i);
  }
  return longer;
}

}  // namespace

ecg::Recording at_rate(const ecg::Recording& recording, double rate) {
  for (const double value : {recording.rate, rate})
    if (!(value >= 1 && value <= kHighestResampledRate))
      throw Error(fmt::format("{}: resampling from {} to {} Hz", recording.name, recording.rate, rate),
                  fmt::format("Rates of 1 to {} Hz are possible.", kHighestResampledRate));
  // A tenth of a hertz makes whole numbers of both.
  const double parts = std::max(recording.rate, rate) <= 1000 ? 10 : 1;
  int up = static_cast<int>(std::lround(rate * parts));
  int down = static_cast<int>(std::lround(recording.rate * parts));
  const int common = std::gcd(up, down);
  up /= common;
  down /= common;
  if (up == down || recording.signal.rows() == 0) return recording;

  ecg::Recording result{recording.name, rate, recording.leads, recording.units, {}, recording.comments};
  Eigen::ArrayXXd bridged = recording.signal;
  Eigen::Index missing = 0;
  for (Eigen::Index lead = 0; lead < bridged.cols(); ++lead) missing += dsp::fill_gaps(bridged.col(lead));
  const Eigen::RowVectorXd means = bridged.colwise().mean();
  bridged.matrix().rowwise() -= means;
  // The reflected margin must become a whole number of samples.
  const Eigen::Index samples = bridged.rows();
  const auto wanted = static_cast<Eigen::Index>(std::ceil(kReflectedSeconds * recording.rate / down));
  const Eigen::Index margin = std::min(wanted, (samples - 1) / down) * down;
  const Eigen::ArrayXXd all = dsp::resample_poly(extended(bridged, margin), up, down);
  result.signal = all.middleRows(margin / down * up, (samples * up + down - 1) / down);
  result.signal.matrix().rowwise() += means;
  if (missing == 0) return result;
  for (Eigen::Index t = 0; t < result.signal.rows(); ++t) {
    const Eigen::Index nearest = std::min((t * down + up / 2) / up, samples - 1);
    const auto source = recording.signal.row(nearest);
    result.signal.row(t) = source.isFinite().select(result.signal.row(t), std::numeric_limits<double>::quiet_NaN());
  }
  return result;
}

}  // namespace cardiograd::data
