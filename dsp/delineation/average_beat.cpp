#include "dsp/delineation/average_beat.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <vector>

#include "dsp/delineation/constants.h"
#include "dsp/statistics.h"

namespace cardiograd::dsp {

Eigen::Index AverageBeat::samples(double seconds) const {
  return static_cast<Eigen::Index>(std::lround(seconds * rate()));
}

Eigen::Index AverageBeat::inside(Eigen::Index position) const {
  return std::clamp<Eigen::Index>(position, 0, length() - 1);
}

double AverageBeat::background(const Eigen::ArrayXd& magnitude, double fraction) const {
  return lower_quantile({magnitude.data() + group_.from, magnitude.data() + group_.to + 1}, fraction);
}

std::optional<double> AverageBeat::stimulus(Eigen::Index from, Eigen::Index to) const {
  std::vector<double> positions;
  for (const Eigen::Index beat_center : group_.centers) {
    const auto start = static_cast<double>(beat_center - center());
    const auto behind = std::upper_bound(signal_.stimuli_s.begin(), signal_.stimuli_s.end(),
                                         (start + static_cast<double>(to)) / rate());
    if (behind == signal_.stimuli_s.begin()) continue;
    const double position = *std::prev(behind) * rate() - start;
    if (position >= static_cast<double>(from)) positions.push_back(position);
  }
  if (2 * positions.size() <= group_.centers.size()) return std::nullopt;
  return median(positions);
}

}  // namespace cardiograd::dsp
