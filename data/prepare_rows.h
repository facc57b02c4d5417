// Reading, filtering and storing the records of some rows of the table.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "data/prepare_source.h"
#include "data/signal_cache.h"

namespace cardiograd::data {

// What all records of a set share.
struct SetShape {
  std::int64_t samples = 0;
  std::string unit;
  std::string filter;
};

// As the first of `rows` says that can be used. Throws Error: what is wrong with those that cannot when there is none,
// and without settings.skip_damaged at the first of them.
SetShape shape_of_set(const PrepareSettings& settings, const PrepareSource& source,
                      const std::vector<std::int64_t>& rows);

// Prepares `rows` in parallel; `progress`, called one call at a time, gets how many are done. With
// settings.skip_damaged the cache names those that cannot be used, otherwise they are an Error.
SignalCache prepare_rows(const PrepareSettings& settings, const PrepareSource& source, std::vector<std::int64_t> rows,
                         const SetShape& shape, const std::function<void(std::int64_t done)>& progress);

}  // namespace cardiograd::data
