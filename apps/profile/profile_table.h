// The table of `profile`: the kernels of a training step with their floors and their predicted times on some GPUs.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/precision_words.h"
#include "model/prediction.h"

namespace cardiograd::apps {

// What floors are held against. Without `gpu` there is no prediction.
struct Roof {
  std::string name;
  double flop_per_s = 0;
  double bytes_per_s = 0;
  const model::Gpu* gpu = nullptr;
};

// What the table is of.
struct ProfileSettings {
  std::int64_t batch = 0;
  const model::CostTable* costs = nullptr;  // what predictions are made from
  Precision precision = Precision::kFp32;   // of the factors of products
  bool by_layer = false;
  double launch_us = 0;                    // what each launch costs beside its work
  std::map<std::string, double> measured;  // seconds of one call by "operation/shape", on the only roof
};

// A line on one roof, over all its calls.
struct ProfileCell {
  double floor_s = 0;
  bool bound_by_memory = false;
  model::CallPrediction call;  // of one call
  // With the cost of launches; none where there is no prediction.
  std::optional<double> predicted_s;
};

// Equal calls together, or one call.
struct ProfileLine {
  std::string label;
  std::int64_t calls = 0;
  std::int64_t launches = 0;                // of all calls
  const model::KernelCall* call = nullptr;  // the first of them
  std::vector<ProfileCell> cells;           // by roof
  std::optional<double> measured_s;

  double flop() const { return static_cast<double>(calls) * call->work.cost.flop; }
  double bytes() const { return static_cast<double>(calls) * call->work.cost.bytes; }
};

// Sums over the step on one roof.
struct StepSums {
  double floor_s = 0;
  double predicted_s = 0;
  double at_least_s = 0;
  double at_most_s = 0;
  std::int64_t launches = 0;
  std::int64_t without_prediction = 0;  // calls
};

// `calls` must outlive the lines.
std::vector<ProfileLine> profile_lines(const std::vector<model::KernelCall>& calls, const std::vector<Roof>& roofs,
                                       const ProfileSettings& settings);
StepSums step_sums(const std::vector<ProfileLine>& lines, std::size_t roof, double launch_us);
// The lines that take longest beyond their floor, at most `count`, the worst first.
std::vector<const ProfileLine*> largest_losses(const std::vector<ProfileLine>& lines, std::size_t roof,
                                               std::size_t count);

// As text for the terminal.
std::string profile_text(const std::vector<ProfileLine>& lines, const std::vector<Roof>& roofs,
                         const ProfileSettings& settings);
nlohmann::json profile_json(const std::vector<ProfileLine>& lines, const std::vector<Roof>& roofs,
                            const ProfileSettings& settings);

// Seconds by "operation/shape" from the JSON of bench/kernel: the shipped kernels, from a cold cache as the predictions
// assume. Of several rows of a name the fastest. Throws Error, naming `where`.
std::map<std::string, double> parse_measured(const std::string& json, const std::string& where);

}  // namespace cardiograd::apps
