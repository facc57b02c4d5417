#include "dsp/filters/gaps.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

namespace cardiograd::dsp {
namespace {

struct Run {
  Eigen::Index first, count;
};

// Stretches of `least` and more equal samples.
std::vector<Run> equal_samples(const Eigen::Ref<const Eigen::ArrayXd>& lead, Eigen::Index least) {
  std::vector<Run> runs;
  for (Eigen::Index first = 0, t = 1; t <= lead.size(); ++t) {
    if (t < lead.size() && lead[t] == lead[first]) continue;
    if (t - first >= least) runs.push_back({first, t - first});
    first = t;
  }
  return runs;
}

}  // namespace

std::optional<Eigen::ArrayXXd> without_stops(const Eigen::ArrayXXd& signal, double rate) {
  const auto least = std::max<Eigen::Index>(2, std::llround(kMinStopSeconds * rate));
  std::optional<Eigen::ArrayXXd> result;
  for (Eigen::Index lead = 0; lead < signal.cols(); ++lead) {
    for (const Run& run : equal_samples(signal.col(lead), least)) {
      const auto moves = [&](Eigen::Index other) {
        if (other == lead) return false;
        Eigen::ArrayXd part = signal.col(other).segment(run.first, run.count);
        fill_gaps(part);
        return part.maxCoeff() > part.minCoeff();
      };
      bool another = false;
      for (Eigen::Index other = 0; other < signal.cols() && !another; ++other) another = moves(other);
      if (!another) continue;
      if (!result) result = signal;
      result->col(lead).segment(run.first, run.count).setConstant(std::numeric_limits<double>::quiet_NaN());
    }
  }
  return result;
}

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
