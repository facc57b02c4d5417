#include "data/wfdb_decode.h"

#include <cstddef>
#include <limits>

namespace cardiograd::data {
namespace {

std::uint32_t byte_at(std::string_view bytes, std::size_t i) {
  return static_cast<unsigned char>(bytes[i]);
}

// The lowest `bits` bits of `value` as a two's complement number.
std::int32_t sign_extended(std::uint32_t value, int bits) {
  return static_cast<std::int32_t>(value << (32 - bits)) >> (32 - bits);
}

// Two samples of 12 bits in three bytes: the low byte of the first, both high nibbles (the first's low), the low byte
// of the second. An odd last sample has two bytes.
void decode_212(std::string_view bytes, std::vector<std::int32_t>& samples) {
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const std::size_t triple = i / 2 * 3;
    const std::uint32_t nibbles = byte_at(bytes, triple + 1);
    samples[i] = i % 2 == 0 ? sign_extended(byte_at(bytes, triple) | (nibbles & 0x0FU) << 8, 12)
                            : sign_extended(byte_at(bytes, triple + 2) | (nibbles & 0xF0U) << 4, 12);
  }
}

// Little-endian two's complement of 2, 3 or 4 bytes.
void decode_bytes(std::string_view bytes, std::size_t width, std::vector<std::int32_t>& samples) {
  for (std::size_t i = 0; i < samples.size(); ++i) {
    std::uint32_t value = 0;
    for (std::size_t b = 0; b < width; ++b) value |= byte_at(bytes, i * width + b) << (8 * b);
    samples[i] = sign_extended(value, static_cast<int>(8 * width));
  }
}

}  // namespace

std::int64_t wfdb_bytes(int format, std::int64_t count) {
  switch (format) {
    case 80:
      return count;
    case 16:
      return count * 2;
    case 24:
      return count * 3;
    case 32:
      return count * 4;
    default:
      return count / 2 * 3 + count % 2 * 2;  // 212
  }
}

std::int64_t wfdb_capacity(int format, std::int64_t bytes) {
  switch (format) {
    case 80:
      return bytes;
    case 16:
      return bytes / 2;
    case 24:
      return bytes / 3;
    case 32:
      return bytes / 4;
    default:
      return bytes / 3 * 2 + bytes % 3 / 2;  // 212
  }
}

std::int32_t wfdb_invalid_marker(int format) {
  switch (format) {
    case 80:
      return -128;
    case 16:
      return -32768;
    case 24:
      return -8388608;
    case 32:
      return std::numeric_limits<std::int32_t>::min();
    default:
      return -2048;  // 212
  }
}

std::vector<std::int32_t> wfdb_decode(int format, std::string_view bytes, std::int64_t count) {
  std::vector<std::int32_t> samples(static_cast<std::size_t>(count));
  switch (format) {
    case 80:
      for (std::size_t i = 0; i < samples.size(); ++i) samples[i] = static_cast<std::int32_t>(byte_at(bytes, i)) - 128;
      break;
    case 16:
      decode_bytes(bytes, 2, samples);
      break;
    case 24:
      decode_bytes(bytes, 3, samples);
      break;
    case 32:
      decode_bytes(bytes, 4, samples);
      break;
    default:
      decode_212(bytes, samples);
      break;
  }
  return samples;
}

}  // namespace cardiograd::data
