// A dataset ready for training: signals as int16, labels, feature rows and folds of every record. All is in memory but
// the signals of large sets, which stay in files.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/enum_words.h"
#include "data/mapped_signals.h"
#include "data/scp_codes.h"

namespace cardiograd::data {

enum class Unlabeled { kDrop, kKeep };  // what becomes of records without any class of the task
constexpr EnumWords<Unlabeled, 2> enum_words(Unlabeled) {
  return {{{Unlabeled::kDrop, "drop", "left out"}, {Unlabeled::kKeep, "keep", "negative for every class"}}};
}

// The int16 that stands for an invalid sample.
inline constexpr std::int16_t kInvalidInt16 = -32768;

// What was found wrong in a few records: how many, and the first ten by ecg_id.
struct Finding {
  std::int64_t count = 0;               // samples or leads
  std::int64_t records = 0;             // in which they are
  std::vector<std::int64_t> first_ids;  // ten at most

  // `in_record` of them in the record with this id.
  void add(std::int64_t in_record, std::int64_t id);
};

// A record that cannot be used, and why.
struct DamagedRecord {
  std::int64_t ecg_id = 0;
  std::string what;
};

struct Dataset {
  std::int64_t records = 0;
  std::int64_t samples = 0;             // T, per record and lead
  std::int64_t leads = 0;               // 12
  double rate = 0;                      // Hz
  std::string unit;                     // of the signals, all leads: "mV", or "z" for standard deviations
  std::vector<std::string> lead_names;  // I, II, III, aVR, ... V6
  std::string filter;                   // what was done to the signals; "none" if nothing

  std::vector<std::int16_t> signals;  // (record, T, lead); physical value = int16 · scale; kInvalidInt16 where invalid
  std::shared_ptr<const MappedSignals> mapped;  // or these; then `signals` is empty
  std::vector<float> scales;                    // (record, lead)

  // The samples of one record, wherever they are.
  RecordSignal signal_of(std::int64_t record) const {
    if (mapped) return {*mapped, record};
    return RecordSignal(signals.data() + record * samples * leads);
  }

  Task task = Task::kSuper;
  std::vector<std::string> class_names;  // in the order of the labels
  std::vector<std::uint8_t> labels;      // (record, class)

  std::vector<std::string> feature_names;
  std::vector<float> features;  // (record, feature); NaN where missing

  std::vector<int> folds;             // from 1
  std::vector<std::int64_t> ecg_ids;  // of a table of one's own labels: lines of the file
  std::vector<std::string> paths;     // as that table names the records; empty of PTB-XL
  std::vector<float> ages;            // years, NaN where missing, 90 for "over 89"
  std::vector<float> sexes;           // 0 male, 1 female, NaN where missing

  bool synthetic = false;              // made by `synthesize` (data/synthetic_marker.h)
  std::string version;                 // of PTB-XL, empty when the number of records fits none
  std::int64_t table_records = 0;      // rows of ptbxl_database.csv
  std::int64_t missing_records = 0;    // named there but absent, left out
  std::vector<DamagedRecord> damaged;  // left out because they cannot be read or do not fit to the others
  Unlabeled unlabeled = Unlabeled::kDrop;
  std::int64_t unlabeled_records = 0;  // dropped or kept without a class
  std::int64_t ages_over_89 = 0;
  Finding invalid_samples;
  Finding flat_leads;  // the same value throughout
  bool from_cache = false;

  // Of a table of one's own labels.
  std::int64_t unfit_records = 0;  // that are damaged or do not fit, left out
  std::string folds_from;          // how the records came to their folds
};

// Names all of them in the log, the first ones as a warning.
void warn_of_damaged(const std::vector<DamagedRecord>& damaged, std::int64_t records);

// A text of several lines: version, policy, unit, rate, a table of records per fold and class, and what was found.
std::string describe(const Dataset& set);

// Indices of the records whose fold is in `folds`, ascending.
std::vector<std::int64_t> rows_of_folds(const Dataset& set, const std::vector<std::int64_t>& folds);

// The labels (N, classes) of `rows`.
std::vector<std::uint8_t> labels_of(const Dataset& set, const std::vector<std::int64_t>& rows);

// Throws Error naming the fold or class: a training, validation or test fold without records, folds used twice, a class
// without positives in the training folds.
void check_training_folds(const Dataset& set, const std::vector<int>& training, int validation, int test);

}  // namespace cardiograd::data
