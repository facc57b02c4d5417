// Several models that answer as one: their probability of a class is the mean of theirs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/model_file.h"

namespace cardiograd::model {

// One of them; nothing is owned.
struct Member {
  std::string file;
  const ModelDescription& description;
};

// Throws Error naming the file whose classes are not those of the first, in the same order, and UsageError for a file
// that is there twice.
void check_ensemble(const std::vector<Member>& members);

// The validation folds that all of them have, on one and the same data set; empty where these differ or are not known.
std::vector<std::int64_t> shared_val_folds(const std::vector<Member>& members);

// Element by element; lists of one length, at least one of them. Summed in double precision, in the order given.
std::vector<float> mean_of(const std::vector<std::vector<float>>& lists);

}  // namespace cardiograd::model
