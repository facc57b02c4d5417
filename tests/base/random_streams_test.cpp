#include "base/random_streams.h"

#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace cardiograd::random_streams {
namespace {

// A changed number would change what a seed gives: models, intervals, data sets.
TEST(RandomStreams, AreThoseOfModelsTrainedBefore) {
  EXPECT_EQ(kInitialWeights, 1U);
  EXPECT_EQ(shuffle(0), 2U);
  EXPECT_EQ(shuffle(7), 9U);
  EXPECT_EQ(bootstrap(3), 0xB007500000003U);
  EXPECT_EQ(crop(2, 5), 0xC409500002000005U);
  EXPECT_EQ(augmentation(2, 5), 0xA061900002000005U);
  EXPECT_EQ(permutation(5), 0x9E27300000005U);
  EXPECT_EQ(dropout_key(0), 0x9E3779B97F4A7C15U);
  EXPECT_EQ(dropout_key(1), 0x9E3779B97F4A7C14U);
  EXPECT_EQ(synthetic(Synthetic::kBody, 9), 0x0100000000000009U);
  EXPECT_EQ(synthetic(Synthetic::kSeverity, 9, 2), 0x0300020000000009U);
  EXPECT_EQ(synthetic(Synthetic::kNoise, 0), 0x0500000000000000U);
  EXPECT_EQ(synthetic(Synthetic::kPatient, 1), 0x1000000000000001U);
  EXPECT_EQ(synthetic(Synthetic::kOrder, 1), 0x1100000000000001U);
}

TEST(RandomStreams, NoTwoUsesOfASeedMeet) {
  constexpr std::int64_t kMost = 1'000'000;  // epochs, draws, shuffles
  const std::vector<std::uint64_t> ends = {kInitialWeights,    shuffle(0),   shuffle(kMost),  permutation(0),
                                           permutation(kMost), bootstrap(0), bootstrap(kMost)};
  for (std::size_t i = 1; i < ends.size(); ++i) EXPECT_LT(ends[i - 1], ends[i]) << i;
  std::set<std::uint64_t> synthetic_ends;
  for (const auto use : {Synthetic::kBody, Synthetic::kHeart, Synthetic::kSeverity, Synthetic::kRhythm,
                         Synthetic::kNoise, Synthetic::kPatient, Synthetic::kOrder}) {
    synthetic_ends.insert(synthetic(use, 0));
    synthetic_ends.insert(synthetic(use, (std::uint64_t{1} << 40) - 1, (1 << 16) - 1));
  }
  EXPECT_EQ(synthetic_ends.size(), 14U);
}

}  // namespace
}  // namespace cardiograd::random_streams
