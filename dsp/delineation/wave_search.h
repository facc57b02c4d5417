// Slopes, and where waves begin and end in the average beat of one lead. Nothing throws. Positions are in samples of
// the window.
#pragma once

#include <cstddef>
#include <vector>

#include <Eigen/Core>

namespace cardiograd::dsp {

// Slope in unit per second, over boxes of `width` (1 or more) samples: the mean of the `width` samples after each
// sample less the mean of the `width` before it, over their distance. 0 at the first and last `width` samples. `rate`
// in Hz.
Eigen::ArrayXd box_slope(const Eigen::ArrayXd& signal, Eigen::Index width, double rate);

// Onset and end of a wave.
struct Extent {
  double onset = 0.0;
  double offset = 0.0;
};

// What active_extent looks for. 0 <= lowest <= from <= to <= highest < size of the activity.
struct ExtentSearch {
  double threshold;              // Fraction of the maximum.
  Eigen::Index gap;              // Longest pause below the threshold that does not end the stretch.
  Eigen::Index from, to;         // Where the maximum is taken.
  Eigen::Index lowest, highest;  // Where the stretch may reach to.
  // What lies before a pause and stays below this fraction of the maximum belongs to it only if it is this short.
  double before_gap = 0.0;
  Eigen::Index before_gap_length = 0;
};

// Around the maximum of `activity` (0 or more) within [from, to]: the stretch above `threshold` of that maximum.
Extent active_extent(const Eigen::ArrayXd& activity, const ExtentSearch& search);

// A turn of the signal between a rising and a falling flank (or the other way round): the steepest sample of either.
struct Hump {
  Eigen::Index before;
  Eigen::Index after;
  double strength;  // Of the flatter flank, per second; its sign is that of the hump.
  // What the signal turns by between the flanks, on the side where that is less, as a fraction of what it would turn by
  // at `strength` all the way: 0.64 or more for Gaussians, near 0 where the flanks are those of two waves far apart.
  double roundness;
  // Part of the way between the flanks that is no less steep than kPAndT.level_fraction of `strength`: 0.75 in
  // Gaussians, less where a level stretch lies between two waves.
  double turning;
  double middle() const { return 0.5 * static_cast<double>(before + after); }
};

// All turns within [from, to] in order of time. `slope` is box_slope of the signal.
std::vector<Hump> humps(const Eigen::ArrayXd& slope, Eigen::Index from, Eigen::Index to);

// A wave in one lead; positions in samples, between samples too.
struct FoundWave {
  double onset = 0.0;
  double peak = 0.0;
  double offset = 0.0;
  double strength = 0.0;  // Of the main hump, unit per second, 0 or more.
};

// Which humps of a lead make up a wave: from `first` to `last`, with its peak at `main`.
struct WaveHumps {
  std::size_t first, main, last;
};

// How far the boundaries of a wave may lie. A wave takes about as long before its first flank, and after its last, as
// from there to its middle: its own reach is `symmetry` times what lies between that hump's middle and the flank's
// steepest sample, but at least a part (kPAndT.min_reach_parts) of the reach given and at most all of it.
struct OutlineLimits {
  Eigen::Index lowest, highest;  // Positions.
  Eigen::Index reach_before;     // From the steepest sample of the first flank back to the onset,
  Eigen::Index reach_after;      // and from that of the last flank on to the end.
  double symmetry;
  bool own_reach_before = false;  // Whether the onset has an own reach, too; otherwise reach_before is its reach.
};

// The wave of `signal` that `humps`, all those of the signal in order of time, make up. Its boundaries are the corners
// of the largest trapezia under the outer flanks (Vazquez-Seisdedos et al., BioMed. Eng. OnLine 10:43, 2011).
FoundWave outline(const Eigen::ArrayXd& signal, const std::vector<Hump>& humps, const WaveHumps& which,
                  const OutlineLimits& limits);

}  // namespace cardiograd::dsp
