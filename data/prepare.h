// One step from a folder with PTB-XL's layout to a data set ready for training, and the cache that saves doing it
// again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <Eigen/Core>

#include "base/enum_words.h"
#include "data/dataset.h"
#include "data/ptbxl.h"
#include "data/wfdb.h"

namespace cardiograd::data {

// A filter of whole signals, and its name for the cache's key and the model file.
struct SignalFilter {
  std::string description = "none";
  // (samples, leads) at `rate` Hz to the same shape; empty: no filter. Called from several threads at once, never with
  // a NaN: gaps are bridged by straight lines first and are gaps again afterwards.
  std::function<Eigen::ArrayXXd(const Eigen::ArrayXXd& signal, double rate)> apply;
};

// Hand-crafted features, one row per record.
struct FeatureExtractor {
  std::string key;                 // changes whenever the values may change: part of the cache's key
  std::vector<std::string> names;  // of the columns
  // One value per name; what is not finite counts as missing. Gets the recording unfiltered, the twelve standard leads
  // in their order, in mV where the source has a voltage. Called from several threads at once. Empty: no features.
  std::function<std::vector<double>(const Recording& recording, const PtbxlRow& row)> compute;
};

enum class Normalize { kNone, kZscore };
constexpr EnumWords<Normalize, 2> enum_words(Normalize) {
  return {{{Normalize::kNone, "none", "as they are"},
           {Normalize::kZscore, "zscore", "0.5-40 Hz, then mean 0 and SD 1 per record and lead"}}};
}

struct PrepareSettings {
  std::filesystem::path folder;  // with ptbxl_database.csv and scp_statements.csv
  Task task = Task::kSuper;
  int rate = 100;  // Hz: 100 takes the column filename_lr, 500 filename_hr
  SignalFilter filter;
  // kZscore: instead of `filter`, `normalize_filter` (0.5-40 Hz is meant) and then per record and lead minus the mean,
  // by the standard deviation (of n, not n-1); the unit becomes "z". Signals whose unit is "z" already stay as they
  // are.
  Normalize normalize = Normalize::kNone;
  SignalFilter normalize_filter;
  Unlabeled unlabeled = Unlabeled::kDrop;
  bool skip_missing = false;  // records named in the table but absent: count them instead of throwing
  FeatureExtractor features;
  bool use_cache = true;
  std::optional<std::filesystem::path> cache_folder;  // default_cache_folder() unless given
  // Called with the records read so far, one call at a time, from any thread; not called when the cache serves.
  std::function<void(std::int64_t done, std::int64_t total)> progress;
};

// Reads, filters and computes features in parallel; the result does not depend on the number of threads, nor on whether
// the cache served. Signals of unfiltered 16-bit sources with baseline in range keep their ADC values exactly; others
// are scaled to the full range of 16 bits, record by record and lead by lead.
// Throws Error naming file and field: folder or table missing or malformed, no column with file names for the rate,
// absent records (which, how many), whatever read_wfdb throws, a record of another rate, length or unit than asked for
// or than the first, leads missing or doubled, no record left. A cache that cannot be written is only warned about.
Dataset prepare(const PrepareSettings& settings);

}  // namespace cardiograd::data
