// Files compressed with gzip.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace cardiograd::data {

bool is_gzip(std::string_view content);

// What was compressed, of all members of the file. Throws Error naming `path`: damaged, truncated, or more than
// `max_bytes`.
std::string gunzip(std::string_view content, std::uintmax_t max_bytes, const std::filesystem::path& path);

}  // namespace cardiograd::data
