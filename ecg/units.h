// Units of ECG signals: their spellings, and how the leads of a recording come to one.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "ecg/recording.h"

namespace cardiograd::ecg {

// "nV", "uV", "mV" and "V" for any spelling of these ("mv", "µV", ...), any other unit as it is.
std::string canonical_unit(std::string_view unit);

// Millivolts in one unit, in any spelling: 1 for "mV", 1e-3 for "uV", 1e3 for "V"; nothing for a unit that is no
// voltage.
std::optional<double> millivolts_per_unit(std::string_view unit);

// The unit that the leads have in common once voltages are in millivolts: "mV" where all are voltages, else the one
// unit that all have, "" of no leads. Nothing where units cannot be brought to one.
std::optional<std::string> common_unit(std::span<const std::string> units);

// The same. Throws Error naming `record` and two of its leads where there is no common unit; `leads` are the names.
std::string require_common_unit(std::span<const std::string> units, std::span<const std::string> leads,
                                const std::string& record);

// Brings all leads to their common unit: voltages of any kind become millivolts. Throws what require_common_unit
// throws, and then changes nothing.
void to_common_unit(Recording& recording);

}  // namespace cardiograd::ecg
