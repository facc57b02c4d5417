// Configurations.
#include "fuzz/target.h"
#include "model/training_config.h"

void cardiograd::fuzz::parse(std::string_view input) {
  model::read_config(file_with(input));
}
