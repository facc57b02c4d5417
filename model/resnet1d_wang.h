// resnet1d_wang, a residual baseline (Wang, Yan and Oates 2017, as model/conv_classifier.h's source has it): a
// convolution of kernel 7, and three residual blocks of two convolutions each, all of 128 channels. The blocks after
// the first halve the length.
#pragma once

#include <cstdint>
#include <vector>

#include "model/conv_classifier.h"

namespace cardiograd::model {

struct Resnet1dWangConfig : ConvClassifierConfig {
  std::int64_t channels = 128;
  std::int64_t blocks = 3;
  std::int64_t stem_kernel = 7;
  std::vector<std::int64_t> kernels = {5, 3};
};

// All values of `config`, section "model"; they point into it.
std::vector<ConfigField> config_fields(Resnet1dWangConfig& config);
// Throws Error naming the value that cannot be.
void check(const Resnet1dWangConfig& config);

}  // namespace cardiograd::model
