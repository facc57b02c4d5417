// Fuzz targets: each fuzz/<name>.cpp defines one, and `fuzz --target=<name>` runs it (docs/reliability.md).
#pragma once

#include <cstddef>
#include <filesystem>
#include <string_view>

namespace cardiograd::fuzz {

// Gives an input to a parser as users' files are parsed. That may throw Error; anything else that it throws is a
// finding, as are more than a second of processor time and more memory than `max_bytes` and ten times the input.
using Parse = void (*)(std::string_view input);

// A target of its name, as long as it lives.
class Target {
 public:
  Target(const char* name, Parse parse, std::size_t max_bytes = std::size_t{64} << 20);
};

// A file with this content for parsers that read files. The same path each time; there is one such file.
std::filesystem::path file_with(std::string_view content);

// Ends the run with `what` as a finding.
[[noreturn]] void fail(std::string_view what);

}  // namespace cardiograd::fuzz
