#include "dsp/statistics.h"

namespace cardiograd::dsp {
namespace {

// Moves the values below the pivot (or equal to it, with `Equal`) to the front and the others to `others`, which has
// room for all of them; what lies behind the front is no longer of use. Returns how many there are in front. No branch
// depends on a value: the processor has nothing to guess, which takes most of the time of std::nth_element.
template <bool Equal>
std::size_t part(double* values, std::size_t count, double pivot, double* others) {
  std::size_t below = 0, rest = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const double value = values[i];
    values[below] = value;
    others[rest] = value;
    const bool in_front = Equal ? value <= pivot : value < pivot;
    below += in_front ? 1U : 0U;
    rest += in_front ? 0U : 1U;
  }
  return below;
}

double middle_of(double a, double b, double c) {
  return std::max(std::min(a, b), std::min(std::max(a, b), c));
}

double pivot_of(const double* values, std::size_t count) {
  const std::size_t step = count / 8;
  return middle_of(middle_of(values[0], values[step], values[2 * step]),
                   middle_of(values[3 * step], values[4 * step], values[5 * step]),
                   middle_of(values[6 * step], values[7 * step], values[count - 1]));
}

}  // namespace

OrderStatistic order_statistic(std::span<double> values, std::size_t rank) {
  constexpr std::size_t kMinParted = 16;
  constexpr int kMaxRounds = 60;  // Few are needed, unless values are arranged against the pivots.
  thread_local std::vector<double> others;
  if (others.size() < values.size()) others.resize(values.size());
  double* first = values.data();
  std::size_t count = values.size();
  OrderStatistic result{-std::numeric_limits<double>::infinity(), 0.0};
  for (int round = 0; count > kMinParted && round < kMaxRounds; ++round) {
    const double pivot = pivot_of(first, count);
    std::size_t below = part<false>(first, count, pivot, others.data());
    if (rank < below) {
      count = below;
      continue;
    }
    if (below > 0) {
      result.before = *std::max_element(first, first + below);
      rank -= below;
      count -= below;
      std::copy_n(others.data(), count, first);
      continue;
    }
    std::copy_n(others.data(), count, first);  // The pivot is the smallest.
    below = part<true>(first, count, pivot, others.data());
    if (rank < below) return {rank > 0 ? pivot : result.before, pivot};
    result.before = pivot;
    rank -= below;
    count -= below;
    std::copy_n(others.data(), count, first);
  }
  std::nth_element(first, first + rank, first + count);
  result.at = first[rank];
  if (rank > 0) result.before = *std::max_element(first, first + rank);
  return result;
}

}  // namespace cardiograd::dsp
