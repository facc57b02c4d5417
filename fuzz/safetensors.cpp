// Weights of this program, which have checksums, and of others, which have none.
#include "engine/io/safetensors.h"

#include "fuzz/target.h"

void cardiograd::fuzz::parse(std::string_view input) {
  read_safetensors(file_with(input));
}
