#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "base/precision_words.h"

namespace cardiograd {
namespace {

TEST(Precision, WordsAreThoseOfTheOption) {
  EXPECT_EQ(parse_word<Precision>("precision", "tf32"), Precision::kTf32);
  EXPECT_EQ(word_of(Precision::kBf16), "bf16");
}

TEST(Precision, Fp32KeepsEveryValue) {
  EXPECT_EQ(round_to(Precision::kFp32, 0.1F), 0.1F);
  EXPECT_EQ(round_to(Precision::kFp32, 0.1), 0.1);
}

TEST(Precision, Tf32RoundsToNearestAwayFromZero) {
  const float ulp = std::ldexp(1.0F, -10);
  EXPECT_EQ(round_to(Precision::kTf32, 1 + 0.5F * ulp), 1 + ulp);
  EXPECT_EQ(round_to(Precision::kTf32, -1 - 0.5F * ulp), -1 - ulp);
  EXPECT_EQ(round_to(Precision::kTf32, 1 + 0.499F * ulp), 1.0F);
  EXPECT_EQ(round_to(Precision::kTf32, 1 + ulp), 1 + ulp);
}

TEST(Precision, Bf16RoundsToNearestEven) {
  const float ulp = std::ldexp(1.0F, -7);
  EXPECT_EQ(round_to(Precision::kBf16, 1 + 0.5F * ulp), 1.0F);
  EXPECT_EQ(round_to(Precision::kBf16, 1 + 1.5F * ulp), 1 + 2 * ulp);
  EXPECT_EQ(round_to(Precision::kBf16, 1 + 0.501F * ulp), 1 + ulp);
}

TEST(Precision, NotANumberAndInfinityStay) {
  for (const Precision p : {Precision::kTf32, Precision::kBf16}) {
    EXPECT_TRUE(std::isnan(round_to(p, std::numeric_limits<float>::quiet_NaN())));
    EXPECT_EQ(round_to(p, std::numeric_limits<float>::infinity()), std::numeric_limits<float>::infinity());
  }
}

}  // namespace
}  // namespace cardiograd
