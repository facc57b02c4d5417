// The sampling rate of a text table from the times of its samples.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>

#include "data/signal_table.h"

namespace cardiograd::data {

// Hz, from the column that `table.columns[column]` says to be one of times. Times may be rounded and their clock may
// drift by a thousandth, but no sample may be left out. Nothing where times without a unit go up by exactly 1, as
// numbers of samples do. Throws Error naming file, line and column: times that do not advance evenly, a missing or
// malformed one, an unknown unit, fewer than 2.
std::optional<double> rate_from_times(const SignalTable& table, std::size_t column, const std::filesystem::path& path);

// Whether the first column has no name, or that of no lead where rows are leads, and its cells are clock times, or
// numbers with decimals that advance evenly: the times that programs write as an index.
bool is_index_of_times(const SignalTable& table, const std::filesystem::path& path);

// Whether a column goes up evenly over all of its rows, eight or more, as times do and no lead. Its cells may be
// anything.
bool advances_evenly(const SignalTable& table, std::size_t column, const std::filesystem::path& path);

}  // namespace cardiograd::data
