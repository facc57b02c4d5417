// Long WFDB records, read in pieces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "data/recording_stream.h"

namespace cardiograd::data {

// Signal files below this size are read whole.
inline constexpr std::uintmax_t kMinStreamedBytes = std::uintmax_t{1} << 20;

// Nothing where `path` names no WFDB record, or a record that cannot be read from the middle: of several segments, with
// an ECG lead in a file in format 8 or FLAC, skewed or stored nowhere; also where the largest of these files has fewer
// than `min_bytes`. Throws and warns as read_wfdb_leads does.
std::unique_ptr<RecordingStream> open_wfdb_stream(const std::filesystem::path& path,
                                                  std::uintmax_t min_bytes = kMinStreamedBytes);

// Reads `count` bytes from `offset` on. Throws Error naming the file when they are not there.
std::string read_piece(const std::filesystem::path& path, std::uintmax_t offset, std::size_t count);

}  // namespace cardiograd::data
