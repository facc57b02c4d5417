// Shapes as text for options: "batch=1,time=250" changes those fields of a shape, "precision=tf32" its mode.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/enum_words.h"
#include "base/error.h"
#include "base/nearest_name.h"
#include "base/precision_words.h"

namespace cardiograd::kernels {

// Calls visit(name, field) for the whole-number fields of a shape. A field of another name keeps its value.
template <class Shape, class Visit>
void visit_shape_fields([[maybe_unused]] Shape& shape, [[maybe_unused]] Visit&& visit) {
#define CARDIOGRAD_FIELD(name) \
  if constexpr (requires { shape.name; }) visit(#name, shape.name)
  CARDIOGRAD_FIELD(batch);
  CARDIOGRAD_FIELD(records);
  CARDIOGRAD_FIELD(places);
  CARDIOGRAD_FIELD(rows);
  CARDIOGRAD_FIELD(count);
  CARDIOGRAD_FIELD(period);
  CARDIOGRAD_FIELD(time);
  CARDIOGRAD_FIELD(samples);
  CARDIOGRAD_FIELD(channels);
  CARDIOGRAD_FIELD(input_channels);
  CARDIOGRAD_FIELD(output_channels);
  CARDIOGRAD_FIELD(inputs);
  CARDIOGRAD_FIELD(outputs);
  CARDIOGRAD_FIELD(heads);
  CARDIOGRAD_FIELD(width);
  CARDIOGRAD_FIELD(width_a);
  CARDIOGRAD_FIELD(width_b);
  CARDIOGRAD_FIELD(classes);
  CARDIOGRAD_FIELD(kernel);
  CARDIOGRAD_FIELD(stride);
  CARDIOGRAD_FIELD(padding);
  CARDIOGRAD_FIELD(dilation);
  CARDIOGRAD_FIELD(groups);
#undef CARDIOGRAD_FIELD
}

// The whole-number fields of a shape with their values.
template <class Shape>
std::vector<std::pair<std::string, std::int64_t>> shape_fields(const Shape& shape) {
  std::vector<std::pair<std::string, std::int64_t>> fields;
  visit_shape_fields(shape, [&](const char* name, std::int64_t value) { fields.emplace_back(name, value); });
  return fields;
}

// Sets the fields that `text` names ("batch=1,time=250"). Throws UsageError for an unknown field (with the known ones),
// a value that is no whole number, or one below 1 (padding: below 0). Whether an operation takes the combination is not
// checked.
template <class Shape>
void set_shape_fields(Shape& shape, std::string_view text) {
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const std::string_view item = text.substr(at, end - at);
    at = end + 1;
    const std::size_t equals = item.find('=');
    const std::string name(item.substr(0, equals));
    if constexpr (requires { shape.precision; }) {
      if (name == "precision") {
        shape.precision = parse_word<Precision>(name, item.substr(std::min(equals, item.size() - 1) + 1));
        continue;
      }
    }
    std::vector<std::string> known;
    bool found = false;
    visit_shape_fields(shape, [&](const char* field, std::int64_t& value) {
      known.emplace_back(field);
      if (name != field) return;
      found = true;
      const std::string_view digits = equals == std::string_view::npos ? "" : item.substr(equals + 1);
      std::int64_t number = 0;
      const auto [last, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
      const bool complete = error == std::errc() && last == digits.data() + digits.size() && !digits.empty();
      if (!complete || number < (name == "padding" ? 0 : 1))
        throw UsageError("shape '" + std::string(item) + "': no size", "write " + name + "=1 or more, for example");
      value = number;
    });
    if (found) continue;
    std::string list;
    for (const std::string& field : known) list += (list.empty() ? "" : ", ") + field;
    throw UsageError("shape '" + std::string(text) + "': unknown field '" + name + "'",
                     "nearest: " + nearest_name(name, known) + "; fields of this operation: " + list);
  }
}

}  // namespace cardiograd::kernels
