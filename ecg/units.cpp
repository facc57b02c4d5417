#include "ecg/units.h"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"

namespace cardiograd::ecg {
namespace {

std::string lower_ascii(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

// The unit of a lead after conversion: voltages of any kind become millivolts.
std::string converted_unit(const std::string& unit) {
  return millivolts_per_unit(unit) ? "mV" : unit;
}

// The first lead whose converted unit is not that of lead 0; the number of leads when there is none.
std::size_t first_conflict(std::span<const std::string> units) {
  std::size_t lead = 1;
  while (lead < units.size() && converted_unit(units[lead]) == converted_unit(units[0])) ++lead;
  return lead;
}

}  // namespace

std::string canonical_unit(std::string_view unit) {
  constexpr std::array<std::pair<std::string_view, const char*>, 11> kPrefixes = {
      {{"", "V"},
       {"m", "mV"},
       {"milli", "mV"},
       {"u", "uV"},
       {"micro", "uV"},
       {"\xC2\xB5", "uV"},  // micro sign
       {"\xCE\xBC", "uV"},  // Greek small mu
       {"\xCE\x9C", "uV"},  // Greek capital mu
       {"\xB5", "uV"},      // Latin-1
       {"n", "nV"},
       {"nano", "nV"}}};
  constexpr std::array<std::pair<std::string_view, const char*>, 5> kOthers = {
      {{"мкВ", "uV"}, {"мВ", "mV"}, {"微伏", "uV"}, {"毫伏", "mV"}, {"マイクロボルト", "uV"}}};
  for (const auto& [name, canonical] : kOthers)
    if (unit == name) return canonical;
  const std::string lower = lower_ascii(unit);
  for (const std::string_view volt : {"volts", "volt", "v"}) {
    if (!lower.ends_with(volt)) continue;
    const std::string_view prefix = std::string_view(lower).substr(0, lower.size() - volt.size());
    for (const auto& [name, canonical] : kPrefixes)
      if (prefix == name) return canonical;
    break;
  }
  return std::string(unit);
}

std::optional<double> millivolts_per_unit(std::string_view unit) {
  const std::string canonical = canonical_unit(unit);
  if (canonical == "mV") return 1.0;
  if (canonical == "uV") return 1e-3;
  if (canonical == "V") return 1e3;
  if (canonical == "nV") return 1e-6;
  return std::nullopt;
}

std::optional<std::string> common_unit(std::span<const std::string> units) {
  if (units.empty()) return "";
  if (first_conflict(units) < units.size()) return std::nullopt;
  return converted_unit(units[0]);
}

std::string require_common_unit(std::span<const std::string> units, std::span<const std::string> leads,
                                const std::string& record) {
  if (const auto unit = common_unit(units)) return *unit;
  const std::size_t lead = first_conflict(units);
  throw Error(
      fmt::format("{}: lead {} is in '{}', lead {} in '{}'", record, leads[lead], units[lead], leads[0], units[0]),
      "The leads of a record must share one unit, or all be voltages.");
}

void to_common_unit(Recording& recording) {
  const std::string unit = require_common_unit(recording.units, recording.leads, recording.name);
  for (std::size_t lead = 0; lead < recording.units.size(); ++lead) {
    const double factor = millivolts_per_unit(recording.units[lead]).value_or(1.0);
    if (factor != 1.0) recording.signal.col(static_cast<Eigen::Index>(lead)) *= factor;
    recording.units[lead] = unit;
  }
}

}  // namespace cardiograd::ecg
