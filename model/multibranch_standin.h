// multibranch_cnn_standin, in place of the CNN with one branch per lead (Ayano, Schwenker, Dufera, Debelee and Ejegu,
// IEEE Access 12:94055, 2024), of which a block diagram alone is at hand: our own design after it. Each lead goes
// through convolutions, an LSTM in both directions and additive attention over time; the results of all leads are a
// map, leads by values, for two convolutions in two dimensions, and two linear layers end it. Unlike the blocks of the
// source, those of the leads share their weights.
#pragma once

#include <cstdint>
#include <vector>

#include "model/conv_classifier.h"

namespace cardiograd::model {

struct MultibranchConfig : ClassifierConfig {
  std::vector<std::int64_t> channels = {16, 32, 32};
  std::vector<std::int64_t> kernels = {7, 5, 3};
  std::int64_t width = 32;
  std::int64_t attention_width = 32;
  std::vector<std::int64_t> map_channels = {16, 32};
  std::int64_t head_width = 128;
};

// All values of `config`, section "model"; they point into it.
std::vector<ConfigField> config_fields(MultibranchConfig& config);
// Throws Error naming the value that cannot be.
void check(const MultibranchConfig& config);

}  // namespace cardiograd::model
