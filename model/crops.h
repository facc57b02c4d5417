// Training on a part of each record, and what becomes of a whole record then.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/enum_words.h"

namespace cardiograd::model {

// How the probabilities of a record's windows become the record's.
enum class Aggregate { kMax, kMean };
// Words for options and files, with their meanings.
constexpr EnumWords<Aggregate, 2> enum_words(Aggregate) {
  return {{{Aggregate::kMax, "max", "the largest"}, {Aggregate::kMean, "mean", "their mean"}}};
}

struct Crops {
  std::int64_t samples = 0;  // of a crop; 0: whole records
  Aggregate aggregate = Aggregate::kMax;
  std::int64_t step = 0;  // samples from one window to the next; 0: half a crop

  bool operator==(const Crops&) const = default;
};

// Where the windows of a record begin that the answer about it comes from: `step` apart, the last one at the record's
// end where they do not reach it. {0} for whole records.
std::vector<std::int64_t> crop_windows(const Crops& crops, std::int64_t record_samples);

// Where the crop of a record begins on which it is trained in `epoch` (from 0): a function of these and the seed.
// Uniform in 0 ... record_samples - samples - 1, as helme/ecg_ptbxl_benchmarking has it: the last place does not occur.
std::int64_t crop_start(const Crops& crops, std::int64_t record_samples, std::uint64_t seed, std::int64_t epoch,
                        std::int64_t record);

// The logit of what the probabilities of a record's windows become together, and its derivative in the logit of each.
struct JoinedLogit {
  double logit = 0;
  std::vector<double> slopes;
};
// Of one class, given the windows' logits. Of equal largest ones the first has the slope.
JoinedLogit joined_logit(std::span<const double> logits, Aggregate aggregate);

}  // namespace cardiograd::model
