#include "data/philips_xli.h"

#include <cstddef>
#include <string>

#include <fmt/format.h>

#include "base/error.h"

namespace cardiograd::data {
namespace {

constexpr int kBits = 10;
constexpr std::size_t kTail = 25;
constexpr std::size_t kHeader = 8;
constexpr std::size_t kFirstCode = 256, kMaxCode = (1U << kBits) - 2;
constexpr std::size_t kMaxBytes = std::size_t{1} << 20;  // of a lead, unpacked: 17 min at 500 Hz
constexpr std::size_t kMaxLeads = 64;
constexpr std::int32_t kBias = 64;

std::int32_t little_endian(std::string_view bytes, std::size_t at, std::size_t count) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < count; ++i)
    value |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[at + i])) << (8 * i);
  return count == 2 ? static_cast<std::int16_t>(value) : static_cast<std::int32_t>(value);
}

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& what) {
  throw Error(fmt::format("{}: compressed waveform: {}", path.string(), what),
              "The file is damaged; export the ECG again.");
}

// LZW, most significant bits first, without a clear code: the dictionary stops growing when it is full. Compressors
// fill up a chunk: a code after which fewer than kTail bits would have been left, itself included, is none.
std::string decode_lzw(std::string_view bytes, const std::filesystem::path& path) {
  std::vector<std::string> strings;
  for (std::size_t i = 0; i < kFirstCode; ++i) strings.emplace_back(1, static_cast<char>(i));
  strings.resize(kFirstCode);
  std::string text, previous;
  std::uint32_t buffer = 0;
  int filled = 0;
  std::size_t taken = 0;
  for (const char c : bytes) {
    buffer = buffer << 8 | static_cast<unsigned char>(c);
    filled += 8;
    if (filled < kBits) continue;
    if (8 * bytes.size() - taken < kTail) break;
    filled -= kBits;
    taken += kBits;
    const std::size_t code = buffer >> filled & ((1U << kBits) - 1);
    if (code > kMaxCode) break;  // The end.
    if (code > strings.size() || (code == strings.size() && previous.empty()))
      fail(path, fmt::format("code {} of {}", code, strings.size()));
    const std::string current = code < strings.size() ? strings[code] : previous + previous.front();
    if (!previous.empty() && strings.size() <= kMaxCode) strings.push_back(previous + current.front());
    text += current;
    if (text.size() > kMaxBytes) fail(path, "more samples than any ECG has");
    previous = current;
  }
  return text;
}

// High bytes, then low bytes; each sample from the two before it and a correction.
std::vector<std::int16_t> undo_differences(std::string_view bytes, std::int32_t correction) {
  const std::size_t count = bytes.size() / 2;
  std::vector<std::int16_t> samples(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto high = static_cast<unsigned char>(bytes[i]), low = static_cast<unsigned char>(bytes[count + i]);
    const auto stored = static_cast<std::int16_t>(static_cast<std::uint16_t>(high << 8 | low));
    samples[i] = stored;
    if (i < 2) continue;
    samples[i] = static_cast<std::int16_t>(2 * samples[i - 1] - samples[i - 2] - correction);
    correction = stored - kBias;
  }
  return samples;
}

}  // namespace

std::vector<std::vector<std::int16_t>> decode_xli(std::string_view bytes, const std::filesystem::path& path) {
  std::vector<std::vector<std::int16_t>> leads;
  while (!bytes.empty()) {
    if (leads.size() == kMaxLeads) fail(path, "more leads than any ECG has");
    if (bytes.size() < kHeader) fail(path, fmt::format("{} bytes are no chunk", bytes.size()));
    const std::int32_t size = little_endian(bytes, 0, 4), first = little_endian(bytes, 6, 2);
    bytes.remove_prefix(kHeader);
    if (size < 0 || static_cast<std::size_t>(size) > bytes.size())
      fail(path, fmt::format("a chunk of {} bytes, {} are left", size, bytes.size()));
    std::string unpacked = decode_lzw(bytes.substr(0, static_cast<std::size_t>(size)), path);
    if (unpacked.size() % 2 != 0) unpacked += '\0';
    leads.push_back(undo_differences(unpacked, first));
    bytes.remove_prefix(static_cast<std::size_t>(size));
  }
  return leads;
}

}  // namespace cardiograd::data
