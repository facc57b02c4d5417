// What a file is that was given in place of weights in safetensors, as its first bytes tell.
#pragma once

#include <optional>
#include <string_view>

namespace cardiograd {

struct WeightsKind {
  std::string_view name;  // "a PyTorch checkpoint"
  std::string_view hint;  // how to come to a file that can be read
};

// Nothing for what is not recognized, among it safetensors.
std::optional<WeightsKind> weights_kind_of(std::string_view content);

}  // namespace cardiograd
