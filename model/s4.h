// s4, the state space model that is the strongest published one on PTB-XL without pre-training (Mehari and Strodthoff,
// arXiv 2211.07579, github.com/tmehari/ssm_ecg): a convolution of kernel 1, four layers, mean over time, linear. A
// layer, of as many channels throughout:
//
//   state space (engine/nn/state_space.h), GELU, channel dropout -> linear, times the sigmoid of a second linear ->
//   channel dropout -> plus the layer's input -> layer norm over the channels of each sample
//
// Two things are stored otherwise than in the source: the two linear maps, there halves of one, and the coefficients C,
// there without the name of the direction.
#pragma once

#include <cstdint>
#include <vector>

#include "model/conv_classifier.h"

namespace cardiograd::model {

struct S4Config : ClassifierConfig {
  S4Config() { head_dropout = 0; }

  std::int64_t width = 512;
  std::int64_t layers = 4;
  std::int64_t states = 8;
  double dropout = 0.2;
};

// All values of `config`, section "model"; they point into it.
std::vector<ConfigField> config_fields(S4Config& config);
// Throws Error naming the value that cannot be.
void check(const S4Config& config);

}  // namespace cardiograd::model
