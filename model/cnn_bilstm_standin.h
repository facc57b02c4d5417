// cnn_bilstm_standin, in place of the CNN-BiLSTM of qxAI (Pandey, Choudhury and Khandelwal, PerCom Workshops 2024),
// whose layers are not published: our own design. Convolutions, each halving the length, an LSTM in both directions,
// mean and maximum of its hidden states over time.
#pragma once

#include <cstdint>
#include <vector>

#include "model/conv_classifier.h"

namespace cardiograd::model {

struct CnnBilstmConfig : ClassifierConfig {
  std::vector<std::int64_t> channels = {64, 128, 128};
  std::vector<std::int64_t> kernels = {7, 5, 3};
  std::int64_t width = 128;
  std::int64_t head_width = 64;
};

// All values of `config`, section "model"; they point into it.
std::vector<ConfigField> config_fields(CnnBilstmConfig& config);
// Throws Error naming the value that cannot be.
void check(const CnnBilstmConfig& config);

}  // namespace cardiograd::model
