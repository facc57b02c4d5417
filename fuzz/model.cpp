// Whole models. The parsed description decides what is built, so they may take as much as load_model() allows.
#include "fuzz/target.h"
#include "model/model_file.h"

namespace cardiograd::fuzz {

const Target kModel(
    "model", [](std::string_view input) { model::load_model(file_with(input)); }, 320 << 20);

}  // namespace cardiograd::fuzz
