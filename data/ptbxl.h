// The PTB-XL dataset as published: ptbxl_database.csv, one row per record, and scp_statements.csv.
// Source: Wagner et al., PTB-XL, Scientific Data 7:154 (2020).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/scp_codes.h"
#include "ecg/person.h"

namespace cardiograd::data {

struct PtbxlRow {
  std::int64_t ecg_id = 0;
  std::optional<std::int64_t> patient_id;
  ecg::Person person;
  bool age_over_89 = false;  // the table says 300: the person's age is then 90
  int fold = 0;              // strat_fold, from 1
  std::string filename_lr;   // record at 100 Hz, without extension; may be empty
  std::string filename_hr;   // record at 500 Hz, likewise
  std::vector<ScpStatement> statements;
  std::string place;  // "file:line" of the row
};

struct PtbxlDatabase {
  std::vector<PtbxlRow> rows;
  bool has_lr = false;  // whether there is a column filename_lr
  bool has_hr = false;  // and filename_hr
  std::vector<std::string> columns;
  // "1.0.1" (21,837 records), "1.0.3" (21,799), or empty for any other number of records.
  std::string version;
  // What rows of different folds have in common, a sentence each: a patient, a file. Judging such a set flatters.
  std::vector<std::string> leaks;
};

// Columns ecg_id, age, sex, scp_codes and strat_fold must be there; patient_id, filename_lr and filename_hr may. Sex
// may be 0 or 1, M or F, male or female; file names may have the extension of a header or signal file, and "\" for "/"
// where such a record lies beside the table. Throws Error
// naming the line: what CsvTable throws, an ecg_id twice, an age, sex or fold that cannot be, a scp_codes that is no
// dict literal, a file name that leaves the folder.
PtbxlDatabase read_ptbxl_database(const std::filesystem::path& csv);
// The same from the text of the file; `csv` is only for messages.
PtbxlDatabase parse_ptbxl_database(std::string_view text, const std::filesystem::path& csv);

}  // namespace cardiograd::data
