#include "data/wfdb_decode.h"

#include <cstddef>

namespace cardiograd::data {
namespace {

// `samples` samples share `bytes` bytes; a last, incomplete pack of n samples takes partial[n - 1].
struct Pack {
  int samples;
  int bytes;
  int bits;  // of a sample
  std::array<int, 2> partial = {};
};

Pack pack_of(int format) {
  switch (format) {
    case 8:
    case 80:
      return {1, 1, 8};
    case 24:
      return {1, 3, 24};
    case 32:
      return {1, 4, 32};
    case 212:
      return {2, 3, 12, {2}};
    case 310:
      return {3, 4, 10, {2, 4}};
    case 311:
      return {3, 4, 10, {2, 3}};
    default:
      return {1, 2, 16};  // 16, 61, 160
  }
}

std::uint32_t byte_at(std::string_view bytes, std::size_t i) {
  return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0U;
}

// The lowest `bits` bits of `value` as a two's complement number.
std::int32_t sign_extended(std::uint32_t value, int bits) {
  return static_cast<std::int32_t>(value << (32 - bits)) >> (32 - bits);
}

std::uint32_t little_endian(std::string_view bytes, std::size_t at, int count) {
  std::uint32_t value = 0;
  for (int b = 0; b < count; ++b) value |= byte_at(bytes, at + static_cast<std::size_t>(b)) << (8 * b);
  return value;
}

// Two samples of 12 bits in three bytes: the low byte of the first, both high nibbles (the first's low), the low byte
// of the second. An odd last sample has two bytes.
std::uint32_t sample_212(std::string_view bytes, std::size_t at, std::size_t place) {
  const std::uint32_t nibbles = byte_at(bytes, at + 1);
  return place == 0 ? byte_at(bytes, at) | (nibbles & 0x0FU) << 8 : byte_at(bytes, at + 2) | (nibbles & 0xF0U) << 4;
}

// Two 16-bit words hold a sample each above their lowest bit; their uppermost five bits are the third.
std::uint32_t sample_310(std::string_view bytes, std::size_t at, std::size_t place) {
  const std::uint32_t first = little_endian(bytes, at, 2), second = little_endian(bytes, at + 2, 2);
  if (place < 2) return (place == 0 ? first : second) >> 1;
  return first >> 11 | second >> 11 << 5;
}

// A 32-bit word holds three samples, the first in its lowest bits.
std::uint32_t sample_311(std::string_view bytes, std::size_t at, std::size_t place) {
  return little_endian(bytes, at, 4) >> (10 * place);
}

}  // namespace

bool is_flac_format(int format) {
  return format > 500;
}

std::int64_t wfdb_bytes(int format, std::int64_t count) {
  const Pack pack = pack_of(format);
  const std::int64_t rest = count % pack.samples;
  return count / pack.samples * pack.bytes + (rest == 0 ? 0 : pack.partial.at(static_cast<std::size_t>(rest - 1)));
}

std::int64_t wfdb_capacity(int format, std::int64_t bytes) {
  const Pack pack = pack_of(format);
  const std::int64_t rest = bytes % pack.bytes;
  std::int64_t count = bytes / pack.bytes * pack.samples;
  for (int n = 1; n < pack.samples; ++n)
    if (rest >= pack.partial.at(static_cast<std::size_t>(n - 1))) ++count;
  return count;
}

std::optional<std::int32_t> wfdb_invalid_marker(int format) {
  if (format == 8) return std::nullopt;
  const int bits = is_flac_format(format) ? format - 500 : pack_of(format).bits;
  return static_cast<std::int32_t>(-(std::int64_t{1} << (bits - 1)));
}

std::vector<std::int32_t> wfdb_decode(int format, std::string_view bytes, std::int64_t count) {
  std::vector<std::int32_t> samples(static_cast<std::size_t>(count));
  const Pack pack = pack_of(format);
  const auto decode = [&](auto sample) {
    const auto size = static_cast<std::size_t>(pack.samples), width = static_cast<std::size_t>(pack.bytes);
    for (std::size_t i = 0; i < samples.size(); ++i) samples[i] = sample(i / size * width, i % size);
  };
  const auto extend = [&](std::uint32_t value) { return sign_extended(value, pack.bits); };
  switch (format) {
    case 61:
      decode([&](std::size_t at, std::size_t) { return extend(byte_at(bytes, at) << 8 | byte_at(bytes, at + 1)); });
      break;
    case 80:
    case 160: {
      const std::int32_t zero = 1 << (pack.bits - 1);
      decode([&](std::size_t at, std::size_t) {
        return static_cast<std::int32_t>(little_endian(bytes, at, pack.bytes)) - zero;
      });
      break;
    }
    case 212:
      decode([&](std::size_t at, std::size_t place) { return extend(sample_212(bytes, at, place)); });
      break;
    case 310:
      decode([&](std::size_t at, std::size_t place) { return extend(sample_310(bytes, at, place)); });
      break;
    case 311:
      decode([&](std::size_t at, std::size_t place) { return extend(sample_311(bytes, at, place)); });
      break;
    case 16:  // By far the most frequent.
      decode([&](std::size_t at, std::size_t) { return extend(little_endian(bytes, at, 2)); });
      break;
    default:
      decode([&](std::size_t at, std::size_t) { return extend(little_endian(bytes, at, pack.bytes)); });
      break;
  }
  return samples;
}

}  // namespace cardiograd::data
