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

}  // namespace
}  // namespace cardiograd
