// A prepared data set made in memory, and a model small enough to train on it within milliseconds.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/philox.h"
#include "data/dataset.h"
#include "model/hc_cnn_tn.h"
#include "model/training_config.h"

namespace cardiograd::model::testing {

// 80 records of 64 samples and 4 leads at 100 Hz, record i in fold 1 + i % 10. Class c is a sine of c + 2 periods on
// lead c, beside noise; a record has class c when i + c is a multiple of c + 2. Features: "shown", which betrays the
// first class, "gaps", missing in every third record, and "absent", missing in all. One sample of record 2 is invalid.
inline data::Dataset tiny_set() {
  data::Dataset set;
  set.records = 80;
  set.samples = 64;
  set.leads = 4;
  set.rate = 100;
  set.unit = "mV";
  set.filter = "none";
  set.lead_names = {"I", "II", "III", "aVR"};
  set.class_names = {"A", "B", "C"};
  set.feature_names = {"shown", "gaps", "absent"};
  const float missing = std::numeric_limits<float>::quiet_NaN();
  PhiloxStream random(5);
  for (std::int64_t i = 0; i < set.records; ++i) {
    set.folds.push_back(static_cast<int>(1 + i % 10));
    set.ecg_ids.push_back(100 + i);
    for (std::int64_t c = 0; c < 3; ++c) set.labels.push_back((i + c) % (c + 2) == 0 ? 1 : 0);
    const std::uint8_t* labels = set.labels.data() + i * 3;
    set.features.insert(set.features.end(),
                        {static_cast<float>(labels[0]), i % 3 == 0 ? missing : static_cast<float>(i), missing});
    set.scales.insert(set.scales.end(), {0.001F, 0.002F, 0.003F, 0.001F});
    for (std::int64_t t = 0; t < set.samples; ++t)
      for (std::int64_t lead = 0; lead < set.leads; ++lead) {
        double value = 300 * random.normal() + 100 * static_cast<double>(lead);
        if (lead < 3 && labels[lead] == 1)
          value += 900 * std::sin(2 * 3.14159265 * static_cast<double>((lead + 2) * t) / 64);
        set.signals.push_back(static_cast<std::int16_t>(std::lround(value)));
      }
  }
  set.signals[(2 * 64 + 10) * 4 + 1] = data::kInvalidInt16;
  return set;
}

inline TrainingConfig tiny_config() {
  TrainingConfig config;
  config.data.folder = "unused";
  config.model = HcCnnTnConfig{.channels = {8, 8},
                               .kernels = {5, 3},
                               .encoder_layers = 1,
                               .heads = 2,
                               .feed_forward = 12,
                               .feature_width = 6,
                               .head_width = 10};
  config.epochs = 4;
  config.batch_size = 9;
  config.lr = 3e-3;
  config.seed = 3;
  return config;
}

}  // namespace cardiograd::model::testing
