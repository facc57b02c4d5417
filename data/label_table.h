// One's own labels: a CSV file with a row per record and a column per class.
//
//   path,patient,age,sex,fold,AF,LBBB
//   ward3/0001.edf,p17,64,F,1,0,1
//
// `path` names the record, from the folder of the records, in any format that read_recording() takes. `patient`, `age`,
// `sex` and `fold` may be there, in any case; `patient_id`, `subject` and `subject_id` are patients, `gender` is the
// sex, `strat_fold` the fold, unless they are asked for as classes. Every other column is a class, or those alone that
// are asked for: 1 or 0 in each row. Lines that begin with "#" are comments, one before the first row with the names of
// the columns excepted. The file may be compressed with gzip.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "ecg/person.h"

namespace cardiograd::data {

inline constexpr int kDrawnFolds = 10;

struct LabelRow {
  std::string path;  // as the table has it
  ecg::Person person;
  int fold = 0;                      // from 1
  std::vector<std::uint8_t> labels;  // per class
  std::int64_t line = 0;             // of the file
};

struct LabelTable {
  std::vector<std::string> class_names;
  std::vector<LabelRow> rows;
  bool drawn_folds = false;  // there is no column `fold`
  bool by_patient = false;   // there is a column `patient`
};

// The fold of a patient where the table has none: a hash of the name and the seed, so that it is the same in every
// table.
int drawn_fold(std::string_view patient, std::uint64_t seed);

// `classes`: the columns to take, in this order; empty: all others. Without a column `fold` each row gets the fold that
// drawn_fold() gives its patient, or its path where the table has no patients. Throws Error naming file and line: what
// CsvTable throws, no rows, no classes, a label that is neither 0 nor 1 (an empty one is not known, and cannot be
// learnt), two columns for one role, an empty path, an age, sex or fold that cannot be, a patient in two folds, and
// records that are there in several rows: how many, and the first ten. With `skip_repeats` the first row of such a
// record stays, and none where its rows have other labels or folds; a warning names them.
LabelTable read_label_table(const std::filesystem::path& csv, const std::vector<std::string>& classes = {},
                            std::uint64_t fold_seed = 0, bool skip_repeats = false);
// The same from the text of the file; `csv` is only for messages.
LabelTable parse_label_table(std::string_view text, const std::filesystem::path& csv,
                             const std::vector<std::string>& classes = {}, std::uint64_t fold_seed = 0,
                             bool skip_repeats = false);

}  // namespace cardiograd::data
