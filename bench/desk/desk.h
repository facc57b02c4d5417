// The desk of a kernel author: one operation at one shape, checked against its double reference and then timed against
// other libraries.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bench/desk/machine.h"
#include "bench/desk/results.h"

namespace cardiograd::bench {

struct DeskOptions {
  Precision precision = Precision::kFp32;
  std::string variant = "all";
  bool opponents = true;
  std::vector<Temperature> temperatures = {Temperature::kHot, Temperature::kCold};
  TimingOptions timing;
  // A shape whose reference would make more operations than this is checked at a smaller batch; 0: never.
  double max_check_flop = 0;
};

// `work` in another precision, where the operation has one: those without matrix products have not.
std::optional<kernels::OpCase> with_precision(const kernels::OpCase& work, Precision precision);

// `work` in the precision of the options. Throws UsageError where the operation has fp32 only.
kernels::OpCase in_precision(const kernels::Op& op, const kernels::OpCase& work, Precision precision);

// The shape with fewer records (fields batch, records, rows), so that its reference makes at most `max_flop` operations
// or one record is left; `work` itself where that is no less, where it has no such field, or for max_flop 0.
kernels::OpCase smaller_case(const kernels::OpCase& work, double max_flop);

// One row for each competitor and temperature; one without a time for each that failed its check, was refused by its
// library, or runs where times say nothing. The roof may be unmeasured.
std::vector<Row> measure_case(Machine& machine, const Roof& roof, const kernels::Op& op, const kernels::OpCase& work,
                              const DeskOptions& options);

// What is wrong with the result of an opponent at the shape that it was made for; empty where nothing is.
std::string opponent_failure(const kernels::Op& op, const kernels::OpCase& work, const Opponent& opponent,
                             Precision precision);

// Whether a row is of ours and was not checked: what makes a run fail.
bool failed(const Row& row);

}  // namespace cardiograd::bench
