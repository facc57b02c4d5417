// The average beat of a group with the arithmetic that the searches share. Positions are in samples of its window.
#pragma once

#include <cstddef>
#include <optional>

#include <Eigen/Core>

#include "dsp/delineation/beat_groups.h"

namespace cardiograd::dsp {

// Refers to `signal` and `group`, which must outlive it.
class AverageBeat {
 public:
  AverageBeat(const WorkingSignal& signal, const BeatGroup& group) : signal_(signal), group_(group) {}

  const WorkingSignal& signal() const { return signal_; }
  const BeatGroup& group() const { return group_; }
  double rate() const { return signal_.rate; }  // Hz.
  std::size_t leads() const { return signal_.usable.size(); }
  std::size_t beats() const { return group_.beats.size(); }
  Eigen::Index center() const { return group_.center; }          // Of the R peak.
  Eigen::Index length() const { return group_.average.rows(); }  // Of the window.

  // The average in one lead (length).
  Eigen::ArrayXd lead(std::size_t l) const { return group_.average.col(static_cast<Eigen::Index>(l)); }

  // Rounded.
  Eigen::Index samples(double seconds) const;
  // The nearest position within the window.
  Eigen::Index inside(Eigen::Index position) const;

  // The quantile `fraction` of a magnitude (length) over the samples that beats contribute to.
  double background(const Eigen::ArrayXd& magnitude, double fraction) const;

  // Of the last pacemaker stimulus that most beats of the group have between `from` and `to`.
  std::optional<double> stimulus(Eigen::Index from, Eigen::Index to) const;

 private:
  const WorkingSignal& signal_;
  const BeatGroup& group_;
};

}  // namespace cardiograd::dsp
