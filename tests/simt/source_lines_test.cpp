#include "simt/source_lines.h"

#include <gtest/gtest.h>

namespace cardiograd::simt {
namespace {

TEST(SourceLines, NamesAreBelowTheSourceFolder) {
  EXPECT_EQ(source_name(source_path("kernels/add/x.cuh")), "kernels/add/x.cuh");
  EXPECT_EQ(source_name(source_path("build/simt/../../kernels/x.cuh")), "kernels/x.cuh");
  EXPECT_EQ(source_name("../../kernels/x.cuh"), "kernels/x.cuh");  // of a relative compile command
  EXPECT_EQ(source_name("/usr/include/x.h"), "/usr/include/x.h");
  EXPECT_EQ(source_path("/usr/include/x.h"), "/usr/include/x.h");
}

// That lines are right where there is debug information is shown by counters_test.cpp.
TEST(SourceLines, EveryAddressHasAnAnswer) {
  const auto lines = source_lines({__builtin_return_address(0), nullptr});
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[1].file, "?");
  EXPECT_TRUE(source_lines({}).empty());
}

}  // namespace
}  // namespace cardiograd::simt
