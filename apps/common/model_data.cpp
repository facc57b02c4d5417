#include "apps/common/model_data.h"

#include <utility>

#include <fmt/format.h>

#include "apps/common/progress.h"
#include "base/error.h"

namespace cardiograd::apps {

model::DataConfig data_as_trained(const ConfigOptions& options, const model::ModelDescription& description) {
  model::TrainingConfig config;
  config.data = model::data_config_of(description);
  options.apply(config);
  resolve_labels(config);
  if (config.data.task == data::Task::kOwn && config.data.labels.empty())
    throw UsageError("the model was trained on a table of labels, and there is no --labels",
                     "Give a table with its classes: " + config.data.classes + ".");
  for (const auto& [name, option] :
       {std::pair("data.resample", "--resample"), std::pair("data.skip_duplicates", "--skip-duplicates")})
    if (config.data.labels.empty() && options.given(name))
      throw UsageError(fmt::format("{} without --labels", option), "It says how records of --labels are read.");
  // A model of normalized signals needs them normalized again.
  if (description.normalize == data::Normalize::kZscore) config.data.normalize = description.normalize;
  return config.data;
}

data::Dataset prepare_with_progress(const model::DataConfig& config, bool use_cache,
                                    const std::optional<std::string>& cache) {
  ProgressLine progress;
  model::PrepareOptions options;
  options.use_cache = use_cache;
  options.as_trained = true;
  if (cache) options.cache_folder = *cache;
  options.progress = [&progress](std::int64_t done, std::int64_t total) {
    progress.show("reading records", static_cast<double>(done) / static_cast<double>(total), "");
  };
  return model::prepare_data(config, options);
}

}  // namespace cardiograd::apps
