// The binary layouts of WFDB signal files: bytes to integers. Source: WFDB Applications Guide, signal(5).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace cardiograd::data {

// 8: differences; 61: big-endian; 160: offset binary; 310, 311: three samples of 10 bits in four bytes; 508, 516, 524:
// FLAC (data/wfdb_flac.h).
inline constexpr std::array kWfdbFormats = {8, 16, 24, 32, 61, 80, 160, 212, 310, 311, 508, 516, 524};

bool is_flac_format(int format);

// What follows is for all formats but FLAC.

// Bytes that `count` samples take.
std::int64_t wfdb_bytes(int format, std::int64_t count);

// Samples that `bytes` bytes hold, a trailing part of one left out.
std::int64_t wfdb_capacity(int format, std::int64_t bytes);

// The value by which the format, also FLAC, marks an invalid sample: the smallest it can hold. None in format 8.
std::optional<std::int32_t> wfdb_invalid_marker(int format);

// The first `count` samples of `bytes`, which holds at least wfdb_bytes(format, count) bytes. Markers stay as stored,
// as do the differences of format 8.
std::vector<std::int32_t> wfdb_decode(int format, std::string_view bytes, std::int64_t count);

}  // namespace cardiograd::data
