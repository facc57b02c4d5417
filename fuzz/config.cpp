// Configurations.
#include "fuzz/target.h"
#include "model/training_config.h"

namespace cardiograd::fuzz {

const Target kConfig("config", [](std::string_view input) { model::read_config(file_with(input)); });

}  // namespace cardiograd::fuzz
