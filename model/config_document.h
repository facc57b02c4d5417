// docs/configuration.md, made from the field list.
#pragma once

#include <string>

namespace cardiograd::model {

// Every value of a configuration with default, range, command-line option and meaning, and the old words that are still
// accepted. Markdown; ends with a newline.
std::string configuration_document();

}  // namespace cardiograd::model
