#include <string>

#include <gtest/gtest.h>

#include "data/dataset.h"
#include "tests/data/helpers.h"
#include "tests/data/small_set.h"

namespace cardiograd::data {
namespace {

using testing::expect_error;

Dataset small_set() {
  Dataset set;
  set.records = 4;
  set.samples = 1000;
  set.leads = 12;
  set.rate = 100;
  set.unit = "mV";
  set.filter = "none";
  set.class_names = {"CD", "LONGNAME"};
  set.labels = {1, 0, 1, 1, 0, 0, 0, 1};
  set.folds = {1, 1, 9, 10};
  set.table_records = 21799;
  set.version = "1.0.3";
  set.unlabeled = Unlabeled::kKeep;
  set.unlabeled_records = 1;
  set.ages_over_89 = 2;
  set.flat_leads = {3, 11, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}};
  return set;
}

TEST(Dataset, Describe) {
  EXPECT_EQ(describe(small_set()),
            "PTB-XL 1.0.3: 21799 records\n"
            "task super, 2 classes; 1 records without a class: kept with no positive\n"
            "1000 samples at 100 Hz, 12 leads in mV, filter none; 0 features\n"
            "2 ages over 89 (300 in the table), taken as 90\n"
            "3 flat leads in 11 records: ecg_id 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ...\n"
            " fold  records    CD LONGNAME\n"
            "    1        2     2        1\n"
            "    9        1     0        0\n"
            "   10        1     0        1\n"
            "  all        4     2        2");
  Dataset other = small_set();
  other.version = "";
  other.missing_records = 7;
  other.unlabeled = Unlabeled::kDrop;
  EXPECT_NE(describe(other).find("21799 records (1.0.1 has 21837, 1.0.3 has 21799)"), std::string::npos);
  EXPECT_NE(describe(other).find("7 records are absent"), std::string::npos);
  EXPECT_NE(describe(other).find("dropped"), std::string::npos);
}

TEST(Dataset, TrainingFolds) {
  const Dataset set = small_set();
  EXPECT_NO_THROW(check_training_folds(set, {1}, 9, 10));
  expect_error([&] { check_training_folds(set, {}, 9, 10); }, {"no training folds"});
  expect_error([&] { check_training_folds(set, {1, 2}, 9, 10); }, {"training fold 2 has no records"});
  expect_error([&] { check_training_folds(set, {1}, 8, 10); }, {"validation fold 8 has no records"});
  expect_error([&] { check_training_folds(set, {1}, 9, 11); }, {"test fold 11 has no records"});
  expect_error([&] { check_training_folds(set, {1}, 9, 9); }, {"fold 9 is used twice", "as test"});
  expect_error([&] { check_training_folds(set, {1}, 1, 10); }, {"fold 1 is used twice", "as validation"});
  expect_error([&] { check_training_folds(set, {10}, 1, 9); }, {"class CD", "no positive", "training folds 10"});
}

TEST(Dataset, UnlabeledPolicies) {
  EXPECT_EQ(parse_word<Unlabeled>("unlabeled", "drop"), Unlabeled::kDrop);
  EXPECT_EQ(parse_word<Unlabeled>("unlabeled", "keep"), Unlabeled::kKeep);
  EXPECT_EQ(word_of(Unlabeled::kKeep), "keep");
  EXPECT_THROW(parse_word<Unlabeled>("unlabeled", "other"), UsageError);
}

}  // namespace
}  // namespace cardiograd::data
