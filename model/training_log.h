// The log.csv of a run, read back.
#pragma once

#include <filesystem>
#include <vector>

#include "model/trainer.h"

namespace cardiograd::model {

// One row per epoch as Trainer writes them; `best` marks each epoch whose validation macro AUC exceeded all before.
// Throws Error naming file, line and column for a file that is no such log.
std::vector<EpochResult> read_training_log(const std::filesystem::path& path);

}  // namespace cardiograd::model
