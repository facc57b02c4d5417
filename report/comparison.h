// Several runs on the same records beside each other: figures, curves, and differences record by record.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "data/scp_codes.h"
#include "evaluation/bootstrap.h"
#include "evaluation/evaluation.h"
#include "model/known_folds.h"
#include "model/training_log.h"

namespace cardiograd::report {

// As many runs as there are colors for their curves.
inline constexpr std::size_t kMaxRuns = 8;

struct ComparedRun {
  std::string name;
  std::int64_t epoch = 0;  // of the model that was evaluated
  std::int64_t parameters = 0;
  bool synthetic = false;                                   // trained on synthetic ECGs
  bool synthetic_start = false;                             // began with a model that was
  model::KnownFolds known_folds;                            // that its training has seen
  std::vector<std::pair<std::string, std::string>> values;  // its configuration, field by field
  std::vector<model::EpochResult> log;                      // empty where log.csv is not there
  evaluation::Evaluation evaluation;
  // Of this run minus the first one; of the first itself, and where --draws 0 asked for none, without intervals.
  evaluation::BootstrapDifference difference;
};

// The runs and what they were compared on.
struct Comparison {
  std::string data_folder;
  std::vector<std::int64_t> folds;
  data::Task task = data::Task::kSuper;  // of all runs
  std::string date, program;
  std::vector<ComparedRun> runs;  // 2 to kMaxRuns
};

// The names of runs as short as they differ: the last parts of their paths.
std::vector<std::string> short_names(const std::vector<std::string>& paths);

// A table and what differs between the runs, for the terminal.
std::string comparison_text(const Comparison& comparison);
// A page like the report's; equal comparisons give equal bytes.
std::string render_comparison(const Comparison& comparison);
// Every figure of the page, its curves included ("training" of each run, an entry per epoch); what does not exist is
// null.
nlohmann::json comparison_json(const Comparison& comparison);

}  // namespace cardiograd::report
