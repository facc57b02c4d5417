// The data set that a trained model is asked about.
#pragma once

#include <optional>
#include <string>

#include "apps/common/config_options.h"
#include "data/dataset.h"
#include "model/model_file.h"
#include "model/preprocessing.h"

namespace cardiograd::apps {

// The data as the model was trained on them, but for what the command line says. Throws UsageError for a model of one's
// own labels without --labels.
model::DataConfig data_as_trained(const ConfigOptions& options, const model::ModelDescription& description);

// Reads the records, with a progress line. `cache`: where prepared data are kept, if not where they usually are.
data::Dataset prepare_with_progress(const model::DataConfig& config, bool use_cache,
                                    const std::optional<std::string>& cache);

}  // namespace cardiograd::apps
