// The results of a benchmark run: docs/benchmark-results.md describes the JSON.
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "base/precision.h"
#include "bench/desk/machine.h"

namespace cardiograd::bench {

// One competitor at one shape and temperature. Figures that were not measured are NaN (null in JSON).
struct Row {
  static constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  std::string op;
  std::string shape;
  bool workload = false;  // a shape of the model's training step
  std::string variant;    // of ours
  std::string opponent;   // "" for ours
  Device device = Device::kCpu;
  Precision precision = Precision::kFp32;
  Temperature temperature = Temperature::kHot;
  std::string path;
  double seconds = kNone;
  double spread = kNone;
  bool stable = false;
  double flop = 0;
  double bytes = 0;
  double percent_of_roof = kNone;
  double percent_of_best_opponent = kNone;
  bool checked = false;  // it agreed with the double reference
  std::string note;
};

struct Context {
  std::string commit;
  std::string command;
  std::string cpu;
  std::string gpu;
  std::string driver;
  std::string clocks;
  Device device = Device::kCpu;
  Precision precision = Precision::kFp32;
  int threads = 0;
  Roof roof;
};

// The whole document, indented.
std::string results_json(const Context& context, const std::vector<Row>& rows);

// Rows of one operation and shape as a table with a line above it that says what they do.
std::string results_table(const std::vector<Row>& rows, const Roof& roof);

}  // namespace cardiograd::bench
