// Whole models. The parsed description decides what is built, so they may take as much as load_model() allows.
#include "fuzz/target.h"
#include "model/model_file.h"

namespace cardiograd::fuzz {

extern const std::size_t kMaxBytes = std::size_t{320} << 20;

void parse(std::string_view input) {
  model::load_model(file_with(input));
}

}  // namespace cardiograd::fuzz
