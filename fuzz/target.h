// A fuzz target is one fuzz/<name>.cpp that defines parse(); it becomes the program fuzz_<name> (docs/reliability.md).
#pragma once

#include <cstddef>
#include <filesystem>
#include <string_view>

namespace cardiograd::fuzz {

// Parses an input as users' files are parsed. It may throw Error; anything else that it throws is a finding, as are
// more than a second of processor time and more memory than kMaxBytes and ten times the input.
void parse(std::string_view input);

// Live bytes beside the input's own share. A target whose parser may take more by its contract defines another value.
extern const std::size_t kMaxBytes;

// A file with this content for parsers that read files. The same path each time; there is one such file.
std::filesystem::path file_with(std::string_view content);

// Ends the run with `what` as a finding.
[[noreturn]] void fail(std::string_view what);

}  // namespace cardiograd::fuzz
