#include "model/ensemble.h"

#include <stdexcept>

#include <gtest/gtest.h>

#include "tests/common/expect_error.h"

namespace cardiograd::model {
namespace {

using cardiograd::testing::expect_error;

ModelDescription description() {
  ModelDescription d;
  d.class_names = {"A", "B"};
  d.val_folds = {9};
  d.data_hash = "0123";
  return d;
}

TEST(Ensemble, TakesTheMeanOfEachElement) {
  EXPECT_EQ(mean_of({{0.25F, 1}}), (std::vector<float>{0.25F, 1}));
  EXPECT_EQ(mean_of({{0.25F, 1}, {0.75F, 0}, {0.5F, 0.5F}}), (std::vector<float>{0.5F, 0.5F}));
  EXPECT_THROW(mean_of({{1}, {1, 2}}), std::logic_error);
}

TEST(Ensemble, ModelsMustHaveTheSameClasses) {
  const ModelDescription a = description();
  ModelDescription b = description();
  EXPECT_NO_THROW(check_ensemble({{"a", a}, {"b", b}}));
  expect_error([&] { check_ensemble({{"a", a}, {"b", b}, {"a", a}}); }, {"--model a is there twice"});
  b.class_names = {"B", "A"};
  expect_error([&] { check_ensemble({{"a", a}, {"b", b}}); }, {"b has the classes B A", "a has A B"});
}

TEST(Ensemble, ValidationFoldsCountWhereTheyAreThoseOfAllOnOneDataSet) {
  const ModelDescription a = description();
  ModelDescription b = description();
  EXPECT_EQ(shared_val_folds({{"a", a}, {"b", b}}), (std::vector<std::int64_t>{9}));
  b.val_folds = {8};
  EXPECT_TRUE(shared_val_folds({{"a", a}, {"b", b}}).empty());
  b = description();
  b.data_hash = "4567";
  EXPECT_TRUE(shared_val_folds({{"a", a}, {"b", b}}).empty());
  b.data_hash.clear();
  EXPECT_TRUE(shared_val_folds({{"b", b}, {"b too", b}}).empty());
}

}  // namespace
}  // namespace cardiograd::model
