// Tables of bench/ that the programs carry with them, as they stood when this was built (cmake/embed.cmake).
#pragma once

#include <string>

namespace cardiograd::model {

// The text of bench/gpus.toml: what named GPUs can do at most.
std::string gpus_toml();
// The text of bench/kernel_costs.json: what the kernels of a training step cost.
std::string kernel_costs_json();

}  // namespace cardiograd::model
