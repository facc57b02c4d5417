// Where waves begin and end in the average beat of one lead. Positions are in samples of the window.
#pragma once

#include <vector>

#include <Eigen/Core>

namespace cardiograd::dsp {

// Slope per second over boxes of `width` samples: mean of the `width` samples after each sample less mean of the
// `width` before it, over their distance. At the ends 0.
Eigen::ArrayXd box_slope(const Eigen::ArrayXd& signal, Eigen::Index width, double rate);

struct Extent {
  double onset = 0.0;
  double offset = 0.0;
};

// Around the maximum of `activity` within [from, to]: the stretch above `threshold` of that maximum, over pauses of at
// most `gap` samples, within [lowest, highest].
Extent active_extent(const Eigen::ArrayXd& activity, double threshold, Eigen::Index gap, Eigen::Index from,
                     Eigen::Index to, Eigen::Index lowest, Eigen::Index highest);

// A turn of the signal between two flanks: the steepest sample of either.
struct Hump {
  Eigen::Index before;
  Eigen::Index after;
  double strength;  // Of the flatter flank, per second; its sign is that of the hump.
  double middle() const { return 0.5 * static_cast<double>(before + after); }
};

// All turns within [from, to] in order of time. `slope` is box_slope of the signal.
std::vector<Hump> humps(const Eigen::ArrayXd& slope, Eigen::Index from, Eigen::Index to);

struct FoundWave {
  double onset = 0.0;
  double peak = 0.0;
  double offset = 0.0;
  double strength = 0.0;   // Of the main hump.
  double amplitude = 0.0;  // Of the peak over the line between onset and offset.
};

// The wave of `signal` from hump `first` to hump `last`, its peak at hump `main`. Its boundaries are the corners of the
// largest trapezia under the outer flanks, no farther than [lowest, highest] and `reach` samples from the flanks, and
// at the end no farther than `symmetry` times what lies between the wave's middle and its falling flank.
FoundWave outline(const Eigen::ArrayXd& signal, const std::vector<Hump>& all, std::size_t first, std::size_t main,
                  std::size_t last, Eigen::Index lowest, Eigen::Index highest, Eigen::Index reach_before,
                  Eigen::Index reach_after, double symmetry);

}  // namespace cardiograd::dsp
