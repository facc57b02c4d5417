// HTML and SVG text in which everything from outside is escaped and every element is closed. What comes out is HTML and
// well-formed XML at once, so that either kind of parser can check it.
#pragma once

#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace cardiograd::report {

// `text` for an element's content or a quoted attribute: & < > " ' as entities, control characters dropped (XML has
// none of them, except tab and line feed), bytes that are no UTF-8 as U+FFFD.
std::string escape(std::string_view text);

// A number for an attribute: at most two decimals, no trailing zeros, no "-0". NaN and infinities throw Error.
std::string compact(double value);

// name="value" of an element; numbers as compact() writes them.
struct Attribute {
  std::string_view name;
  std::string value;

  Attribute(std::string_view attribute, std::string_view text) : name(attribute), value(text) {}
  template <class Number>
  requires std::integral<Number> || std::floating_point<Number> Attribute(std::string_view attribute, Number number)
      : name(attribute), value(compact(static_cast<double>(number))) {}
};

// Attributes with an empty value are left out, so that optional ones need no case.
using Attributes = std::initializer_list<Attribute>;

class Markup {
 public:
  Markup& open(std::string_view tag, Attributes attributes = {});
  // Throws Error unless `tag` is the element that was opened last.
  Markup& close(std::string_view tag);
  // <tag .../>: void elements of HTML, and SVG shapes.
  Markup& empty(std::string_view tag, Attributes attributes = {});
  // <tag ...>text</tag>
  Markup& element(std::string_view tag, Attributes attributes, std::string_view text);
  Markup& element(std::string_view tag, std::string_view text) { return element(tag, {}, text); }
  Markup& text(std::string_view text);
  // Not escaped: the program's own style and script.
  Markup& verbatim(std::string_view text);
  Markup& append(const Markup& part);

  // Throws Error while an element is open.
  const std::string& str() const;

 private:
  void tag(std::string_view name, Attributes attributes, std::string_view end);

  std::string text_;
  std::vector<std::string> open_;
};

}  // namespace cardiograd::report
