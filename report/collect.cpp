#include "report/collect.h"

#include <algorithm>
#include <array>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "base/file.h"
#include "data/ptbxl.h"
#include "data/scp_codes.h"
#include "model/training_config.h"

namespace cardiograd::report {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMistakesShown = 6;
constexpr std::int64_t kPaperTestFold = 10;
constexpr std::uintmax_t kMaxConfigBytes = 1 << 20;

fs::path beside(const fs::path& model_file, const char* name) {
  return model_file.parent_path() / name;
}

void read_run_files(const EvaluationInputs& inputs, ReportData& report) {
  const fs::path log = beside(inputs.model_file, "log.csv");
  try {
    if (path_exists(log)) {
      report.log = model::read_training_log(log);
      if (report.log.empty()) report.log_gap = "log.csv beside the model holds no epoch.";
    } else {
      report.log_gap = "There is no log.csv beside the model file, so how training went is not known.";
    }
  } catch (const Error& error) {
    report.log_gap = fmt::format("log.csv beside the model cannot be read: {}.", error.what());
  }
  const fs::path config = beside(inputs.model_file, "config.toml");
  try {
    if (path_exists(config)) {
      report.config = read_file(config, kMaxConfigBytes);
    } else {
      report.config_gap = "There is no config.toml beside the model file.";
    }
  } catch (const Error& error) {
    report.config_gap = fmt::format("config.toml beside the model cannot be read: {}.", error.what());
  }
}

bool holds(const std::vector<std::int64_t>& folds, std::int64_t fold) {
  return std::find(folds.begin(), folds.end(), fold) != folds.end();
}

// For a model whose file does not name its data: what the run's configuration says. It speaks about this data set only
// if it names the same folder.
model::KnownFolds by_configuration(const EvaluationInputs& inputs, const model::ModelDescription& description,
                                   const fs::path& model_file, model::KnownFolds known) {
  known.training.clear();
  known.validation.clear();
  const fs::path path = beside(model_file, "config.toml");
  try {
    std::error_code missing;
    if (!path_exists(path)) return known;
    const model::DataConfig config = model::read_config(path).data;
    const fs::path folder = fs::canonical(inputs.data_folder, missing);
    if (missing || folder != fs::path(config.folder)) return known;
    known.data = model::DataOrigin::kOwn;
    for (const std::int64_t fold : inputs.folds) {
      if (fold == config.val_fold || holds(description.val_folds, fold))
        known.validation.push_back(fold);
      else if (fold != config.test_fold)
        known.training.push_back(fold);
    }
  } catch (const Error&) {  // read_run_files() reports what is wrong with the file
  }
  return known;
}

model::KnownFolds folds_of(const EvaluationInputs& inputs, const model::ModelDescription& description,
                           const fs::path& model_file) {
  model::KnownFolds known = model::known_folds(description, inputs.set, inputs.folds);
  return known.data == model::DataOrigin::kUnknown ? by_configuration(inputs, description, model_file, std::move(known))
                                                   : known;
}

FoldRole role_of(const model::KnownFolds& known) {
  if (!known.training.empty()) return FoldRole::kTraining;
  if (!known.validation.empty() || !known.calibration.empty()) return FoldRole::kValidation;
  if (known.data == model::DataOrigin::kOwn) return FoldRole::kTest;
  return known.data == model::DataOrigin::kOther ? FoldRole::kNone : FoldRole::kUnknown;
}

// Adds what another model has seen, in the order of the folds.
void add_folds(const std::vector<std::int64_t>& asked, const std::vector<std::int64_t>& more,
               std::vector<std::int64_t>& folds) {
  std::vector<std::int64_t> all;
  for (const std::int64_t fold : asked)
    if (holds(folds, fold) || holds(more, fold)) all.push_back(fold);
  folds = std::move(all);
}

void add_models(const EvaluationInputs& inputs, ReportData& report) {
  report.model_file = inputs.model_file.string();
  report.description = inputs.trained.description;
  report.parameters = inputs.trained.net->parameter_count();
  report.known_folds = folds_of(inputs, inputs.trained.description, inputs.model_file);
  report.fold_role = role_of(report.known_folds);
  if (inputs.others.empty()) return;
  // What is true of one is true of all of them together.
  constexpr std::array kFromWorst = {FoldRole::kTraining, FoldRole::kValidation, FoldRole::kUnknown, FoldRole::kNone,
                                     FoldRole::kTest};
  const auto place = [&](FoldRole role) { return std::find(kFromWorst.begin(), kFromWorst.end(), role); };
  report.ensemble = {report.model_file};
  for (const EvaluationInputs::Other& other : inputs.others) {
    const model::ModelDescription& d = other.trained.description;
    report.ensemble.push_back(other.model_file.string());
    report.parameters += other.trained.net->parameter_count();
    const model::KnownFolds known = folds_of(inputs, d, other.model_file);
    add_folds(inputs.folds, known.training, report.known_folds.training);
    add_folds(inputs.folds, known.validation, report.known_folds.validation);
    add_folds(inputs.folds, known.calibration, report.known_folds.calibration);
    report.fold_role = *std::min(place(report.fold_role), place(role_of(known)));
    report.description.synthetic = report.description.synthetic || d.synthetic;
    report.description.synthetic_start = report.description.synthetic_start || d.synthetic_start;
    if (d.unit != "mV") report.description.unit = d.unit;
  }
  report.model_file = fmt::format("{}", fmt::join(report.ensemble, ", "));
}

// From PTB-XL's tables; of one's own labels from the records, whose folder has no such tables.
data::ClassDistribution distribution_of(const EvaluationInputs& inputs) {
  const data::Dataset& set = inputs.set;
  if (set.task != data::Task::kOwn)
    return data::class_distribution(data::read_ptbxl_database(inputs.data_folder / "ptbxl_database.csv"),
                                    data::ScpTable::read(inputs.data_folder / "scp_statements.csv"));
  data::ClassDistribution classes;
  classes.records = set.records;
  for (const std::string& name : set.class_names) classes.superclasses.push_back({name, 0, {}});
  for (auto record = set.labels.begin(); record != set.labels.end();) {
    bool any = false;
    for (data::SuperclassCount& one : classes.superclasses) {
      one.records += *record;
      any = *record++ != 0 || any;
    }
    classes.unlabeled += any ? 0 : 1;
  }
  return classes;
}

void add_curves(const evaluation::Predictions& predictions, ReportData& report) {
  for (std::int64_t c = 0; c < predictions.classes; ++c) {
    report.roc.push_back(evaluation::roc_curve(predictions, c));
    report.precision_recall.push_back(evaluation::precision_recall_curve(predictions, c));
    report.calibration.push_back(evaluation::calibration(predictions, c));
  }
}

void add_subgroups(const EvaluationInputs& inputs, const evaluation::Predictions& predictions, ReportData& report) {
  std::vector<float> ages;
  std::vector<float> sexes;
  for (const std::int64_t row : inputs.rows) {
    ages.push_back(inputs.set.ages[static_cast<std::size_t>(row)]);
    sexes.push_back(inputs.set.sexes[static_cast<std::size_t>(row)]);
  }
  report.subgroups =
      evaluation::evaluate_subgroups(predictions, inputs.evaluation.thresholds,
                                     evaluation::age_and_sex_groups(ages, sexes), inputs.evaluation.auc.settings);
}

void add_mistakes(const EvaluationInputs& inputs, const evaluation::Predictions& predictions, ReportData& report) {
  const auto all = evaluation::worst_mistakes(predictions, inputs.evaluation.thresholds, predictions.records);
  report.wrong_records = static_cast<std::int64_t>(all.size());
  const auto classes = static_cast<std::size_t>(predictions.classes);
  for (const evaluation::Mistake& mistake : all) {
    if (static_cast<std::int64_t>(report.mistakes.size()) == kMistakesShown) break;
    const auto record = static_cast<std::size_t>(mistake.record);
    const auto row = static_cast<std::size_t>(inputs.rows[record]);
    MistakenRecord one;
    one.mistake = mistake;
    one.ecg_id = inputs.set.ecg_ids[row];
    if (!inputs.set.paths.empty()) one.path = inputs.set.paths[row];
    one.fold = inputs.set.folds[row];
    one.age = inputs.set.ages[row];
    one.sex = inputs.set.sexes[row];
    for (std::size_t c = 0; c < classes; ++c) {
      one.probabilities.push_back(predictions.scores[record * classes + c]);
      one.labels.push_back(predictions.labels[record * classes + c] != 0);
    }
    one.samples = inputs.loader.recording(inputs.rows[record]);
    report.mistakes.push_back(std::move(one));
  }
}

}  // namespace

ReportData collect(const EvaluationInputs& inputs) {
  ReportData report;
  report.date = inputs.date;
  report.program = inputs.program;
  add_models(inputs, report);
  report.data_folder = inputs.data_folder.string();
  report.folds = inputs.folds;
  report.data_text = data::describe(inputs.set);
  report.synthetic_data = inputs.set.synthetic;
  report.table_records = inputs.set.table_records;
  report.whole_ptbxl = !inputs.set.version.empty() && inputs.set.missing_records == 0 &&
                       inputs.folds == std::vector<std::int64_t>{kPaperTestFold};
  report.classes = distribution_of(inputs);
  report.evaluation = inputs.evaluation;
  const std::vector<std::uint8_t> labels = data::labels_of(inputs.set, inputs.rows);
  const evaluation::Predictions predictions{inputs.probabilities, labels, static_cast<std::int64_t>(inputs.rows.size()),
                                            static_cast<std::int64_t>(inputs.set.class_names.size()),
                                            inputs.set.class_names};
  add_curves(predictions, report);
  add_subgroups(inputs, predictions, report);
  report.co_confusion = evaluation::co_confusion(predictions, inputs.evaluation.thresholds);
  add_mistakes(inputs, predictions, report);
  if (!inputs.others.empty()) return report;
  if (inputs.trained.description.feature_scaling.width() > 0)
    report.importance = model::permutation_importance(
        *inputs.trained.net, inputs.loader, inputs.trained.description.feature_scaling, inputs.rows, inputs.batch_size,
        labels, {.repeats = model::PermutationSettings{}.repeats, .seed = inputs.evaluation.auc.settings.seed});
  report.explained = explain_classes(inputs, predictions);
  read_run_files(inputs, report);
  return report;
}

}  // namespace cardiograd::report
