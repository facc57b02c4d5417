// Everything that the report shows, as plain values: the pages only format it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "data/class_distribution.h"
#include "evaluation/calibration.h"
#include "evaluation/curves.h"
#include "evaluation/evaluation.h"
#include "evaluation/mistakes.h"
#include "evaluation/subgroups.h"
#include "model/known_folds.h"
#include "model/model_file.h"
#include "model/permutation_importance.h"
#include "model/training_log.h"
#include "report/explanation.h"

namespace cardiograd::report {

// How the evaluated folds relate to the model; of several roles the worst.
enum class FoldRole {
  kTest,        // kept out of training and of every choice
  kValidation,  // chose the epoch and the thresholds, or calibrated the probabilities
  kTraining,    // trained the model
  kNone,        // of another data set than the model's
  kUnknown,     // neither the model nor what lies beside it says so
};

// A record with a wrong decision, and what is needed to draw it.
struct MistakenRecord {
  evaluation::Mistake mistake;
  std::int64_t ecg_id = 0;
  std::string path;  // as a table of one's own labels names the record; empty of PTB-XL
  int fold = 0;
  float age = 0;  // NaN: not recorded
  float sex = 0;
  std::vector<float> probabilities;  // of the classes
  std::vector<bool> labels;          // of the classes
  std::vector<float> samples;        // (T, leads)

  // "record 12", or the path.
  std::string name() const { return path.empty() ? "record " + std::to_string(ecg_id) : path; }
};

// Answers that are right and positive for a class, the surest ones, with what they rest on.
struct ExplainedClass {
  std::size_t column = 0;
  ExplainedRecording example;                  // the surest of them
  std::vector<model::PartContribution> leads;  // means over them
  std::vector<model::PartContribution> parts;
  std::int64_t records = 0;
  double missed_fraction = 0;  // the largest of them
};

// One report: model, data, results and the training run.
struct ReportData {
  std::string date;                   // of the evaluation, UTC
  std::string program;                // "cardiograd 0.2.0, commit 0123456789ab"
  std::string model_file;             // of several models: all of them, by commas
  std::vector<std::string> ensemble;  // their files, where the answers are the mean of several models'
  std::string data_folder;
  std::vector<std::int64_t> folds;
  FoldRole fold_role = FoldRole::kUnknown;
  model::KnownFolds known_folds;  // those of `folds` that the model, or one of several, has seen

  model::ModelDescription description;  // of the first model
  std::int64_t parameters = 0;          // of all models

  std::string data_text;  // data::describe()
  std::int64_t table_records = 0;
  bool synthetic_data = false;      // the records are
  bool whole_ptbxl = false;         // all records of a published version, fold 10 alone: as in the paper
  data::ClassDistribution classes;  // of one's own labels: each class as a superclass without subclasses

  evaluation::Evaluation evaluation;
  std::vector<std::vector<evaluation::RocPoint>> roc;                           // of each class
  std::vector<std::vector<evaluation::PrecisionRecallPoint>> precision_recall;  // of each class
  std::vector<evaluation::Calibration> calibration;                             // of each class
  std::vector<evaluation::SubgroupResult> subgroups;
  std::vector<std::vector<std::int64_t>> co_confusion;  // evaluation::co_confusion()
  std::vector<MistakenRecord> mistakes;
  std::int64_t wrong_records = 0;                          // with at least one wrong decision
  std::optional<model::PermutationImportance> importance;  // absent for a model without features

  std::vector<ExplainedClass> explained;  // absent classes have no record to explain

  std::vector<model::EpochResult> log;
  std::string log_gap;     // why `log` is empty
  std::string config;      // config.toml as it is
  std::string config_gap;  // why `config` is empty
};

}  // namespace cardiograd::report
