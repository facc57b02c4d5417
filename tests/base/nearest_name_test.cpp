#include "base/nearest_name.h"

#include <gtest/gtest.h>

namespace cardiograd {
namespace {

TEST(NearestName, FindsTheFewestEdits) {
  EXPECT_EQ(nearest_name("filename_lt", {"filename_hr", "filename_lr", "age"}), "filename_lr");
  EXPECT_EQ(nearest_name("filename_xr", {"filename_hr", "filename_lr", "age"}), "filename_hr");  // Both one edit away.
  EXPECT_EQ(nearest_name("filname_lr", {"filename_hr", "filename_lr", "age"}), "filename_lr");
  EXPECT_EQ(nearest_name("AGE", {"page", "age"}), "age");
  EXPECT_EQ(nearest_name("", {"abc", "a"}), "a");
  EXPECT_EQ(nearest_name("kitten", {"mitten", "sitting"}), "mitten");
  EXPECT_EQ(nearest_name("x", {}), "");
}

TEST(NearestName, WhatIsCutShortIsMeantBeforeWhatIsShort) {
  EXPECT_EQ(nearest_name("resnet", {"lstm", "s4", "resnet1d_wang", "resnet34"}), "resnet1d_wang");
  EXPECT_EQ(nearest_name("FCN", {"s4", "fcn_wang"}), "fcn_wang");
  EXPECT_EQ(nearest_name("AGE", {"ages", "age"}), "age");
  EXPECT_EQ(nearest_name("", {"abc", "a"}), "a");
}

TEST(NearestName, OtherProgramsWords) {
  EXPECT_EQ(nearest_name("learning_rate", {"training.epochs", "training.lr"}), "training.lr");
  EXPECT_EQ(nearest_name("training.learning_rate", {"training.drop_last", "training.lr"}), "training.lr");
  EXPECT_EQ(nearest_name("--learning-rate", {"--rate", "--lr"}), "--lr");
  EXPECT_EQ(nearest_name("learning_rate", {"rate", "epochs"}), "rate");
  EXPECT_EQ(nearest_name("--Output-Dir", {"--data", "--out"}), "--out");
  EXPECT_EQ(nearest_name("--", {"--data"}), "--data");
}

}  // namespace
}  // namespace cardiograd
