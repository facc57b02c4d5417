// What prepare() is asked to read: the tables of a folder with PTB-XL's layout, and which of their records are there.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/hash.h"
#include "data/prepare.h"
#include "data/ptbxl.h"

namespace cardiograd::data {

struct PrepareSource {
  std::filesystem::path csv;
  ContentHash csv_hash;
  PtbxlDatabase database;
  ScpTable statements;
  std::vector<std::string> stems;  // each row's record at the rate of the settings, without extension
};

// Throws Error naming file and field for a folder or table that is missing or malformed, and where no column has file
// names for the rate. Warns of codes of records that scp_statements.csv does not have.
PrepareSource read_source(const PrepareSettings& settings);

// Whether the header and all signal files that it names are there. A header that cannot be read counts as there: the
// reading says what is wrong with it.
bool is_there(const std::filesystem::path& folder, const std::string& stem);

// The rows of the table whose records are there; throws Error, naming them, unless all are or the settings let some be
// absent.
std::vector<std::int64_t> rows_present(const PrepareSettings& settings, const PrepareSource& source);

}  // namespace cardiograd::data
