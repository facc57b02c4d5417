#include "base/philox.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

namespace cardiograd {
namespace {

// The known-answer tests published with the reference implementation (Random123, kat_vectors, philox4x32 10).
TEST(Philox, KnownAnswers) {
  const PhiloxBlock zeros = philox(0, 0, 0, 0, 0, 0);
  const std::uint32_t expected_zeros[4] = {0x6627e8d5U, 0xe169c58dU, 0xbc57ac4cU, 0x9b00dbd8U};
  const std::uint32_t ones = 0xffffffffU;
  const PhiloxBlock full = philox(ones, ones, ones, ones, ones, ones);
  const std::uint32_t expected_full[4] = {0x408f276dU, 0x41c83b0eU, 0xa20bc7c6U, 0x6d5451fdU};
  const PhiloxBlock pi = philox(0x243f6a88U, 0x85a308d3U, 0x13198a2eU, 0x03707344U, 0xa4093822U, 0x299f31d0U);
  const std::uint32_t expected_pi[4] = {0xd16cfe09U, 0x94fdccebU, 0x5001e420U, 0x24126ea1U};
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(zeros.value[i], expected_zeros[i]);
    EXPECT_EQ(full.value[i], expected_full[i]);
    EXPECT_EQ(pi.value[i], expected_pi[i]);
  }
}

TEST(PhiloxStream, StreamsAreReproducibleAndDiffer) {
  PhiloxStream a(7, 1);
  PhiloxStream b(7, 1);
  PhiloxStream c(7, 2);
  int equal = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::uint32_t value = a.next();
    EXPECT_EQ(value, b.next());
    equal += value == c.next();
  }
  EXPECT_LE(equal, 1);
}

TEST(PhiloxStream, MomentsOfUniformAndNormal) {
  PhiloxStream stream(3);
  const int n = 200000;
  double sum_u = 0;
  double sum_n = 0;
  double squares_n = 0;
  for (int i = 0; i < n; ++i) {
    const double u = stream.uniform();
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    sum_u += u;
    const double x = stream.normal();
    sum_n += x;
    squares_n += x * x;
  }
  EXPECT_NEAR(sum_u / n, 0.5, 5 * 0.2887 / std::sqrt(n));
  EXPECT_NEAR(sum_n / n, 0.0, 5 / std::sqrt(n));
  EXPECT_NEAR(squares_n / n, 1.0, 5 * std::sqrt(2.0 / n));
}

TEST(PhiloxStream, BelowIsUniformAndShuffleIsAPermutation) {
  PhiloxStream stream(5);
  std::vector<int> counts(7);
  for (int i = 0; i < 70000; ++i) ++counts.at(stream.below(7));
  for (const int count : counts) EXPECT_NEAR(count, 10000, 5 * std::sqrt(10000.0));
  std::vector<int> order(100);
  std::iota(order.begin(), order.end(), 0);
  std::vector<int> shuffled = order;
  stream.shuffle(shuffled);
  EXPECT_NE(shuffled, order);
  std::sort(shuffled.begin(), shuffled.end());
  EXPECT_EQ(shuffled, order);
}

}  // namespace
}  // namespace cardiograd
