#include "engine/optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace cardiograd::optim {
namespace {

double cosine_between(double first, double last, double fraction) {
  return last + (first - last) * (1 + std::cos(std::numbers::pi * fraction)) / 2;
}

constexpr double kHighBeta1 = 0.95;
constexpr double kLowBeta1 = 0.85;

// From `first` to `middle` in the fraction `warm_up` of the steps, and on to `last`.
double cycle(double first, double middle, double last, std::int64_t step, std::int64_t steps, double warm_up) {
  const double turn = warm_up * static_cast<double>(steps) - 1;
  const double end = static_cast<double>(steps) - 1;
  const auto now = static_cast<double>(step);
  if (now <= turn) return cosine_between(first, middle, now / turn);
  return cosine_between(middle, last, std::min(1.0, (now - turn) / (end - turn)));
}

}  // namespace

double cosine_annealing(double first, std::int64_t epoch, std::int64_t epochs, double last) {
  return cosine_between(first, last, static_cast<double>(epoch) / static_cast<double>(epochs));
}

double one_cycle(double max_lr, std::int64_t step, std::int64_t steps, const OneCycleOptions& options) {
  const double first = max_lr / options.start_divisor;
  return cycle(first, max_lr, first / options.final_divisor, step, steps, options.warm_up);
}

double one_cycle_beta1(std::int64_t step, std::int64_t steps, const OneCycleOptions& options) {
  return cycle(kHighBeta1, kLowBeta1, kHighBeta1, step, steps, options.warm_up);
}

}  // namespace cardiograd::optim
