// The binary layouts of WFDB signal files: bytes to integers. Source: WFDB Applications Guide, signal(5).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace cardiograd::data {

// Bytes that `count` samples take. format: 16, 24, 32, 80 or 212.
std::int64_t wfdb_bytes(int format, std::int64_t count);

// Samples that `bytes` bytes hold, a trailing part of one left out.
std::int64_t wfdb_capacity(int format, std::int64_t bytes);

// The value by which the format marks an invalid sample: the smallest it can hold.
std::int32_t wfdb_invalid_marker(int format);

// The first `count` samples of `bytes`, which holds at least wfdb_bytes(format, count) bytes. Markers stay as stored.
std::vector<std::int32_t> wfdb_decode(int format, std::string_view bytes, std::int64_t count);

}  // namespace cardiograd::data
