// Tables in CSV files, whatever their columns.
#include "data/csv.h"

#include "fuzz/target.h"

namespace cardiograd::fuzz {

const Target kCsv("csv", [](std::string_view input) {
  const data::CsvTable table = data::CsvTable::parse(input, "t.csv");
  for (std::size_t row = 0; row < table.rows(); ++row)
    for (std::size_t column = 0; column < table.columns().size(); ++column) data::csv_cell(table.cell(row, column));
});

}  // namespace cardiograd::fuzz
