// Everything that decides how a run goes, and its TOML form. A run writes its complete configuration; feeding that file
// back repeats the run.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "model/hc_cnn_tn.h"

namespace cardiograd::model {

struct DataConfig {
  std::string folder;                  // PTB-XL layout
  std::string task = "super";          // super (5 classes) | sub (23)
  std::int64_t rate = 100;             // Hz: 100 | 500
  std::string features = "all";        // none | demographics (age, sex) | all
  bool missing_flags = false;          // one more input per feature: 1 where it was missing
  std::string filter = "butterworth";  // butterworth (order 4, 0.5-45 Hz, zero phase) | none
  std::string normalize = "none";      // none | zscore (0.5-40 Hz, per record and lead to mean 0 and SD 1)
  bool standardize = true;             // per lead with the training folds' mean and SD
  std::string unlabeled = "drop";      // drop | keep records without a class of the task
  bool skip_missing = false;           // go on when records named in the table are absent
  std::int64_t val_fold = 9;
  std::int64_t test_fold = 10;  // never seen in training; every other fold trains
};

struct TrainingConfig {
  DataConfig data;
  HcCnnTnConfig model;  // classes, features, leads and samples come from the data

  std::int64_t epochs = 15;
  std::int64_t batch_size = 64;
  bool drop_last = true;  // leave an incomplete last batch out in training
  double lr = 3e-4;
  std::string optimizer = "adam";  // adam | adamw
  double weight_decay = 0;
  std::string schedule = "cosine";   // cosine (per epoch) | one_cycle (per step) | constant
  double clip_norm = 0;              // largest gradient norm; 0: no clipping
  bool pos_weight = true;            // the paper's positive weights; false: all 1
  std::string thresholds = "tuned";  // tuned (for F1 on the validation fold) | fixed (0.5)
  std::int64_t seed = 0;

  std::string device = "auto";  // auto | cpu | cuda
  std::int64_t threads = 0;     // 0: all cores; the result does not depend on it
};

// One value of a configuration under its name in the file.
struct ConfigField {
  std::string section;
  std::string key;
  std::variant<std::string*, bool*, std::int64_t*, double*, std::vector<std::int64_t>*> value;

  std::string name() const { return section + "." + key; }
  std::string text() const;  // as in TOML
};

// All values of `config`, in the order of the file.
std::vector<ConfigField> config_fields(TrainingConfig& config);

// Throws Error naming file, line and key for text that is not TOML, an unknown key (with the nearest known one) or a
// value of another type or outside what it may be. Keys that are not there keep their default.
TrainingConfig read_config(const std::filesystem::path& path);
void write_config(const std::filesystem::path& path, const TrainingConfig& config);

// Throws UsageError naming the value and what it may be, and what check() of the model's sizes throws.
void check(const TrainingConfig& config);

}  // namespace cardiograd::model
