// cnn_entropy_standin, in place of the CNN with entropy features (Smigiel, Palczynski and Ledzinski, Entropy 23:1121,
// 2021), of which an outline alone is at hand: our own design after it. Five convolutions of stride 2 with batch norms
// and leaky ReLUs, all their results side by side; beside them what a small network makes of the entropies of each lead
// (data.features = 'entropies'); one linear layer.
#pragma once

#include <cstdint>
#include <vector>

#include "model/conv_classifier.h"

namespace cardiograd::model {

struct CnnEntropyConfig : ClassifierConfig {
  CnnEntropyConfig() { head_dropout = 0; }

  std::vector<std::int64_t> channels = {32, 64, 64, 128, 128};
  std::vector<std::int64_t> kernels = {7, 7, 5, 5, 3};
};

// All values of `config`, section "model"; they point into it.
std::vector<ConfigField> config_fields(CnnEntropyConfig& config);
// Throws Error naming the value that cannot be.
void check(const CnnEntropyConfig& config);

}  // namespace cardiograd::model
