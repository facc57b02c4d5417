// Every opponent on the processor agrees with the double reference of its operation, at small and odd shapes.
#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "bench/opponents/opponent.h"
#include "tests/bench/opponent_checks.h"

namespace cardiograd::bench {
namespace {

class CpuOpponents : public ::testing::TestWithParam<kernels::Op> {};

TEST_P(CpuOpponents, AgreeWithTheDoubleReference) {
  const kernels::Op& op = GetParam();
  for (std::uint64_t seed = 0; seed < 5; ++seed) expect_opponents_agree(op, op.sample(seed), Device::kCpu);
  // The shapes of the model, small.
  for (const kernels::OpCase& work : op.workload()) expect_opponents_agree(op, smaller_case(work, 3e5), Device::kCpu);
}

INSTANTIATE_TEST_SUITE_P(Bench, CpuOpponents, ::testing::ValuesIn(kernels::op_table()),
                         [](const auto& test) { return test.param.name; });

// What a library offers at all: a table that shrinks unnoticed would compare with nobody.
TEST(CpuOpponentList, EveryLibraryThatIsBuiltTakesALinearLayer) {
  const kernels::Op& op = *kernels::find_op("linear_forward");
  std::vector<std::string> names;
  for (const Opponent& one : opponents_for(op, op.workload().back(), Device::kCpu, Precision::kFp32))
    names.push_back(one.name);
  for (const Library& library : opponent_libraries()) {
    if (library.device != Device::kCpu) continue;
    const bool takes = std::find(names.begin(), names.end(), library.name) != names.end();
    EXPECT_EQ(takes, !library.version.empty()) << library.name;
    EXPECT_NE(library.version.empty(), library.missing.empty()) << library.name;
  }
}

TEST(CpuOpponentList, NoneInAnotherPrecisionOrOnTheHostsGpu) {
  const kernels::Op& op = *kernels::find_op("linear_forward");
  EXPECT_TRUE(opponents_for(op, op.workload().back(), Device::kCpu, Precision::kBf16).empty());
  EXPECT_TRUE(opponents_for(op, op.workload().back(), Device::kSimt, Precision::kFp32).empty());
}

}  // namespace
}  // namespace cardiograd::bench
