#include "dsp/filters/gaps.h"

#include <cmath>
#include <limits>

namespace cardiograd::dsp {

Eigen::Index fill_gaps(Eigen::Ref<Eigen::ArrayXd> lead) {
  const Eigen::Index count = lead.size();
  Eigen::Index missing = 0;
  Eigen::Index last = -1;  // The last finite sample seen.
  for (Eigen::Index t = 0; t < count; ++t) {
    if (!std::isfinite(lead[t])) {
      ++missing;
      continue;
    }
    if (last < 0) {
      lead.head(t).setConstant(lead[t]);
    } else {
      const double step = (lead[t] - lead[last]) / static_cast<double>(t - last);
      for (Eigen::Index i = last + 1; i < t; ++i) lead[i] = lead[last] + step * static_cast<double>(i - last);
    }
    last = t;
  }
  if (last < 0) {
    lead.setZero();
  } else {
    lead.tail(count - 1 - last).setConstant(lead[last]);
  }
  return missing;
}

std::vector<Gap> common_gaps(const Eigen::ArrayXXd& signal, double rate) {
  Eigen::Array<bool, Eigen::Dynamic, 1> there = Eigen::Array<bool, Eigen::Dynamic, 1>::Constant(signal.rows(), false);
  for (Eigen::Index lead = 0; lead < signal.cols(); ++lead) there = there || signal.col(lead).isFinite();
  std::vector<Gap> gaps;
  const auto add = [&](Eigen::Index first, Eigen::Index end) {
    if (static_cast<double>(end - first) >= kMinGapSeconds * rate)
      gaps.push_back({static_cast<double>(first) / rate, static_cast<double>(end) / rate});
  };
  Eigen::Index first = 0;  // of the samples that miss since the last one that is there
  for (Eigen::Index t = 0; t < there.size(); ++t) {
    if (!there[t]) continue;
    add(first, t);
    first = t + 1;
  }
  add(first, there.size());
  return gaps;
}

void restore_gaps(const Eigen::ArrayXXd& from, Eigen::ArrayXXd& to) {
  to = from.isFinite().select(to, std::numeric_limits<double>::quiet_NaN());
}

}  // namespace cardiograd::dsp
