// What state.safetensors holds beside weights and moments: how far the run is, and what it is made of, so that nothing
// else goes on in its name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data/dataset.h"
#include "model/training_config.h"

namespace cardiograd::model {

struct EpochResult {
  std::int64_t epoch = 0;  // from 1
  double train_loss = 0;   // mean over the epoch's samples
  double val_loss = 0;
  double val_macro_auc = 0;  // NaN when no class has both outcomes there
  double lr = 0;             // of the epoch's last step
  double samples_per_s = 0;
  bool best = false;             // so far
  double seconds = 0;            // of the epoch, its validation included; of the process that ended it
  std::string finished = {};     // when it ended, UTC: 2026-11-26T21:40:00Z
  std::vector<double> auc = {};  // of each class on the validation fold; NaN for one without both outcomes
};

// Whether an epoch with this validation macro AUC is better than all `earlier` ones; NaN is the worst.
bool is_best(double val_macro_auc, const std::vector<EpochResult>& earlier);

// Where an unfinished epoch stands.
struct EpochPosition {
  std::size_t samples = 0;  // of the epoch's order that have been trained on
  double loss = 0;          // their sum
};

struct TrainingProgress {
  std::int64_t steps = 0;
  std::vector<EpochResult> log;  // of the epochs done
  EpochPosition position;        // in the next one
  // Hashes of the models that were written, by their file's name; none in states of earlier versions.
  std::map<std::string, std::string> models = {};
};

// What a run is made of: each value of its configuration as text, and a hash of each part of its data.
struct RunSource {
  std::vector<std::pair<std::string, std::string>> values;  // in the order of config.toml, without [run]
  std::map<std::string, std::string> data;
};

// The data of a set whose signals are still there.
RunSource run_source(const TrainingConfig& config, const data::Dataset& set);

// Of ecg_ids, paths and folds: whether a model knows these records.
std::string records_hash(const data::Dataset& set);

// The JSON text of both.
std::string training_state_text(const TrainingProgress& progress, const RunSource& source);

// Reads the progress. Throws Error naming `origin` when the text is damaged; or when it was written for another source,
// naming what differs. `allow_changes` admits the changes of may_change(), and logs them.
TrainingProgress parse_training_state(const std::string& text, const std::string& origin, const RunSource& source,
                                      bool allow_changes);

// The values of [training] that a run may go on with changed.
bool may_change(std::string_view value);

}  // namespace cardiograd::model
