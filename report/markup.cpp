#include "report/markup.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include <fmt/format.h>

#include "base/error.h"

namespace cardiograd::report {
namespace {

// The bytes of the UTF-8 character that `text` begins with; 0 when it begins with none. RFC 3629, section 4.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xF0 ? 4 : (first >= 0xE0 ? 3 : 2);
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xC0) != 0x80) return 0;
  const unsigned char second = byte(1);
  const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
  const bool no_character = (first == 0xED && second > 0x9F) || (first == 0xF4 && second > 0x8F);
  return overlong || no_character ? 0 : length;
}

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t' && c != '\n') || byte == 0x7F;
}

std::string_view entity(char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    default:
      return {};
  }
}

}  // namespace

std::string escape(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) {
      escaped += "\xEF\xBF\xBD";
      text.remove_prefix(1);
      continue;
    }
    if (const std::string_view known = entity(text[0]); !known.empty()) {
      escaped += known;
    } else if (!is_control(text[0])) {
      escaped += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  return escaped;
}

std::string compact(double value) {
  if (!std::isfinite(value)) throw Error(fmt::format("{} cannot be drawn", value));
  std::string text = fmt::format("{:.2f}", value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text == "-0" ? "0" : text;
}

void Markup::tag(std::string_view name, Attributes attributes, std::string_view end) {
  text_ += '<';
  text_ += name;
  for (const Attribute& attribute : attributes)
    if (!attribute.value.empty()) text_ += fmt::format(" {}=\"{}\"", attribute.name, escape(attribute.value));
  text_ += end;
}

Markup& Markup::open(std::string_view name, Attributes attributes) {
  tag(name, attributes, ">");
  open_.emplace_back(name);
  return *this;
}

Markup& Markup::close(std::string_view name) {
  if (open_.empty() || open_.back() != name)
    throw Error(fmt::format("markup: </{}> closes <{}>", name, open_.empty() ? "nothing" : open_.back()));
  open_.pop_back();
  text_ += fmt::format("</{}>", name);
  // Line breaks where they do not show, so that the page's source can be read and compared.
  static constexpr std::string_view kBlocks[] = {"section", "p",   "table", "tr", "figure",
                                                 "svg",     "div", "li",    "h2", "h3"};
  if (std::find(std::begin(kBlocks), std::end(kBlocks), name) != std::end(kBlocks)) text_ += '\n';
  return *this;
}

Markup& Markup::empty(std::string_view name, Attributes attributes) {
  tag(name, attributes, "/>");
  return *this;
}

Markup& Markup::element(std::string_view name, Attributes attributes, std::string_view content) {
  return open(name, attributes).text(content).close(name);
}

Markup& Markup::text(std::string_view content) {
  text_ += escape(content);
  return *this;
}

Markup& Markup::verbatim(std::string_view content) {
  text_ += content;
  return *this;
}

Markup& Markup::append(const Markup& part) {
  text_ += part.str();
  return *this;
}

const std::string& Markup::str() const {
  if (!open_.empty()) throw Error(fmt::format("markup: <{}> is not closed", open_.back()));
  return text_;
}

}  // namespace cardiograd::report
