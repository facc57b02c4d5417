#include "model/known_folds.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "model/training_state.h"

namespace cardiograd::model {
namespace {

using Folds = std::vector<std::int64_t>;
using Words = std::vector<std::string>;

data::Dataset small_set() {
  data::Dataset set;
  set.ecg_ids = {1, 2, 3};
  set.folds = {1, 9, 10};
  return set;
}

ModelDescription trained_on(const data::Dataset& set) {
  ModelDescription model;
  model.data_hash = records_hash(set);
  model.train_folds = {1, 2};
  model.val_folds = {9};
  return model;
}

TEST(KnownFolds, TheRecordsDecideWhoseFoldsTheyAre) {
  const data::Dataset own = small_set();
  data::Dataset other = own;
  other.ecg_ids[1] = 7;
  ModelDescription model = trained_on(own);
  const KnownFolds known = known_folds(model, own, {10, 9, 2, 1});
  EXPECT_EQ(known.data, DataOrigin::kOwn);
  EXPECT_EQ(known.training, (Folds{2, 1}));
  EXPECT_EQ(known.validation, Folds{9});
  EXPECT_EQ(known_folds_words(known, "a"),
            (Words{"folds 2, 1 trained a: their figures are no test",
                   "fold 9 chose a's epoch and thresholds: its figures are optimistic"}));
  EXPECT_TRUE(known_folds(model, own, {10}).empty());
  EXPECT_TRUE(known_folds(model, other, {1, 9}).empty());
  EXPECT_EQ(known_folds(model, other, {1, 9}).data, DataOrigin::kOther);
  // Files of earlier versions do not name their data.
  model.data_hash.clear();
  EXPECT_EQ(known_folds(model, other, {1}).training, Folds{1});
  EXPECT_EQ(known_folds_words(known_folds(model, other, {1}), "a"),
            Words{"fold 1 trained a, if these are the data that it was trained on: its figures are no test"});
}

// A model of one data set may have been calibrated on another.
TEST(KnownFolds, CalibrationHasADataSetOfItsOwn) {
  const data::Dataset own = small_set();
  data::Dataset other = own;
  other.folds = {1, 2, 3};
  ModelDescription model = trained_on(own);
  model.calibration_hash = records_hash(other);
  model.calibration_folds = {3};
  EXPECT_EQ(known_folds(model, other, {3, 1}).calibration, Folds{3});
  EXPECT_TRUE(known_folds(model, other, {3, 1}).training.empty());
  EXPECT_TRUE(known_folds(model, own, {3}).empty());
}

}  // namespace
}  // namespace cardiograd::model
