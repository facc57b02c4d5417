// mrf_cnn_standin, in place of the lightweight multi-receptive-field CNN (Feyisa et al., Comput. Intell. Neurosci.
// 2022, 8413294), whose layers are not at hand: our own design with the same idea. A convolution and four residual
// blocks, in each of which parallel convolutions see the same samples by different dilations.
#pragma once

#include <cstdint>
#include <vector>

#include "model/conv_classifier.h"

namespace cardiograd::model {

struct MrfCnnConfig : ClassifierConfig {
  MrfCnnConfig() { head_dropout = 0.3; }

  std::int64_t stem = 32;
  std::int64_t stem_kernel = 7;
  std::vector<std::int64_t> channels = {32, 64, 96, 128};
  std::vector<std::int64_t> dilations = {1, 2, 4, 8};
};

// All values of `config`, section "model"; they point into it.
std::vector<ConfigField> config_fields(MrfCnnConfig& config);
// Throws Error naming the value that cannot be.
void check(const MrfCnnConfig& config);

}  // namespace cardiograd::model
