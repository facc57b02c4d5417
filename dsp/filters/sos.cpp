#include "dsp/filters/sos.h"

#include <algorithm>
#include <cstddef>
#include <type_traits>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"

namespace cardiograd::dsp {
namespace {

// Leads go through the recursion several at a time, one per SIMD lane: the recursion itself is serial in time, and
// eight lanes, two AVX registers, hide half of the time that it waits for itself. Each lane does the same operations,
// so a lead's result does not depend on its neighbors.
constexpr int kNarrow = 4, kWide = 8;
template <int kLanes>
using Lanes = Eigen::Array<double, kLanes, 1>;
template <int kLanes>
using LaneSignal = std::vector<Lanes<kLanes>>;

template <int kLanes>
struct SectionState {
  Lanes<kLanes> first = Lanes<kLanes>::Zero();
  Lanes<kLanes> second = Lanes<kLanes>::Zero();
};

// `padlen` samples more at both ends: the first samples, and the last ones, point-reflected about the end samples.
template <int kLanes>
LaneSignal<kLanes> gather(const Eigen::ArrayXXd& signal, Eigen::Index lead, Eigen::Index padlen) {
  const Eigen::Index samples = signal.rows();
  LaneSignal<kLanes> lanes(static_cast<std::size_t>(samples + 2 * padlen), Lanes<kLanes>::Zero());
  const auto at = [&](Eigen::Index t) -> Lanes<kLanes>& { return lanes[static_cast<std::size_t>(t + padlen)]; };
  for (Eigen::Index lane = 0; lane < std::min<Eigen::Index>(kLanes, signal.cols() - lead); ++lane) {
    const double* column = signal.col(lead + lane).data();
    for (Eigen::Index t = 0; t < samples; ++t) at(t)[lane] = column[t];
  }
  for (Eigen::Index i = 1; i <= padlen; ++i) {
    at(-i) = 2.0 * at(0) - at(i);
    at(samples - 1 + i) = 2.0 * at(samples - 1) - at(samples - 1 - i);
  }
  return lanes;
}

template <int kLanes>
void scatter(const LaneSignal<kLanes>& lanes, Eigen::Index padlen, Eigen::Index lead, Eigen::ArrayXXd& signal) {
  for (Eigen::Index lane = 0; lane < std::min<Eigen::Index>(kLanes, signal.cols() - lead); ++lane) {
    double* column = signal.col(lead + lane).data();
    for (Eigen::Index t = 0; t < signal.rows(); ++t) column[t] = lanes[static_cast<std::size_t>(t + padlen)][lane];
  }
}

// Sections [from, from + kSections) of the cascade, with their states in registers; backwards in time where
// `backwards`.
template <int kSections, int kLanes>
void run_sections(const Sos& sos, Eigen::Index from, const SectionState<kLanes>* initial, bool backwards,
                  LaneSignal<kLanes>& signal) {
  const Eigen::Matrix<double, kSections, 6, Eigen::RowMajor> c = sos.middleRows<kSections>(from);
  SectionState<kLanes> state[kSections];
  std::copy_n(initial + from, kSections, state);
  const auto count = static_cast<std::ptrdiff_t>(signal.size());
  Lanes<kLanes>* sample = signal.data() + (backwards ? count - 1 : 0);
  const std::ptrdiff_t step = backwards ? -1 : 1;
  for (std::ptrdiff_t t = 0; t < count; ++t, sample += step) {
    Lanes<kLanes> x = *sample;
    for (Eigen::Index s = 0; s < kSections; ++s) {
      SectionState<kLanes>& z = state[s];
      const Lanes<kLanes> y = c(s, 0) * x + z.first;
      z.first = c(s, 1) * x - c(s, 4) * y + z.second;
      z.second = c(s, 2) * x - c(s, 5) * y;
      x = y;
    }
    *sample = x;
  }
}

template <int kLanes>
void filter_in_place(const Sos& sos, const std::vector<SectionState<kLanes>>& initial, bool backwards,
                     LaneSignal<kLanes>& signal) {
  Eigen::Index from = 0;
  for (; from + 2 <= sos.rows(); from += 2) run_sections<2>(sos, from, initial.data(), backwards, signal);
  if (from < sos.rows()) run_sections<1>(sos, from, initial.data(), backwards, signal);
}

template <int kLanes>
std::vector<SectionState<kLanes>> initial_state(const Eigen::MatrixX2d& zi, const Lanes<kLanes>& level) {
  std::vector<SectionState<kLanes>> state(static_cast<std::size_t>(zi.rows()));
  for (Eigen::Index s = 0; s < zi.rows(); ++s) {
    state[static_cast<std::size_t>(s)] = {zi(s, 0) * level, zi(s, 1) * level};
  }
  return state;
}

// Calls `filter` with the number of lanes, as a constant, and each first lead of as many.
template <class Filter>
void each_lanes(Eigen::Index leads, Filter filter) {
  for (Eigen::Index lead = 0; lead < leads;) {
    if (leads - lead > kNarrow) {
      filter(std::integral_constant<int, kWide>(), lead);
      lead += kWide;
    } else {
      filter(std::integral_constant<int, kNarrow>(), lead);
      lead += kNarrow;
    }
  }
}

}  // namespace

Eigen::ArrayXXd sosfilt(const Sos& sos, const Eigen::ArrayXXd& signal) {
  Eigen::ArrayXXd filtered(signal.rows(), signal.cols());
  each_lanes(signal.cols(), [&](auto lane_count, Eigen::Index lead) {
    constexpr int kLanes = lane_count;
    LaneSignal<kLanes> lanes = gather<kLanes>(signal, lead, 0);
    filter_in_place(sos, std::vector<SectionState<kLanes>>(static_cast<std::size_t>(sos.rows())), false, lanes);
    scatter<kLanes>(lanes, 0, lead, filtered);
  });
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
  each_lanes(signal.cols(), [&](auto lane_count, Eigen::Index lead) {
    constexpr int kLanes = lane_count;
    LaneSignal<kLanes> lanes = gather<kLanes>(signal, lead, pad);
    filter_in_place(sos, initial_state<kLanes>(zi, lanes.front()), false, lanes);
    filter_in_place(sos, initial_state<kLanes>(zi, lanes.back()), true, lanes);
    scatter<kLanes>(lanes, pad, lead, filtered);
  });
  return filtered;
}

}  // namespace cardiograd::dsp
