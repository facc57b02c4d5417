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

void restore_gaps(const Eigen::ArrayXXd& from, Eigen::ArrayXXd& to) {
  to = from.isFinite().select(to, std::numeric_limits<double>::quiet_NaN());
}

}  // namespace cardiograd::dsp
