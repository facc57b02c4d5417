#include "kernels/attention/attention.h"

#include <vector>

#include <gtest/gtest.h>

#include "tests/kernels/attention/attention_calls.h"

namespace cardiograd::kernels {
namespace {

TEST(Attention, RoundedModesAreNoWorseThanPlainLoops) {
  expect_no_more_than_twice_the_plain_error(
      [](const OpCase& test, const std::vector<Values>& call) { return run(test, Implementation::kCpu, call); });
}

}  // namespace
}  // namespace cardiograd::kernels
