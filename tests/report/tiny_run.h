// A report about a small untrained model on a small data set.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "evaluation/evaluation.h"
#include "model/data_loader.h"
#include "model/hc_cnn_tn.h"
#include "model/model_file.h"
#include "model/preprocessing.h"
#include "model/training_config.h"
#include "report/collect.h"
#include "tests/common/temporary_folder.h"
#include "tests/data/small_set.h"

namespace cardiograd::testing {

// The model, its records, and the report about any of their folds.
class TinyRun {
 public:
  explicit TinyRun(int records, model::FeatureSet features = model::FeatureSet::kDemographics,
                   data::Unlabeled unlabeled = data::Unlabeled::kDrop)
      : data_(records) {
    model::DataConfig config;
    config.folder = data_.folder().string();
    config.features = features;
    config.filter = model::Filter::kNone;
    config.unlabeled = unlabeled;
    set_ = model::prepare_data(config, {.use_cache = false, .cache_folder = {}, .progress = {}});
    std::vector<std::int64_t> all;
    for (std::int64_t row = 0; row < set_.records; ++row) all.push_back(row);
    model::ModelDescription& d = trained_.description;
    d.feature_scaling = model::fit_feature_scaling(set_, all, false);
    d.signal_scaling = model::fit_signal_scaling(set_, all);
    d.architecture = model::HcCnnTnConfig{.classes = 5,
                                          .features = d.feature_scaling.width(),
                                          .samples = data::testing::SmallSet::kSamples,
                                          .channels = {8},
                                          .kernels = {3},
                                          .encoder_layers = 1,
                                          .heads = 2,
                                          .feed_forward = 8};
    d.class_names = set_.class_names;
    d.thresholds.assign(5, 0.5F);
    d.lead_names = set_.lead_names;
    d.rate = set_.rate;
    d.unit = set_.unit;
    d.filter = model::Filter::kNone;
    d.unlabeled = unlabeled;
    d.feature_set = features;
    d.epoch = 3;
    d.val_folds = {9};
    trained_.net = d.architecture.build(1);
    std::filesystem::create_directories(folder());
    model::save_model(model_file(), d, *trained_.net);
    loader_ = std::make_unique<model::DataLoader>(model::take_arrays(set_, d.feature_scaling), d.signal_scaling);
  }

  const std::filesystem::path& data_folder() const { return data_folder_; }
  const data::Dataset& set() const { return set_; }
  model::ModelDescription& description() { return trained_.description; }
  std::filesystem::path folder() const { return out_ / "run"; }
  std::filesystem::path model_file() const { return folder() / "last.safetensors"; }
  std::filesystem::path out(const std::string& name) const { return out_ / name; }

  void write_run_files(const std::string& folder_in_config) const {
    write_file(
        folder() / "log.csv",
        "epoch,train_loss,val_loss,val_macro_auc,lr,samples_per_s\n1,0.6,0.5,0.7,0.0003,30\n2,0.5,0.4,nan,0.0002,30\n"
        "3,0.4,0.4,0.8,0.0001,30\n");
    model::TrainingConfig config;
    config.data.folder = folder_in_config;
    model::write_config(folder() / "config.toml", config);
  }

  report::ReportData report(const std::vector<std::int64_t>& folds, std::int64_t draws = 50) const {
    const auto rows = data::rows_of_folds(set_, folds);
    const auto scored = model::score(*trained_.net, *loader_, rows, 4, {});
    const auto& d = trained_.description;
    const auto evaluation = evaluation::evaluate(scored.probabilities, data::labels_of(set_, rows), d.class_names,
                                                 d.thresholds, {.draws = draws, .seed = 1});
    return report::collect(
        {trained_, model_file(), set_, data_folder(), *loader_, folds, rows, scored.probabilities, evaluation, 4});
  }

 private:
  data::testing::SmallSet data_;
  TemporaryFolder out_;
  std::filesystem::path data_folder_ = data_.folder();
  data::Dataset set_;
  model::TrainedModel trained_;
  std::unique_ptr<model::DataLoader> loader_;
};

}  // namespace cardiograd::testing
