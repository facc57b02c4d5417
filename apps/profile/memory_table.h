// What `profile --memory` prints: the memory of a training step on a GPU, by tensor, and what GPUs of some sizes admit.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/hc_cnn_tn.h"

namespace cardiograd::apps {

// PTB-XL's records: 523 MB of signals at 100 Hz.
inline constexpr std::int64_t kPtbxlRecords = 21'799;

struct MemorySettings {
  model::HcCnnTnConfig architecture;
  std::int64_t batch = 64;
  std::int64_t records = kPtbxlRecords;  // that stay in the GPU's memory
};

// From dry runs: no GPU is needed.
std::string step_memory_text(const MemorySettings& settings);

}  // namespace cardiograd::apps
