// Holds the opponents of an operation against its double reference.
#pragma once

#include <gtest/gtest.h>

#include "bench/desk/check.h"
#include "bench/desk/desk.h"
#include "bench/opponents/opponent.h"

namespace cardiograd::bench {

// Each opponent twice, as it is timed: the second result must be as right as the first. Returns how many there are.
inline std::size_t expect_opponents_agree(const kernels::Op& op, const kernels::OpCase& shape, Device device,
                                          Precision precision = Precision::kFp32) {
  const kernels::OpCase work = with_precision(shape, precision).value_or(shape);
  const std::vector<Opponent> opponents = opponents_for(op, work, device, precision);
  if (opponents.empty()) return 0;
  for (const Opponent& opponent : opponents) {
    SCOPED_TRACE(op.name + " at " + work.shape + ": " + opponent.name + ", " + opponent.path);
    for (int run = 0; run < 2; ++run) EXPECT_EQ(opponent_failure(op, work, opponent, precision), "");
  }
  return opponents.size();
}

}  // namespace cardiograd::bench
