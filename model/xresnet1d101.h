// xresnet1d101, a deep residual baseline (He, Zhang et al. 2019, as model/conv_classifier.h's source has it): a stem of
// three convolutions and a max pooling, and groups of 3, 4, 23 and 3 bottleneck blocks, all 64 channels wide inside and
// 256 outside. The groups after the first halve the length.
#pragma once

#include <cstdint>
#include <vector>

#include "model/conv_classifier.h"

namespace cardiograd::model {

struct Xresnet1d101Config : ConvClassifierConfig {
  std::vector<std::int64_t> stem = {32, 32, 64};
  std::vector<std::int64_t> blocks = {3, 4, 23, 3};
  std::int64_t width = 64;
  std::int64_t kernel = 5;
};

// All values of `config`, section "model"; they point into it.
std::vector<ConfigField> config_fields(Xresnet1d101Config& config);
// Throws Error naming the value that cannot be.
void check(const Xresnet1d101Config& config);

}  // namespace cardiograd::model
