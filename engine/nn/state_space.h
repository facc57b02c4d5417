// A structured state space model: per channel a linear system that reads the record forwards and one that reads it
// backwards (S4, Gu, Goel and Re, ICLR 2022, as github.com/tmehari/ssm_ecg has it, bidirectional).
#pragma once

#include <cstdint>
#include <vector>

#include "engine/nn/layers.h"

namespace cardiograd::nn {

struct StateSpaceOptions {
  std::int64_t channels = 1;
  std::int64_t states = 8;   // of a channel; even
  std::int64_t samples = 1;  // of a record: as long is the kernel
};

// x (N, samples, channels) -> like x: each channel convolved to both sides with kernels of its own
// (engine/nn/legs_basis.h), plus D times itself. Trained are C (2, states, channels), the coefficients of the kernels
// of the past and of the future, and D (channels). The steps of the systems, log_dt (channels), are drawn once and
// kept. Initial values: C complex normal, D normal, dt log-uniform in 0.001 ... 0.1, the same in both directions.
class StateSpace : public Layer {
 public:
  StateSpace(const StateSpaceOptions& options, PhiloxStream& random);

 protected:
  Tensor compute(const Tensor& x) override;
  // Makes the kernels' functions again where log_dt is another than they were made for.
  void refresh_constants() override;

 private:
  StateSpaceOptions options_;
  Tensor c_;
  Tensor d_;
  Tensor log_dt_;
  Tensor basis_;  // (samples, states, channels)
  std::vector<float> made_for_;
};

}  // namespace cardiograd::nn
