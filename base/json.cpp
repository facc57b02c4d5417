#include "base/json.h"

#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace cardiograd {

using nlohmann::json;

namespace {

constexpr const char* kHint = "The file is damaged or of another kind; take a fresh copy.";

// Refuses what json::parse() would accept. Not its callback: with one it walks over an object's members after each of
// them that is an object, which takes minutes for a hundred thousand.
class Watch : public nlohmann::json_sax<json> {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return open(); }
  bool key(string_t& name) override {
    if (!keys_.back().insert(name).second)
      throw Error(fmt::format("JSON with the key {} twice", short_json(name)), kHint);
    return true;
  }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(); }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t, const std::string&, const json::exception&) override { return false; }

 private:
  bool open() {
    if (keys_.size() >= kMaxJsonDepth) throw Error(fmt::format("JSON nested more than {} deep", kMaxJsonDepth), kHint);
    keys_.emplace_back();
    return true;
  }
  bool close() {
    keys_.pop_back();
    return true;
  }

  std::vector<std::set<std::string>> keys_;  // of the objects and arrays around the place being read
};

}  // namespace

json parse_json(std::string_view text) {
  Watch watch;
  json::sax_parse(text, &watch);
  try {
    return json::parse(text);
  } catch (const json::parse_error& error) {
    throw Error(fmt::format("no JSON: character {} is unexpected", error.byte), kHint);
  } catch (const json::exception&) {
    throw Error("no JSON: a number is too large", kHint);
  }
}

std::string short_json(const json& value) {
  constexpr std::size_t kMost = 80;
  std::string text = value.dump(-1, ' ', true, json::error_handler_t::replace);
  if (text.size() > kMost) text = text.substr(0, kMost - 3) + "...";
  return text;
}

}  // namespace cardiograd
