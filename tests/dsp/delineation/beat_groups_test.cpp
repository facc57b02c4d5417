#include "dsp/delineation/beat_groups.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "dsp/delineation/constants.h"
#include "tests/dsp/synthetic_ecg.h"

namespace cardiograd::dsp {
namespace {

constexpr double kRate = 500.0;
const std::vector<SyntheticWave> kWide = {{-0.02, -0.7, 0.035}, {0.05, 0.9, 0.03}, {0.30, -0.3, 0.06}};

std::vector<BeatGroup> grouped(const Eigen::ArrayXXd& x, const std::vector<double>& beats) {
  return group_beats(unfiltered(x, kRate), beats, 0, beats.size());
}

TEST(BeatGroups, EqualBeatsAreOneGroup) {
  const auto beats = regular_beats(8.0);
  const auto groups = grouped(synthetic_ecg(beats, 8.0, kRate, 3, 0.01), beats);
  ASSERT_EQ(groups.size(), 1U);
  std::vector<std::size_t> all(beats.size());
  std::iota(all.begin(), all.end(), 0U);
  EXPECT_EQ(groups[0].beats, all);
  EXPECT_EQ(groups[0].center, std::lround(kBeatGroup.before_s * kRate));
  EXPECT_EQ(groups[0].average.rows(), std::lround((kBeatGroup.before_s + kBeatGroup.after_s) * kRate) + 1);
}

TEST(BeatGroups, LeadsFullOfNoiseDoNotPartThem) {
  const auto beats = regular_beats(10.0, 0.8);
  for (const Eigen::Index noisy : {1, 3, 6}) {
    Eigen::ArrayXXd x = synthetic_ecg(beats, 10.0, kRate, 12, 0.01);
    PhiloxStream random(3);
    for (double& sample : x.rightCols(noisy).reshaped()) sample = 0.7 * random.normal();
    EXPECT_EQ(grouped(x, beats).size(), 1U) << noisy;
  }
}

TEST(BeatGroups, OtherShapesAreGroupsOfTheirOwn) {
  const auto beats = regular_beats(10.0, 0.9);
  std::vector<double> usual, wide;
  for (std::size_t i = 0; i < beats.size(); ++i) (i % 4 == 2 ? wide : usual).push_back(beats[i]);
  const Eigen::ArrayXXd x = synthetic_ecg(usual, 10.0, kRate, 3) + synthetic_ecg(wide, 10.0, kRate, 3, 0.005, kWide);
  const auto groups = grouped(x, beats);
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups[0].beats.size(), usual.size());
  EXPECT_EQ(groups[1].beats, (std::vector<std::size_t>{2, 6, 10}));
}

TEST(BeatGroups, AlignmentUndoesJitterOfTheRPeaks) {
  const auto beats = regular_beats(10.0);
  std::vector<double> jittered = beats;
  for (std::size_t i = 0; i < beats.size(); ++i) jittered[i] += (static_cast<double>(i % 5) - 2.0) * 0.008;
  const auto groups = grouped(synthetic_ecg(beats, 10.0, kRate, 3), jittered);
  ASSERT_EQ(groups.size(), 1U);
  // All at the same distance from the true beat: that of the first.
  const double first = static_cast<double>(groups[0].centers[0]) - beats[0] * kRate;
  for (std::size_t i = 0; i < beats.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(groups[0].centers[i]) - beats[i] * kRate, first, 2.5) << i;
  }
}

TEST(BeatGroups, TheAverageIsTheBeatWithLessNoise) {
  const auto beats = regular_beats(13.0, 1.0, 0.7);
  const double noise = 0.1;
  const auto clean = grouped(synthetic_ecg(beats, 13.0, kRate, 2, 0.0), beats);
  const auto noisy = grouped(synthetic_ecg(beats, 13.0, kRate, 2, noise), beats);
  ASSERT_EQ(noisy.size(), 1U);
  const Eigen::Index from = clean[0].center - 200, count = 400;
  const double left =
      std::sqrt((noisy[0].average.middleRows(from, count) - clean[0].average.middleRows(from, count)).square().mean());
  const double expected = noise / std::sqrt(static_cast<double>(beats.size()));
  EXPECT_TRUE(left > 0.8 * expected && left < 1.3 * expected) << left << " " << expected;
  EXPECT_NEAR(clean[0].average(clean[0].center, 0), 1.0, 0.01);
}

// What a beat's neighbors own does not reach its average.
TEST(BeatGroups, NeighborsStayOutAndTheAverageGoesOnLevel) {
  const std::vector<double> beats = {1.0, 1.5, 2.0, 2.5, 3.0};
  const auto groups = grouped(synthetic_ecg(beats, 4.0, kRate, 1, 0.0), beats);
  ASSERT_EQ(groups.size(), 1U);
  const BeatGroup& group = groups[0];
  const auto seconds = [&](Eigen::Index at) { return static_cast<double>(at - group.center) / kRate; };
  // The last beat has no successor: all after it is its own. The first has no predecessor.
  EXPECT_EQ(group.from, 0);
  EXPECT_EQ(group.to, group.average.rows() - 1);
  const auto middle = grouped(synthetic_ecg(beats, 4.0, kRate, 1, 0.0), {1.0, 1.5, 2.0, 2.5, 3.0});
  const BeatGroup inner = group_beats(unfiltered(synthetic_ecg(beats, 4.0, kRate, 1, 0.0), kRate), beats, 1, 4)[0];
  EXPECT_NEAR(seconds(inner.to), 0.5 - kBeatGroup.next_qrs_s, 0.005);
  EXPECT_NEAR(seconds(inner.from), -(0.5 - kBeatGroup.last_t_bazett_s * std::sqrt(0.5)), 0.005);
  EXPECT_TRUE((inner.average.topRows(inner.from) == inner.average(inner.from, 0)).all());
  const Eigen::Index rest = inner.average.rows() - 1 - inner.to;
  EXPECT_TRUE((inner.average.bottomRows(rest) == inner.average(inner.to, 0)).all());
  EXPECT_LT(inner.average.bottomRows(rest).maxCoeff(), 0.2);  // No QRS complex of the next beat.
}

TEST(BeatGroups, OneBeatAndBeatsAtTheEnds) {
  const auto one = grouped(synthetic_ecg(std::vector<double>{0.2}, 0.5, kRate, 1), {0.2});
  ASSERT_EQ(one.size(), 1U);
  EXPECT_EQ(one[0].centers, (std::vector<Eigen::Index>{100}));
  EXPECT_TRUE(one[0].average.isFinite().all());
  const Eigen::ArrayXXd x = synthetic_ecg({}, 2.0, kRate, 2, 1.0);
  for (const auto& group : grouped(x, {0.0, 0.001, 1.0, 1.0, 1.999})) EXPECT_TRUE(group.average.isFinite().all());
}

TEST(BeatGroups, FlatLeadsDoNotCount) {
  const auto beats = regular_beats(6.0);
  Eigen::ArrayXXd x = synthetic_ecg(beats, 6.0, kRate, 3);
  WorkingSignal signal = unfiltered(x, kRate);
  std::vector<double> even, odd;
  for (std::size_t i = 0; i < beats.size(); ++i) (i % 2 == 0 ? even : odd).push_back(beats[i]);
  signal.samples.col(1) =
      10.0 * (synthetic_ecg(even, 6.0, kRate, 1) - synthetic_ecg(odd, 6.0, kRate, 1, 0.005, kWide)).col(0);
  signal.usable[1] = 0;
  signal.samples.col(2).setZero();
  EXPECT_EQ(group_beats(signal, beats, 0, beats.size()).size(), 1U);
  signal.usable[1] = 1;
  EXPECT_GT(group_beats(signal, beats, 0, beats.size()).size(), 1U);
}

}  // namespace
}  // namespace cardiograd::dsp
