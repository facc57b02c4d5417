// FLAC streams as WFDB's formats 508, 516 and 524 store them: a channel per signal.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

namespace cardiograd::data {

// The samples of each channel. Throws Error naming `path`: no FLAC, damaged (also where the stream's MD5 does not fit),
// more than `max_bits` bits a sample, more than `max_values` samples of all channels.
std::vector<std::vector<std::int32_t>> decode_flac(std::string_view content, int max_bits, std::int64_t max_values,
                                                   const std::filesystem::path& path);

}  // namespace cardiograd::data
