// lstm and lstm_bidir, the recurrent baselines (as model/conv_classifier.h's source has them): two layers of 256 hidden
// units over the samples, in one direction or both. The head takes mean, maximum and last sample of the hidden states
// over time; of the backward direction too the last is that of the last sample, which has seen this sample alone.
#pragma once

#include <cstdint>

#include "model/conv_classifier.h"

namespace cardiograd::model {

struct LstmConfig : ConvClassifierConfig {
  std::int64_t width = 256;
  std::int64_t layers = 2;
};
// The same in both directions.
struct LstmBidirConfig : LstmConfig {};

// All values of `config`, section "model"; they point into it.
std::vector<ConfigField> config_fields(LstmConfig& config);
// Throws Error naming the value that cannot be.
void check(const LstmConfig& config);
void check(const LstmBidirConfig& config);

}  // namespace cardiograd::model
