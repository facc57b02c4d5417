#include "data/text_encoding.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/text.h"

namespace cardiograd::data {
namespace {

// A code point as UTF-8.
void put_utf8(std::string& text, std::uint32_t code) {
  if (code < 0x80) {
    text += static_cast<char>(code);
  } else if (code < 0x800) {
    text += static_cast<char>(0xC0 | code >> 6);
    text += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    text += static_cast<char>(0xE0 | code >> 12);
    text += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    text += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    text += static_cast<char>(0xF0 | code >> 18);
    text += static_cast<char>(0x80 | (code >> 12 & 0x3F));
    text += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    text += static_cast<char>(0x80 | (code & 0x3F));
  }
}

std::string from_utf16(std::string_view bytes, bool big_endian) {
  const auto word = [&](std::size_t i) {
    const auto a = static_cast<unsigned char>(bytes[i]), b = static_cast<unsigned char>(bytes[i + 1]);
    return static_cast<std::uint32_t>(big_endian ? a << 8 | b : b << 8 | a);
  };
  constexpr std::uint32_t kReplacement = 0xFFFD;
  std::string text;
  text.reserve(bytes.size() / 2);
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
    std::uint32_t code = word(i);
    if (code >= 0xD800 && code < 0xE000) {  // A pair of words makes one character.
      const std::uint32_t low = code < 0xDC00 && i + 3 < bytes.size() ? word(i + 2) : 0;
      const bool pair = low >= 0xDC00 && low < 0xE000;
      code = pair ? 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00) : kReplacement;
      if (pair) i += 2;
    }
    put_utf8(text, code);
  }
  return text;
}

// Whether most bytes at even places, or at odd ones, are 0.
bool has_zeros(std::string_view bytes, std::size_t from) {
  constexpr std::size_t kLooked = 64, kMany = 16;
  std::size_t count = 0;
  for (std::size_t i = from; i < std::min(bytes.size(), kLooked); i += 2) count += bytes[i] == '\0' ? 1 : 0;
  return count > kMany;
}

bool has_utf16_mark(std::string_view bytes) {
  return bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF");
}

}  // namespace

bool is_utf16(std::string_view bytes) {
  return has_utf16_mark(bytes) || has_zeros(bytes, 1) || has_zeros(bytes, 0);
}

std::string_view utf8_text(std::string_view bytes, std::string& storage) {
  std::string_view text = bytes;
  if (is_utf16(bytes)) {
    const bool marked = has_utf16_mark(bytes);
    storage = from_utf16(bytes.substr(marked ? 2 : 0), marked ? bytes.starts_with('\xFE') : !has_zeros(bytes, 1));
    text = storage;
  } else {
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    if (!is_utf8(text)) {
      std::string converted;
      converted.reserve(text.size());
      for (const unsigned char c : text) put_utf8(converted, c);
      storage = std::move(converted);
      text = storage;
    }
  }
  // Lone carriage returns end lines only where nothing else does.
  if (text.find('\n') == std::string_view::npos && text.find('\r') != std::string_view::npos) {
    if (text.data() != storage.data()) storage = text;
    std::replace(storage.begin(), storage.end(), '\r', '\n');
    text = storage;
  }
  return text;
}

std::string_view plain_text(std::string_view bytes, std::string& storage) {
  // No-break space, narrow no-break space, minus sign, en dash.
  constexpr std::array<std::pair<std::string_view, char>, 4> kPlain = {
      {{"\xC2\xA0", ' '}, {"\xE2\x80\xAF", ' '}, {"\xE2\x88\x92", '-'}, {"\xE2\x80\x93", '-'}}};
  const std::string_view text = utf8_text(bytes, storage);
  const auto has = [&](const auto& plain) { return text.find(plain.first) != std::string_view::npos; };
  if (std::none_of(kPlain.begin(), kPlain.end(), has)) return text;
  std::string result;
  result.reserve(text.size());
  for (std::string_view rest = text; !rest.empty();) {
    const auto found =
        std::find_if(kPlain.begin(), kPlain.end(), [&](const auto& p) { return rest.starts_with(p.first); });
    result += found == kPlain.end() ? rest.front() : found->second;
    rest.remove_prefix(found == kPlain.end() ? 1 : found->first.size());
  }
  storage = std::move(result);
  return storage;
}

}  // namespace cardiograd::data
