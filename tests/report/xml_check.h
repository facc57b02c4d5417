// A strict reader of markup for tests: what it takes is well-formed XML, apart from the first line's DOCTYPE.
#pragma once

#include <cctype>
#include <cstddef>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace cardiograd::testing {

struct XmlElement {
  std::string name;
  std::map<std::string, std::string> attributes;  // as written, entities and all
};

class XmlCheck {
 public:
  // Throws std::runtime_error with the place of the first fault.
  explicit XmlCheck(std::string_view text) : text_(text) {
    if (take("<!DOCTYPE html>")) skip_blanks();
    while (at_ < text_.size()) {
      if (take("<![CDATA[")) {
        const std::size_t end = text_.find("]]>", at_);
        if (end == text_.npos) fail("CDATA without end");
        at_ = end + 3;
      } else if (take("</")) {
        close();
      } else if (take("<")) {
        open();
      } else {
        character(text_[at_]);
      }
    }
    if (!open_.empty()) fail("<" + open_.back() + "> is not closed");
    if (elements_.empty()) fail("no element");
  }

  const std::vector<XmlElement>& elements() const { return elements_; }
  bool has_id(const std::string& id) const { return ids_.contains(id); }
  std::size_t count(std::string_view name) const {
    std::size_t found = 0;
    for (const XmlElement& element : elements_) found += element.name == name ? 1 : 0;
    return found;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw std::runtime_error(what + " at byte " + std::to_string(at_) + ": ..." +
                             std::string(text_.substr(at_ > 40 ? at_ - 40 : 0, 80)));
  }
  bool take(std::string_view expected) {
    if (!text_.substr(at_).starts_with(expected)) return false;
    at_ += expected.size();
    return true;
  }
  void skip_blanks() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
  }
  std::string name() {
    const std::size_t first = at_;
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) != 0 || text_[at_] == '-'))
      ++at_;
    if (at_ == first) fail("no name");
    return std::string(text_.substr(first, at_ - first));
  }
  void character(char c) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '<' || c == '>') fail("a bare angle bracket");
    if (byte < 0x20 && c != '\n' && c != '\t') fail("a control character");
    if (c == '&') {
      for (const std::string_view entity : {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"})
        if (take(entity)) return;
      fail("a bare ampersand");
    }
    ++at_;
  }
  void open() {
    XmlElement element{name(), {}};
    while (true) {
      skip_blanks();
      if (take("/>")) break;
      if (take(">")) {
        open_.push_back(element.name);
        break;
      }
      const std::string attribute = name();
      if (!take("=\"")) fail("an attribute without quoted value");
      const std::size_t first = at_;
      while (at_ < text_.size() && text_[at_] != '"') character(text_[at_]);
      if (!element.attributes.emplace(attribute, text_.substr(first, at_ - first)).second) fail("an attribute twice");
      if (!take("\"")) fail("a value without end");
    }
    if (const auto id = element.attributes.find("id"); id != element.attributes.end())
      if (!ids_.insert(id->second).second) fail("an id twice");
    elements_.push_back(std::move(element));
  }
  void close() {
    const std::string closed = name();
    if (open_.empty() || open_.back() != closed) fail("</" + closed + "> closes another element");
    open_.pop_back();
    if (!take(">")) fail("a closing tag without end");
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<std::string> open_;
  std::vector<XmlElement> elements_;
  std::set<std::string> ids_;
};

}  // namespace cardiograd::testing
