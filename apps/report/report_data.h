// Everything that the report shows, as plain values: the pages only format it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "data/class_distribution.h"
#include "model/calibration.h"
#include "model/evaluation_report.h"
#include "model/mistakes.h"
#include "model/model_file.h"
#include "model/permutation_importance.h"
#include "model/score_curves.h"
#include "model/subgroups.h"
#include "model/training_log.h"

namespace cardiograd::apps::report {

// What is known about the judged folds and the model.
enum class FoldRole {
  kTest,        // kept out of training and of every choice
  kValidation,  // chose the epoch and the thresholds
  kTraining,    // the model learnt from it
  kUnknown,     // nothing beside the model says so
};

// A record with a wrong decision, and what is needed to draw it.
struct MistakenRecord {
  model::Mistake mistake;
  std::int64_t ecg_id = 0;
  int fold = 0;
  float age = 0;  // NaN: not recorded
  float sex = 0;
  std::vector<float> probabilities;  // of the classes
  std::vector<bool> labels;          // of the classes
  std::vector<float> samples;        // (T, leads)
};

struct ReportData {
  std::string model_file;
  std::string data_folder;
  std::vector<std::int64_t> folds;
  FoldRole fold_role = FoldRole::kUnknown;

  model::ModelDescription description;
  std::int64_t parameters = 0;

  std::string data_text;  // data::describe()
  std::int64_t table_records = 0;
  bool whole_ptbxl = false;  // all records of a published version, fold 10 alone: as in the paper
  data::ClassDistribution classes;

  model::Evaluation evaluation;
  std::vector<std::vector<model::RocPoint>> roc;                           // of each class
  std::vector<std::vector<model::PrecisionRecallPoint>> precision_recall;  // of each class
  std::vector<model::Calibration> calibration;                             // of each class
  std::vector<model::SubgroupResult> subgroups;
  std::vector<MistakenRecord> mistakes;
  std::int64_t wrong_records = 0;                          // with at least one wrong decision
  std::optional<model::PermutationImportance> importance;  // absent for a model without features

  std::vector<model::EpochResult> log;
  std::string log_gap;     // why `log` is empty
  std::string config;      // config.toml as it is
  std::string config_gap;  // why `config` is empty
};

}  // namespace cardiograd::apps::report
