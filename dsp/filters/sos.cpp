#include "dsp/filters/sos.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"

namespace cardiograd::dsp {
namespace {

// Leads go through the recursion four at a time, one per SIMD lane: the recursion itself is serial in time. Each lane
// does the same operations, so a lead's result does not depend on its neighbors.
constexpr Eigen::Index kLanes = 4;
using Lanes = Eigen::Array<double, kLanes, 1>;
using LaneSignal = std::vector<Lanes>;

struct SectionState {
  Lanes first = Lanes::Zero();
  Lanes second = Lanes::Zero();
};

LaneSignal gather(const Eigen::ArrayXXd& signal, Eigen::Index lead) {
  LaneSignal lanes(static_cast<std::size_t>(signal.rows()), Lanes::Zero());
  for (Eigen::Index lane = 0; lane < std::min(kLanes, signal.cols() - lead); ++lane) {
    const double* column = signal.col(lead + lane).data();
    for (std::size_t t = 0; t < lanes.size(); ++t) lanes[t][lane] = column[t];
  }
  return lanes;
}

void filter_in_place(const Sos& sos, std::vector<SectionState>& state, LaneSignal& signal) {
  for (Lanes& sample : signal) {
    Lanes x = sample;
    for (Eigen::Index s = 0; s < sos.rows(); ++s) {
      SectionState& z = state[static_cast<std::size_t>(s)];
      const Lanes y = sos(s, 0) * x + z.first;
      z.first = sos(s, 1) * x - sos(s, 4) * y + z.second;
      z.second = sos(s, 2) * x - sos(s, 5) * y;
      x = y;
    }
    sample = x;
  }
}

std::vector<SectionState> initial_state(const Eigen::MatrixX2d& zi, const Lanes& level) {
  std::vector<SectionState> state(static_cast<std::size_t>(zi.rows()));
  for (Eigen::Index s = 0; s < zi.rows(); ++s) {
    state[static_cast<std::size_t>(s)] = {zi(s, 0) * level, zi(s, 1) * level};
  }
  return state;
}

// The first `padlen` samples before, and the last after, point-reflected about the end samples.
LaneSignal odd_extension(const LaneSignal& signal, std::size_t padlen) {
  LaneSignal extended;
  extended.reserve(signal.size() + 2 * padlen);
  const Lanes first = signal.front();
  const Lanes last = signal.back();
  for (std::size_t i = padlen; i > 0; --i) extended.push_back(2.0 * first - signal[i]);
  extended.insert(extended.end(), signal.begin(), signal.end());
  for (std::size_t i = 1; i <= padlen; ++i) extended.push_back(2.0 * last - signal[signal.size() - 1 - i]);
  return extended;
}

}  // namespace

Eigen::ArrayXXd sosfilt(const Sos& sos, const Eigen::ArrayXXd& signal) {
  Eigen::ArrayXXd filtered(signal.rows(), signal.cols());
  for (Eigen::Index lead = 0; lead < signal.cols(); lead += kLanes) {
    LaneSignal lanes = gather(signal, lead);
    std::vector<SectionState> state(static_cast<std::size_t>(sos.rows()));
    filter_in_place(sos, state, lanes);
    for (Eigen::Index lane = 0; lane < std::min(kLanes, signal.cols() - lead); ++lane) {
      for (Eigen::Index t = 0; t < signal.rows(); ++t) {
        filtered(t, lead + lane) = lanes[static_cast<std::size_t>(t)][lane];
      }
    }
  }
  return filtered;
}

Eigen::MatrixX2d sosfilt_zi(const Sos& sos) {
  Eigen::MatrixX2d zi(sos.rows(), 2);
  double scale = 1.0;
  for (Eigen::Index s = 0; s < sos.rows(); ++s) {
    const double b0 = sos(s, 0), b1 = sos(s, 1), b2 = sos(s, 2), a1 = sos(s, 4), a2 = sos(s, 5);
    const double denominator = 1.0 + a1 + a2;
    if (denominator == 0.0) {
      throw Error(fmt::format("filter section {} has a pole at z = 1: it has no steady state", s),
                  "Design the filter with a cut-off above 0 Hz.");
    }
    const double first = (b1 - a1 * b0 + b2 - a2 * b0) / denominator;
    zi(s, 0) = scale * first;
    zi(s, 1) = scale * ((1.0 + a1) * first - (b1 - a1 * b0));
    scale *= (b0 + b1 + b2) / denominator;
  }
  return zi;
}

Eigen::Index default_padlen(const Sos& sos) {
  const Eigen::Index short_numerators = (sos.col(2).array() == 0.0).count();
  const Eigen::Index short_denominators = (sos.col(5).array() == 0.0).count();
  return 3 * (2 * sos.rows() + 1 - std::min(short_numerators, short_denominators));
}

Eigen::ArrayXXd sosfiltfilt(const Sos& sos, const Eigen::ArrayXXd& signal, std::optional<Eigen::Index> padlen) {
  const Eigen::Index pad = padlen.value_or(default_padlen(sos));
  if (pad < 0 || signal.rows() <= pad) {
    throw Error(
        fmt::format("zero-phase filter: {} samples, more than the padding of {} are needed", signal.rows(), pad),
        "Use a longer record or a filter of lower order.");
  }
  const Eigen::MatrixX2d zi = sosfilt_zi(sos);
  Eigen::ArrayXXd filtered(signal.rows(), signal.cols());
  for (Eigen::Index lead = 0; lead < signal.cols(); lead += kLanes) {
    LaneSignal lanes = odd_extension(gather(signal, lead), static_cast<std::size_t>(pad));
    for (int pass = 0; pass < 2; ++pass) {
      std::vector<SectionState> state = initial_state(zi, lanes.front());
      filter_in_place(sos, state, lanes);
      std::reverse(lanes.begin(), lanes.end());
    }
    for (Eigen::Index lane = 0; lane < std::min(kLanes, signal.cols() - lead); ++lane) {
      for (Eigen::Index t = 0; t < signal.rows(); ++t) {
        filtered(t, lead + lane) = lanes[static_cast<std::size_t>(t + pad)][lane];
      }
    }
  }
  return filtered;
}

}  // namespace cardiograd::dsp
