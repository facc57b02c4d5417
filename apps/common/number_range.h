// Which numbers an option takes. CLI11's own ranges let NaN through, and call a word "not in range".
#pragma once

#include <cstdint>
#include <vector>

#include <CLI/CLI.hpp>

namespace cardiograd::apps {

// Numbers from `min` to `max`, both of them too.
CLI::Validator number_from_to(double min, double max);
// Whole numbers likewise.
CLI::Validator count_from_to(std::int64_t min, std::int64_t max);
CLI::Validator count_from(std::int64_t min);
// Finite numbers above 0.
CLI::Validator positive_number();
// Numbers of folds, as tables of data may have them.
CLI::Validator fold_number();
// Throws UsageError naming a fold that is there twice.
void check_folds(const std::vector<std::int64_t>& folds);
// Finite numbers from 0 on.
CLI::Validator number_from_zero();

}  // namespace cardiograd::apps
