// From a model and its scores of some records to everything that the report shows.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "data/dataset.h"
#include "model/data_loader.h"
#include "model/model_file.h"
#include "report/report_data.h"

namespace cardiograd::report {

// One evaluation, as `evaluate` has it at hand; nothing is owned.
struct EvaluationInputs {
  const model::TrainedModel& trained;
  std::filesystem::path model_file;
  const data::Dataset& set;
  std::filesystem::path data_folder;
  const model::DataLoader& loader;
  const std::vector<std::int64_t>& folds;
  const std::vector<std::int64_t>& rows;
  const std::vector<float>& probabilities;  // (rows, classes)
  const evaluation::Evaluation& evaluation;
  std::int64_t batch_size = 64;
  std::int64_t explained = 3;  // records of each class whose answers are explained
  std::string date = {};       // as in ReportData
  std::string program = {};
  // Where `probabilities` are the mean of several models': all but the first, which is `trained`.
  struct Other {
    const model::TrainedModel& trained;
    std::filesystem::path model_file;
  };
  std::vector<Other> others = {};
};

// For every class the surest right positives among the records, `inputs.explained` of them at most.
std::vector<ExplainedClass> explain_classes(const EvaluationInputs& inputs, const evaluation::Predictions& predictions);

// Computes what `inputs` does not hold yet; log.csv and config.toml are read from the model's folder, and what is not
// there becomes a sentence in its place. Of several models nothing is said that is about one: no training, explanations
// or importance of features. Throws Error for tables of the data folder that cannot be read.
ReportData collect(const EvaluationInputs& inputs);

}  // namespace cardiograd::report
