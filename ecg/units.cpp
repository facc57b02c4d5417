#include "ecg/units.h"

#include <fmt/format.h>

#include "base/error.h"

namespace cardiograd::ecg {
namespace {

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
  constexpr std::string_view kMicro = "\xC2\xB5";    // U+00B5, micro sign
  constexpr std::string_view kGreekMu = "\xCE\xBC";  // U+03BC, Greek small mu
  constexpr std::string_view kLatin1Micro = "\xB5";
  std::string prefix(unit);
  if (prefix.empty() || (prefix.back() != 'V' && prefix.back() != 'v')) return prefix;
  prefix.pop_back();
  if (prefix.empty()) return "V";
  if (prefix == "m" || prefix == "M") return "mV";
  if (prefix == "u" || prefix == "U" || prefix == kMicro || prefix == kGreekMu || prefix == kLatin1Micro) return "uV";
  if (prefix == "n" || prefix == "N") return "nV";
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
