#include "data/wfdb_annotation.h"

#include <array>
#include <charconv>
#include <limits>

#include <fmt/format.h>

#include "base/error.h"
#include "base/file.h"

namespace cardiograd::data {
namespace {

constexpr std::uintmax_t kMaxFileBytes = std::uintmax_t{1} << 30;
constexpr int kLargestCode = 49;
constexpr int kNote = 22;
constexpr std::string_view kResolutionNote = "## time resolution: ";

// The upper six bits of a word: an annotation's code, or one of these.
constexpr unsigned kSkip = 59;
constexpr unsigned kNumber = 60;
constexpr unsigned kSubtype = 61;
constexpr unsigned kChannel = 62;
constexpr unsigned kAux = 63;

// By code; an empty entry has no meaning of its own. Source: WFDB's ecgcodes.h and annstr.
constexpr std::array<std::string_view, kLargestCode + 1> kMnemonics = {
    "",  "N", "L", "R", "a", "V",  "F", "J", "A", "S", "E", "j", "/", "Q", "~", "",  "|",
    "",  "s", "T", "*", "D", "\"", "=", "p", "B", "^", "t", "+", "u", "?", "!", "[", "]",
    "e", "n", "@", "x", "f", "(",  ")", "r", "",  "",  "",  "",  "",  "",  "",  ""};

// 16-bit words, little-endian: six bits of code, ten bits of time or content.
class WordReader {
 public:
  WordReader(std::string_view bytes, const std::filesystem::path& path) : bytes_(bytes), path_(path) {}

  unsigned next() {
    if (at_ + 2 > bytes_.size()) fail("the file ends without end mark");
    const unsigned word = byte(at_) | byte(at_ + 1) << 8;
    at_ += 2;
    return word;
  }

  std::string text(std::size_t size) {
    const std::size_t padded = size + size % 2;
    if (at_ + padded > bytes_.size()) fail(fmt::format("the file ends within a text of {} bytes", size));
    std::string value(bytes_.substr(at_, size));
    at_ += padded;
    return value;
  }

  [[noreturn]] void fail(const std::string& message) const {
    throw Error(fmt::format("{}: byte {}: {}", path_.string(), at_, message),
                "Expected a WFDB annotation file as annot(5) describes it; fetch it again.");
  }

 private:
  unsigned byte(std::size_t i) const { return static_cast<unsigned char>(bytes_[i]); }

  std::string_view bytes_;
  const std::filesystem::path& path_;
  std::size_t at_ = 0;
};

int as_signed_byte(unsigned value) {
  return static_cast<std::int8_t>(static_cast<std::uint8_t>(value & 0xFF));
}

// A word that belongs to the annotation before it.
void apply_modifier(unsigned kind, unsigned content, WordReader& reader, WfdbAnnotation& annotation) {
  switch (kind) {
    case kNumber:
      annotation.number = as_signed_byte(content);
      break;
    case kSubtype:
      annotation.subtype = as_signed_byte(content);
      break;
    case kChannel:
      annotation.channel = static_cast<int>(content & 0xFF);
      break;
    default:  // kAux
      annotation.aux = reader.text(content & 0xFF);
      while (annotation.aux.ends_with('\0')) annotation.aux.pop_back();
  }
}

// A comment at time 0 may say how many ticks of annotation time make a second; true if this is one.
bool take_resolution(const WfdbAnnotation& annotation, double& rate) {
  if (annotation.code != kNote || annotation.sample != 0 || !annotation.aux.starts_with(kResolutionNote)) return false;
  const char* end = annotation.aux.data() + annotation.aux.size();
  double value = 0;
  const auto parsed = std::from_chars(annotation.aux.data() + kResolutionNote.size(), end, value);
  if (parsed.ec != std::errc() || !(value > 0)) return false;
  rate = value;
  return true;
}

void put_word(std::string& bytes, unsigned kind, unsigned content) {
  const unsigned word = kind << 10 | content;
  bytes += static_cast<char>(word & 0xFF);
  bytes += static_cast<char>(word >> 8);
}

void check_range(const std::filesystem::path& path, std::size_t index, const char* field, std::int64_t value,
                 std::int64_t low, std::int64_t high) {
  if (value >= low && value <= high) return;
  throw Error(
      fmt::format("{}: annotation {}: {} is {}, expected {} to {}", path.string(), index, field, value, low, high),
      "The annotation format cannot hold this.");
}

void put_time(std::string& bytes, unsigned code, std::int64_t step) {
  if (step < 0 || step > 1023) {
    // The upper half comes first, each half little-endian, as a PDP-11 stored a long.
    const auto bits = static_cast<std::uint32_t>(static_cast<std::int32_t>(step));
    put_word(bytes, kSkip, 0);
    for (const int shift : {16, 24, 0, 8}) bytes += static_cast<char>(bits >> shift & 0xFF);
    step = 0;
  }
  put_word(bytes, code, static_cast<unsigned>(step));
}

}  // namespace

std::string annotation_mnemonic(int code) {
  const bool known = code > 0 && code <= kLargestCode && !kMnemonics[static_cast<std::size_t>(code)].empty();
  return known ? std::string(kMnemonics[static_cast<std::size_t>(code)]) : fmt::format("[{}]", code);
}

std::optional<int> annotation_code(std::string_view mnemonic) {
  for (int code = 1; code <= kLargestCode; ++code)
    if (annotation_mnemonic(code) == mnemonic) return code;
  return std::nullopt;
}

WfdbAnnotations parse_wfdb_annotations(std::string_view bytes, const std::filesystem::path& path) {
  WordReader reader(bytes, path);
  WfdbAnnotations result;
  auto& annotations = result.annotations;
  std::int64_t time = 0;
  bool skipped = false;  // A zero word ends the file, but not right after a skip.
  for (;;) {
    const unsigned word = reader.next();
    const unsigned kind = word >> 10;
    const unsigned content = word & 0x3FF;
    if (word == 0 && !skipped) break;
    if (kind == kSkip) {
      const unsigned high = reader.next();
      const unsigned low = reader.next();
      time += static_cast<std::int32_t>(high << 16 | low);
      skipped = true;
      continue;
    }
    if (kind > kSkip) {
      if (annotations.empty() || skipped) reader.fail("a modifier without an annotation before it");
      apply_modifier(kind, content, reader, annotations.back());
      continue;
    }
    if (kind > kLargestCode) reader.fail(fmt::format("unknown annotation code {}", kind));
    skipped = false;
    time += content;
    WfdbAnnotation annotation;
    annotation.sample = time;
    annotation.code = static_cast<int>(kind);
    if (!annotations.empty()) {
      // Channel and number hold until changed.
      annotation.channel = annotations.back().channel;
      annotation.number = annotations.back().number;
      if (annotations.back().code == 0) annotations.pop_back();  // Code 0 only moves the time on.
    }
    annotations.push_back(annotation);
  }
  if (!annotations.empty() && annotations.back().code == 0) annotations.pop_back();
  if (!annotations.empty() && take_resolution(annotations.front(), result.rate)) annotations.erase(annotations.begin());
  return result;
}

WfdbAnnotations read_wfdb_annotations(const std::filesystem::path& path) {
  return parse_wfdb_annotations(read_file(path, kMaxFileBytes), path);
}

void write_wfdb_annotations(const std::filesystem::path& path, const WfdbAnnotations& annotations) {
  std::string bytes;
  const auto put_aux = [&](const std::string& aux) {
    put_word(bytes, kAux, static_cast<unsigned>(aux.size()));
    bytes += aux;
    if (aux.size() % 2 == 1) bytes += '\0';
  };
  if (annotations.rate > 0) {
    put_word(bytes, kNote, 0);
    put_aux(fmt::format("{}{}", kResolutionNote, annotations.rate));
  }
  WfdbAnnotation previous;
  for (std::size_t i = 0; i < annotations.annotations.size(); ++i) {
    const WfdbAnnotation& annotation = annotations.annotations[i];
    const std::int64_t step = annotation.sample - previous.sample;
    check_range(path, i, "code", annotation.code, 1, kLargestCode);
    check_range(path, i, "subtype", annotation.subtype, -128, 127);
    check_range(path, i, "channel", annotation.channel, 0, 255);
    check_range(path, i, "number", annotation.number, -128, 127);
    check_range(path, i, "length of aux", static_cast<std::int64_t>(annotation.aux.size()), 0, 255);
    check_range(path, i, "step from the one before", step, std::numeric_limits<std::int32_t>::min(),
                std::numeric_limits<std::int32_t>::max());
    put_time(bytes, static_cast<unsigned>(annotation.code), step);
    if (annotation.subtype != 0) put_word(bytes, kSubtype, static_cast<unsigned>(annotation.subtype) & 0xFF);
    if (annotation.channel != previous.channel) put_word(bytes, kChannel, static_cast<unsigned>(annotation.channel));
    if (annotation.number != previous.number) put_word(bytes, kNumber, static_cast<unsigned>(annotation.number) & 0xFF);
    if (!annotation.aux.empty()) put_aux(annotation.aux);
    previous = annotation;
  }
  put_word(bytes, 0, 0);
  write_file(path, bytes);
}

}  // namespace cardiograd::data
