// Everything that decides how a run goes, and its TOML form. A run writes its complete configuration; feeding that file
// back repeats the run. What each value means and may be stands in config_fields() alone, and in docs/configuration.md,
// which is made from it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/enum_words.h"
#include "base/precision_words.h"
#include "data/prepare.h"
#include "engine/device.h"
#include "model/augmentation.h"
#include "model/config_field.h"
#include "model/crops.h"
#include "model/registry.h"

namespace cardiograd::model {

enum class FeatureSet { kNone, kDemographics, kAll, kEntropies };
// Words for options and files, with their meanings.
constexpr EnumWords<FeatureSet, 4> enum_words(FeatureSet) {
  return {{{FeatureSet::kNone, "none", "the signals alone"},
           {FeatureSet::kDemographics, "demographics", "age and sex"},
           {FeatureSet::kAll, "all", "every column of `features`"},
           {FeatureSet::kEntropies, "entropies", "nine entropies of each of the twelve leads"}}};
}

enum class Filter { kButterworth, kNone };
// Words for options and files, with their meanings.
constexpr EnumWords<Filter, 2> enum_words(Filter) {
  return {{{Filter::kButterworth, "butterworth", "0.5-45 Hz, order 4, zero phase"},
           {Filter::kNone, "none", "as they are"}}};
}

enum class Optimizer { kAdam, kAdamw };
// Words for options and files, with their meanings.
constexpr EnumWords<Optimizer, 2> enum_words(Optimizer) {
  return {{{Optimizer::kAdam, "adam", "weight decay joins the gradient"},
           {Optimizer::kAdamw, "adamw", "weight decay shrinks the weights"}}};
}

enum class Schedule { kCosine, kOneCycle, kConstant };
// Words for options and files, with their meanings.
constexpr EnumWords<Schedule, 3> enum_words(Schedule) {
  return {{{Schedule::kCosine, "cosine", "annealed to 0, epoch by epoch"},
           {Schedule::kOneCycle, "one_cycle", "up and down, step by step"},
           {Schedule::kConstant, "constant", "lr throughout"}}};
}

enum class StandardizeOver { kLead, kAll };
// Words for options and files, with their meanings.
constexpr EnumWords<StandardizeOver, 2> enum_words(StandardizeOver) {
  return {{{StandardizeOver::kLead, "lead", "of each lead by itself"},
           {StandardizeOver::kAll, "all", "of all leads together, one of each"}}};
}

enum class Keep { kBest, kLast };
// Words for options and files, with their meanings.
constexpr EnumWords<Keep, 2> enum_words(Keep) {
  return {
      {{Keep::kBest, "best", "the highest macro AUC on the validation fold"}, {Keep::kLast, "last", "the last one"}}};
}

enum class Thresholds { kTuned, kFixed };
// Words for options and files, with their meanings.
constexpr EnumWords<Thresholds, 2> enum_words(Thresholds) {
  return {
      {{Thresholds::kTuned, "tuned", "the highest F1 on the validation fold"}, {Thresholds::kFixed, "fixed", "0.5"}}};
}

enum class DeviceChoice { kAuto, kCpu, kCuda, kCheck };
// Words for options and files, with their meanings.
constexpr EnumWords<DeviceChoice, 4> enum_words(DeviceChoice) {
  return {{{DeviceChoice::kAuto, "auto", "the GPU when there is one"},
           {DeviceChoice::kCpu, "cpu", "the processor"},
           {DeviceChoice::kCuda, "cuda", "the GPU"},
           {DeviceChoice::kCheck, "check", "in training: the GPU, each kernel again on the processor, compared"}}};
}
// Throws what parse_device() throws where the choice is not available.
inline Device device_for(DeviceChoice choice) {
  return parse_device(choice == DeviceChoice::kCheck ? "cuda" : word_of(choice));
}

enum class GraphChoice { kAuto, kOn, kOff };
// Words for options and files, with their meanings.
constexpr EnumWords<GraphChoice, 3> enum_words(GraphChoice) {
  return {{{GraphChoice::kAuto, "auto", "on a GPU that holds the signals of all records"},
           {GraphChoice::kOn, "on", "or an error"},
           {GraphChoice::kOff, "off", "kernel by kernel, to look for faults"}}};
}

enum class Freeze { kNone, kConvolutions, kEncoder };
// Words for options and files, with their meanings.
constexpr EnumWords<Freeze, 3> enum_words(Freeze) {
  return {{{Freeze::kNone, "none", "everything learns"},
           {Freeze::kConvolutions, "convolutions", "the convolutional branch stays as it is"},
           {Freeze::kEncoder, "encoder", "it and the Transformer encoder"}}};
}

enum class BatchNorm { kSynchronized, kLocal };
// Words for options and files, with their meanings.
constexpr EnumWords<BatchNorm, 2> enum_words(BatchNorm) {
  return {{{BatchNorm::kSynchronized, "synchronized", "of the whole batch, as one process has them"},
           {BatchNorm::kLocal, "local", "of each process's own part; rank 0's running ones are kept"}}};
}

struct DataConfig {
  std::string folder;
  std::string labels;   // a table of one's own labels (data/label_table.h); empty: PTB-XL's layout
  std::string classes;  // by commas; empty: all
  std::string leads;    // by commas; empty: the twelve standard ones
  data::Task task = data::Task::kSuper;
  std::int64_t rate = 100;  // Hz
  FeatureSet features = FeatureSet::kAll;
  bool missing_flags = false;
  Filter filter = Filter::kButterworth;
  data::Normalize normalize = data::Normalize::kNone;
  bool standardize = true;
  StandardizeOver standardize_over = StandardizeOver::kLead;
  data::Unlabeled unlabeled = data::Unlabeled::kDrop;
  bool skip_missing = false;
  bool skip_damaged = false;
  std::int64_t val_fold = 9;
  std::int64_t test_fold = 10;
  bool skip_duplicates = false;  // this and the next three: of the records of `labels`
  bool resample = false;
  double seconds = 10;
  std::int64_t fold_seed = 0;
  double signal_memory = 4000;  // MB; decides where the signals are, not what they are
};

// All settings of a run with their defaults.
struct TrainingConfig {
  TrainingConfig();

  DataConfig data;
  Architecture model;  // its shape comes from the data

  std::int64_t epochs = 15;
  std::int64_t batch_size = 64;
  double lr = 3e-4;
  double beta2 = 0.999;
  double weight_average = 0;  // decay of the moving average of the weights; 0: none
  double weight_decay = 0;
  double clip_norm = 0;
  Optimizer optimizer = Optimizer::kAdam;
  Schedule schedule = Schedule::kCosine;
  bool cycle_momentum = false;
  bool drop_last = true;
  bool pos_weight = true;
  Aggregate aggregate = Aggregate::kMax;
  std::int64_t crop = 0;         // samples; 0: whole records
  std::int64_t window_step = 0;  // samples; 0: half a crop
  Augmentation augmentation;
  Keep keep = Keep::kBest;
  Thresholds thresholds = Thresholds::kTuned;
  BatchNorm batch_norm = BatchNorm::kSynchronized;
  Precision precision = Precision::kFp32;
  std::int64_t seed = 0;
  std::string init;  // a model file to begin with; empty: random weights
  double init_lr_factor = 1;
  Freeze freeze = Freeze::kNone;

  DeviceChoice device = DeviceChoice::kAuto;
  std::int64_t threads = 0;
  GraphChoice graph = GraphChoice::kAuto;

  // In no file: the trainer puts the largest batch size that the GPU's memory admits in the place of batch_size.
  bool auto_batch_size = false;
};

// All values of `config` that a configuration file can have, in the order of the file. They point into `config`; after
// "model.name" was assigned, ask again: the fields behind it are another model's.
std::vector<ConfigField> config_fields(TrainingConfig& config);

// Throws Error naming file, line and key for text that is not TOML, an unknown key (with the nearest known one) or a
// value of another type or outside what it may be. Keys that are not there keep the value of `base`; a key of the
// version before is taken with a warning that names the new one.
TrainingConfig read_config(const std::filesystem::path& path, TrainingConfig base = {});
void write_config(const std::filesystem::path& path, const TrainingConfig& config);

// The text of such a file, and the configuration that it holds: throws as read_config() does, naming `origin`.
std::string config_text(const TrainingConfig& config);
TrainingConfig parse_config(const std::string& text, const std::string& origin, TrainingConfig base = {});

// What follows from data.labels where it is given: the task, that records without a class stay, and the folder of the
// table where there is no other.
void resolve_labels(TrainingConfig& config);

// "I, II" as names, without the blanks around them. Throws UsageError for an empty name and one that is there twice.
std::vector<std::string> names_of(const std::string& list);

// Throws UsageError naming the value and what it may be, and Error for sizes of the model that cannot be.
void check(const TrainingConfig& config);

}  // namespace cardiograd::model
