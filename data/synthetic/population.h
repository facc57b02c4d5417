// Who is recorded: patients, their age, sex and statements, and the fold of each.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/scp_codes.h"
#include "data/synthetic/heart.h"

namespace cardiograd::data::synthetic {

inline constexpr int kFolds = 10;
inline constexpr std::int64_t kMaxRecords = 1'000'000;  // File names have five digits or more.

struct PopulationOptions {
  std::int64_t records = 0;
  std::uint64_t seed = 0;
  Task task = Task::kSuper;        // whose classes min_per_class means
  std::int64_t min_per_class = 0;  // records of each class at least
};

struct PlannedRecord {
  std::int64_t ecg_id = 0;      // from 1
  std::int64_t patient_id = 0;  // from 1
  int fold = 0;                 // 1 ... 10
  ecg::Person person;
  std::vector<std::string> statements;  // diagnostic codes
  bool fibrillation = false;
  int premature_beats = 0;
};

// Statements occur together, and as often, as in PTB-XL (statement_sets.h); 1.16 records per patient; all records of a
// patient lie in one fold, and the folds have equal fractions of every subclass (iterative stratification: Sechidis,
// Tsoumakas and Vlahavas, ECML PKDD 2011). To reach min_per_class, patients who would be normal get other statements.
// Throws UsageError for records outside 1 ... kMaxRecords, a negative min_per_class, or one that so few records cannot
// hold.
std::vector<PlannedRecord> plan_population(const PopulationOptions& options);

// The table of scp_statements_csv().
const ScpTable& scp_table();

}  // namespace cardiograd::data::synthetic
