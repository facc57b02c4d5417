// Numbers as the report prints them: no more digits than the records behind them carry, NaN as a dash.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "evaluation/bootstrap.h"

namespace cardiograd::report {

inline constexpr const char* kDash = "\u2013";

// A figure between 0 and 1 that `n` records decide: two decimals below 100 records, three from there.
std::string figure(double value, std::int64_t n);

// "0.93 (0.90 to 0.95)"; without the interval where there is none.
std::string with_interval(const evaluation::Interval& interval, std::int64_t n);

// "27 of 34 (79 %)"; "0 of 0" without a percentage.
std::string fraction_of(std::int64_t part, std::int64_t whole);

// "21,799"
std::string grouped(std::int64_t count);

// "1 record", "7 records"
std::string counted(std::int64_t count, const std::string& singular);

// "a", "a and b", "a, b and c"
std::string enumerate(const std::vector<std::string>& parts);

}  // namespace cardiograd::report
