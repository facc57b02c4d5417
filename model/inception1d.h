// inception1d, a baseline of InceptionTime's modules (Ismail Fawaz et al. 2020, as model/conv_classifier.h's source has
// it): six modules of constant length, each three convolutions of kernels 39, 19 and 9 side by side behind a bottleneck
// of kernel 1, and a max pooling with a convolution of kernel 1; a shortcut over every three modules.
#pragma once

#include <cstdint>
#include <vector>

#include "model/conv_classifier.h"

namespace cardiograd::model {

struct Inception1dConfig : ConvClassifierConfig {
  std::int64_t modules = 6;
  std::int64_t bottleneck = 32;
  std::int64_t filters = 32;
  std::vector<std::int64_t> kernels = {39, 19, 9};
};

// All values of `config`, section "model"; they point into it.
std::vector<ConfigField> config_fields(Inception1dConfig& config);
// Throws Error naming the value that cannot be.
void check(const Inception1dConfig& config);

}  // namespace cardiograd::model
