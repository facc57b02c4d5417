// Weights of this program, which have checksums, and of others, which have none.
#include "engine/io/safetensors.h"

#include "fuzz/target.h"

namespace cardiograd::fuzz {

const Target kSafetensors("safetensors", [](std::string_view input) { read_safetensors(file_with(input)); });

}  // namespace cardiograd::fuzz
