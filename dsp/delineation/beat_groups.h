// Beats of equal shape, aligned and averaged: what the delineation looks at.
#pragma once

#include <span>
#include <vector>

#include <Eigen/Core>

namespace cardiograd::dsp {

// A recording made ready for delineation: gaps filled, 0.5 to 40 Hz, at about 500 Hz.
struct WorkingSignal {
  Eigen::ArrayXXd samples;        // Samples x leads.
  double rate;                    // Hz.
  std::vector<char> usable;       // Per lead: neither flat nor missing.
  std::vector<double> stimuli_s;  // Pacemaker stimuli; below 400 Hz none is recognized.
};
WorkingSignal working_signal(const Eigen::ArrayXXd& signal, double rate);

inline constexpr double kBeatBefore = 0.62;  // Seconds before and after the R peak that an average covers.
inline constexpr double kBeatAfter = 0.75;

struct BeatGroup {
  std::vector<std::size_t> beats;     // Indices of the R peaks.
  std::vector<Eigen::Index> centers;  // Of each beat, in working samples, after alignment.
  Eigen::ArrayXXd average;            // Window x leads.
  Eigen::Index center = 0;            // Of the average.
  Eigen::Index from = 0, to = 0;      // The samples of the average that beats contribute to; level outside.
};

// The beats `first` ... `last` - 1 in groups.
std::vector<BeatGroup> group_beats(const WorkingSignal& signal, std::span<const double> r_peaks_s, std::size_t first,
                                   std::size_t last);

// signal.samples.col(lead)[at ...], clamped to the record's ends.
void copy_window(const WorkingSignal& signal, Eigen::Index lead, Eigen::Index at, Eigen::Ref<Eigen::ArrayXd> window);

}  // namespace cardiograd::dsp
