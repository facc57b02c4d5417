#include "engine/nn/state_space.h"

#include <cmath>
#include <numbers>

#include "base/threads.h"
#include "engine/nn/legs_basis.h"

namespace cardiograd::nn {

StateSpace::StateSpace(const StateSpaceOptions& options, PhiloxStream& random) : options_(options) {
  const LegsBasis basis(options.states, options.samples);
  c_ = Tensor::empty({2, options.states, options.channels});
  d_ = Tensor::empty({options.channels});
  log_dt_ = Tensor::empty({options.channels});
  for (std::int64_t c = 0; c < options.channels; ++c) {
    log_dt_.data()[c] = static_cast<float>(random.uniform(std::log(1e-3), std::log(1e-1)));
    d_.data()[c] = static_cast<float>(random.normal());
    for (std::int64_t direction = 0; direction < 2; ++direction) {
      std::vector<double> output(static_cast<std::size_t>(options.states));
      for (double& value : output) value = random.normal() / std::numbers::sqrt2;
      const std::vector<double> coefficients =
          basis.coefficients(std::exp(static_cast<double>(log_dt_.data()[c])), output);
      for (std::int64_t m = 0; m < options.states; ++m)
        c_.data()[(direction * options.states + m) * options.channels + c] =
            static_cast<float>(coefficients[static_cast<std::size_t>(m)]);
    }
  }
  add_parameter("C", c_);
  add_parameter("D", d_);
  add_buffer("log_dt", log_dt_);
  basis_ = Tensor::empty({options.samples, options.states, options.channels});
  add_constant(basis_);
}

void StateSpace::refresh_constants() {
  if (log_dt_.device() != Device::kCpu || log_dt_.values() == made_for_) return;
  made_for_ = log_dt_.values();
  const LegsBasis basis(options_.states, options_.samples);
  const std::int64_t rows = options_.samples * options_.states;
  parallel_for(options_.channels, [&](std::int64_t c) {
    const std::vector<double> functions =
        basis.functions(std::exp(static_cast<double>(made_for_[static_cast<std::size_t>(c)])));
    for (std::int64_t row = 0; row < rows; ++row)
      basis_.data()[row * options_.channels + c] = static_cast<float>(functions[static_cast<std::size_t>(row)]);
  });
}

Tensor StateSpace::compute(const Tensor& x) {
  refresh_constants();
  return ops::long_conv1d(x, ops::basis_taps(basis_, c_, d_), options_.samples - 1);
}

}  // namespace cardiograd::nn
