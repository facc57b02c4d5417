// One row of ptbxl_database.csv for a synthetic record.
#pragma once

#include <string>
#include <string_view>

#include "data/synthetic/population.h"
#include "data/synthetic/record.h"

namespace cardiograd::data::synthetic {

// The 28 columns of PTB-XL 1.0.3, as the first line of the file.
std::string_view database_header();

// The row, with its line end. `stem_lr`, `stem_hr`: records without extension, empty where not written.
std::string database_row(const PlannedRecord& plan, const SyntheticRecord& record, std::string_view stem_lr,
                         std::string_view stem_hr);

}  // namespace cardiograd::data::synthetic
