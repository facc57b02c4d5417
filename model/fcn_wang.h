// fcn_wang, a fully convolutional baseline (Wang, Yan and Oates 2017, as model/conv_classifier.h's source has it):
// three convolutions with batch norm and ReLU, of 128, 256 and 128 channels and kernels 8, 5 and 3, without pooling.
#pragma once

#include <cstdint>
#include <vector>

#include "model/conv_classifier.h"

namespace cardiograd::model {

struct FcnWangConfig : ConvClassifierConfig {
  std::vector<std::int64_t> channels = {128, 256, 128};
  std::vector<std::int64_t> kernels = {8, 5, 3};
};

// All values of `config`, section "model"; they point into it.
std::vector<ConfigField> config_fields(FcnWangConfig& config);
// Throws Error naming the value that cannot be.
void check(const FcnWangConfig& config);

}  // namespace cardiograd::model
