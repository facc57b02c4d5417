// The compression of waveforms in Philips' ECG files (XLI): LZW with codes of 10 bits, bytes apart, second differences.
// Source: the description of the Sierra ECG tools (github.com/sixlettervariables/sierra-ecg-tools, wiki).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

namespace cardiograd::data {

// The samples of each chunk (a lead each). Throws Error naming `path`: a chunk that is cut or that no compressor wrote.
std::vector<std::vector<std::int16_t>> decode_xli(std::string_view bytes, const std::filesystem::path& path);

}  // namespace cardiograd::data
