// The description in state.safetensors.
#include "model/training_state.h"

#include "fuzz/target.h"

namespace cardiograd::fuzz {

const Target kTrainingState("training_state", [](std::string_view input) {
  const model::RunSource source{{{"training.lr", "0.001"}, {"training.seed", "0"}}, {{"folds", "0123456789abcdef"}}};
  model::parse_training_state(std::string(input), "state.safetensors", source, true);
});

}  // namespace cardiograd::fuzz
