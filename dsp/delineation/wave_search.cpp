#include "dsp/delineation/wave_search.h"

#include <algorithm>
#include <cmath>

#include "dsp/delineation/constants.h"

namespace cardiograd::dsp {
namespace {

// A stretch of one sign of the slope, by its steepest sample.
struct Flank {
  Eigen::Index at;
  double slope;
};

std::vector<Flank> flanks(const Eigen::ArrayXd& slope, Eigen::Index from, Eigen::Index to) {
  std::vector<Flank> found;
  for (Eigen::Index t = from; t <= to; ++t) {
    const double value = slope[t];
    if (value == 0.0) continue;
    if (found.empty() || (value > 0.0) != (found.back().slope > 0.0)) {
      found.push_back({t, value});
    } else if (std::abs(value) > std::abs(found.back().slope)) {
      found.back() = {t, value};
    }
  }
  return found;
}

// The corner between flank sample `steep` and the level stretch that ends at `far` (on either side): it makes the
// trapezium (steep, corner, far) largest.
Eigen::Index corner(const Eigen::ArrayXd& signal, Eigen::Index steep, Eigen::Index far) {
  if (far == steep) return steep;
  const Eigen::Index step = far > steep ? 1 : -1;
  const double direction = signal[steep] >= signal[far] ? 1.0 : -1.0;
  Eigen::Index best = steep;
  double largest = 0.0;
  for (Eigen::Index t = steep + step; t != far; t += step) {
    const auto width = static_cast<double>(std::abs(far - t) + std::abs(far - steep));
    const double area = direction * (signal[steep] - signal[t]) * width;
    if (area > largest) {
      largest = area;
      best = t;
    }
  }
  return best;
}

// How far from its outer flank a wave reaches that is `half` samples from there to its middle (OutlineLimits).
Eigen::Index own_reach(double half, Eigen::Index reach, double symmetry) {
  return std::min(reach, std::max(reach / kPAndT.min_reach_parts, static_cast<Eigen::Index>(symmetry * half)));
}

}  // namespace

Eigen::ArrayXd box_slope(const Eigen::ArrayXd& signal, Eigen::Index width, double rate) {
  const Eigen::Index count = signal.size();
  Eigen::ArrayXd slope = Eigen::ArrayXd::Zero(count);
  if (count < 2 * width + 1) return slope;
  double after = signal.segment(width + 1, width).sum();
  double before = signal.head(width).sum();
  const double scale = rate / static_cast<double>(width * (width + 1));
  for (Eigen::Index t = width; t + width < count; ++t) {
    slope[t] = (after - before) * scale;
    if (t + width + 1 < count) {
      after += signal[t + width + 1] - signal[t + 1];
      before += signal[t] - signal[t - width];
    }
  }
  return slope;
}

Extent active_extent(const Eigen::ArrayXd& activity, const ExtentSearch& search) {
  Eigen::Index top = 0;
  const double level = search.threshold * activity.segment(search.from, search.to - search.from + 1).maxCoeff(&top);
  top += search.from;
  Extent extent{static_cast<double>(top), static_cast<double>(top)};
  const double enough = search.before_gap * activity[top];
  Eigen::Index last = top;
  bool belongs = true;  // Whether what lies before the pause just bridged does.
  for (Eigen::Index t = top; t >= search.lowest && last - t <= search.gap; --t) {
    if (activity[t] <= level) continue;
    belongs = (belongs && last - t <= 1) || activity[t] > enough;
    last = t;
    if (belongs) extent.onset = static_cast<double>(t);
  }
  const auto first = static_cast<double>(last);
  if (extent.onset - first <= static_cast<double>(search.before_gap_length)) extent.onset = first;
  last = top;
  for (Eigen::Index t = top; t <= search.highest && t - last <= search.gap; ++t) {
    if (activity[t] > level) last = t;
  }
  extent.offset = static_cast<double>(last);
  return extent;
}

std::vector<Hump> humps(const Eigen::ArrayXd& slope, Eigen::Index from, Eigen::Index to) {
  const std::vector<Flank> all = flanks(slope, from, to);
  std::vector<Hump> found;
  for (std::size_t i = 0; i + 1 < all.size(); ++i) {
    const double flatter = std::min(std::abs(all[i].slope), std::abs(all[i + 1].slope));
    double rise = 0.0, fall = 0.0, steep = 0.0;
    for (Eigen::Index t = all[i].at; t <= all[i + 1].at; ++t) {
      const double half = t == all[i].at || t == all[i + 1].at ? 0.5 : 1.0;
      ((slope[t] > 0.0) == (all[i].slope > 0.0) ? rise : fall) += half * std::abs(slope[t]);
      steep += std::abs(slope[t]) >= kPAndT.level_fraction * flatter ? 1.0 : 0.0;
    }
    const auto width = static_cast<double>(all[i + 1].at - all[i].at);
    found.push_back({all[i].at, all[i + 1].at, all[i].slope > 0.0 ? flatter : -flatter,
                     2.0 * std::min(rise, fall) / (flatter * width), steep / (width + 1.0)});
  }
  return found;
}

FoundWave outline(const Eigen::ArrayXd& signal, const std::vector<Hump>& humps, const WaveHumps& which,
                  const OutlineLimits& limits) {
  const Hump &first = humps[which.first], &main = humps[which.main], &last = humps[which.last];
  FoundWave wave;
  wave.strength = std::abs(main.strength);
  const Eigen::Index rise = first.before, fall = last.after;
  const Eigen::Index before = limits.own_reach_before ? own_reach(first.middle() - static_cast<double>(rise),
                                                                  limits.reach_before, limits.symmetry)
                                                      : limits.reach_before;
  wave.onset = static_cast<double>(corner(signal, rise, std::max(limits.lowest, rise - before)));
  Eigen::Index peak = 0;
  const auto top = signal.segment(main.before, main.after - main.before + 1);
  if (main.strength > 0.0) {
    top.maxCoeff(&peak);
  } else {
    top.minCoeff(&peak);
  }
  wave.peak = static_cast<double>(main.before + peak);
  const Eigen::Index after = own_reach(static_cast<double>(fall) - last.middle(), limits.reach_after, limits.symmetry);
  wave.offset = static_cast<double>(corner(signal, fall, std::min(limits.highest, fall + after)));
  return wave;
}

}  // namespace cardiograd::dsp
