#include "engine/optim/schedule.h"

#include <cmath>
#include <numbers>

namespace cardiograd::optim {
namespace {

double cosine_between(double first, double last, double fraction) {
  return last + (first - last) * (1 + std::cos(std::numbers::pi * fraction)) / 2;
}

}  // namespace

double cosine_annealing(double first, std::int64_t epoch, std::int64_t epochs, double last) {
  return cosine_between(first, last, static_cast<double>(epoch) / static_cast<double>(epochs));
}

double one_cycle(double max_lr, std::int64_t step, std::int64_t steps, const OneCycleOptions& options) {
  const double first = max_lr / options.start_divisor;
  const double last = first / options.final_divisor;
  const double rise = options.warm_up * static_cast<double>(steps) - 1;
  const double end = static_cast<double>(steps) - 1;
  const auto now = static_cast<double>(step);
  if (now <= rise) return cosine_between(first, max_lr, now / rise);
  return cosine_between(max_lr, last, (now - rise) / (end - rise));
}

}  // namespace cardiograd::optim
