// Two residual networks that stand in for others' models:
//
//   resnet34_standin  the one-dimensional ResNet34 of github.com/onlyzdd/ecg-diagnosis, in place of CureNet
//   (Khambampati
//                     et al., SMART GENCON 2023), of which no more is known than that its classifier is a 1D ResNet34
//   xecgnet_standin   a ResNet18 with squeeze and excitation (Hu, Shen and Sun, CVPR 2018) of our own design, in place
//   of
//                     X-ECGNet (Azzem and Harrag, ICNAS 2023), of which only results are at hand
#pragma once

#include <cstdint>
#include <vector>

#include "model/conv_classifier.h"

namespace cardiograd::model {

// What both have.
struct ResidualConfig : ClassifierConfig {
  std::vector<std::int64_t> channels;
  std::vector<std::int64_t> blocks;
  std::int64_t stem_kernel = 15;
  std::int64_t kernel = 7;
  double block_dropout = 0;
  std::int64_t reduction = 0;
};

// Of resnet34_standin.
struct Resnet34Config : ResidualConfig {
  Resnet34Config() {
    channels = {64, 128, 256, 512};
    blocks = {3, 4, 6, 3};
    block_dropout = 0.2;
    head_dropout = 0;
  }
};

// Of xecgnet_standin.
struct XecgnetConfig : ResidualConfig {
  XecgnetConfig() {
    channels = {32, 64, 128, 256};
    blocks = {2, 2, 2, 2};
    reduction = 8;
    head_dropout = 0.3;
  }
};

// All values of `config`, section "model"; they point into it.
std::vector<ConfigField> config_fields(ResidualConfig& config);
// Throws Error naming the value that cannot be.
void check(const Resnet34Config& config);
void check(const XecgnetConfig& config);

}  // namespace cardiograd::model
