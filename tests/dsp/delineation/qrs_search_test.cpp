#include "dsp/delineation/qrs_search.h"

#include <cmath>

#include <gtest/gtest.h>

#include "dsp/delineation/constants.h"
#include "tests/dsp/synthetic_ecg.h"

namespace cardiograd::dsp {
namespace {

constexpr double kRate = 500.0;

struct Beats {
  WorkingSignal signal;
  BeatGroup group;
};

Beats beats_of(const Eigen::ArrayXXd& x, const std::vector<double>& at_s) {
  WorkingSignal signal = unfiltered(x, kRate);
  BeatGroup group = group_beats(signal, at_s, 0, at_s.size())[0];
  return {std::move(signal), std::move(group)};
}

double seconds(const AverageBeat& beat, double position) {
  return (position - static_cast<double>(beat.center())) / beat.rate();
}

// Q, R and S of the made-up beat are Gaussians: the complex spans from Q less 2 to 3 sigma to S and the same.
TEST(QrsSearch, BoundariesOfAKnownComplex) {
  const auto at_s = regular_beats(8.0);
  for (const Eigen::Index leads : {1, 2, 12}) {
    const Beats b = beats_of(synthetic_ecg(at_s, 8.0, kRate, leads), at_s);
    const AverageBeat beat(b.signal, b.group);
    const auto qrs = find_qrs(beat);
    ASSERT_TRUE(qrs.has_value());
    EXPECT_NEAR(seconds(beat, qrs->all_leads.onset), -0.052, 0.015) << leads;
    EXPECT_NEAR(seconds(beat, qrs->all_leads.offset), 0.057, 0.015) << leads;
    for (std::size_t l = 0; l < beat.leads(); ++l) {
      ASSERT_TRUE(qrs->leads[l].has_value());
      EXPECT_NEAR(seconds(beat, qrs->leads[l]->onset), -0.052, 0.018) << l;
      EXPECT_NEAR(seconds(beat, qrs->leads[l]->offset), 0.057, 0.018) << l;
      EXPECT_NEAR(seconds(beat, qrs->peaks[l]), 0.0, 0.005) << l;
    }
  }
}

TEST(QrsSearch, ActivityIsOneWhereAllLeadsAreSteepest) {
  const auto at_s = regular_beats(8.0);
  const Beats b = beats_of(synthetic_ecg(at_s, 8.0, kRate, 3, 0.0), at_s);
  const AverageBeat beat(b.signal, b.group);
  const QrsActivity activity = qrs_activity(beat, qrs_window(beat));
  EXPECT_NEAR(activity.all_leads.maxCoeff(), 1.0, 1e-9);  // One beat, scaled: steepest at the same place.
  for (std::size_t l = 0; l < 3; ++l) EXPECT_NEAR(activity.slopes[l].maxCoeff(), 1.0, 1e-9);
}

TEST(QrsSearch, NoisyLeadsCountLess) {
  const auto at_s = regular_beats(8.0);
  Eigen::ArrayXXd x = synthetic_ecg(at_s, 8.0, kRate, 3, 0.002);
  PhiloxStream random(3);
  for (double& sample : x.col(1)) sample += 0.6 * random.normal();
  x.col(2).setZero();
  Beats b = beats_of(x, at_s);
  b.signal.usable[2] = 0;
  const AverageBeat beat(b.signal, b.group);
  const auto qrs = find_qrs(beat);
  ASSERT_TRUE(qrs.has_value());
  EXPECT_LT(qrs->activity.weights[1], 0.5 * qrs->activity.weights[0]);
  EXPECT_EQ(qrs->activity.weights[2], 0.0);
  EXPECT_FALSE(qrs->leads[2].has_value());
  EXPECT_LE(qrs->activity.weights[0], kQrs.trusted_ratio);
}

// One of six leads has an S wave 12 ms later: its end is drawn to that of the others.
TEST(QrsSearch, LeadsAreDrawnToTheirConsensus) {
  const auto at_s = regular_beats(8.0);
  std::vector<SyntheticWave> longer = kSinusBeat;
  longer[3].delay_s += 0.012;
  Eigen::ArrayXXd x = synthetic_ecg(at_s, 8.0, kRate, 6, 0.0);
  x.col(0) = synthetic_ecg(at_s, 8.0, kRate, 1, 0.0, longer).col(0);
  const Beats b = beats_of(x, at_s);
  const AverageBeat beat(b.signal, b.group);
  const auto qrs = find_qrs(beat);
  ASSERT_TRUE(qrs && qrs->leads[0] && qrs->leads[1]);
  const double own = active_extent(qrs->activity.slopes[0], {.threshold = kQrs.all_leads_fraction,
                                                             .gap = qrs->window.gap,
                                                             .from = qrs->window.from,
                                                             .to = qrs->window.to,
                                                             .lowest = qrs->window.lowest,
                                                             .highest = qrs->window.highest})
                         .offset;
  const double others = qrs->leads[1]->offset;
  EXPECT_GT(own - others, 3.0);
  EXPECT_NEAR(qrs->leads[0]->offset - others, kWave.own_fraction.qrs * (own - others), 1.0);
}

TEST(QrsSearch, NotchesAreBridged) {
  // Two parts with a level stretch of about 20 ms between them.
  const std::vector<SyntheticWave> notched = {{-0.03, 1.0, 0.010}, {0.045, 0.8, 0.010}};
  const auto at_s = regular_beats(8.0);
  const Beats b = beats_of(synthetic_ecg(at_s, 8.0, kRate, 2, 0.0, notched), at_s);
  const AverageBeat beat(b.signal, b.group);
  const auto qrs = find_qrs(beat);
  ASSERT_TRUE(qrs.has_value());
  EXPECT_LT(seconds(beat, qrs->all_leads.onset), -0.045);
  EXPECT_GT(seconds(beat, qrs->all_leads.offset), 0.060);
}

TEST(QrsSearch, NothingBeforeAStimulusHasDecayed) {
  const auto at_s = regular_beats(8.0);
  Beats b = beats_of(synthetic_ecg(at_s, 8.0, kRate, 2), at_s);
  for (const double at : at_s) b.signal.stimuli_s.push_back(at - 0.045);
  const AverageBeat beat(b.signal, b.group);
  const auto qrs = find_qrs(beat);
  ASSERT_TRUE(qrs.has_value());
  EXPECT_GE(seconds(beat, qrs->all_leads.onset), -0.045 + kQrs.after_stimulus_s - 1.5 / kRate);
}

// Two beats of a group whose complexes end later are moved half of the way.
TEST(QrsSearch, SingleBeatsHaveBoundariesOfTheirOwn) {
  std::vector<SyntheticWave> longer = kSinusBeat;
  longer[3] = {0.036, -0.2, 0.010};  // S 8 ms later.
  const auto at_s = regular_beats(8.0);
  std::vector<double> usual, other;
  for (std::size_t i = 0; i < at_s.size(); ++i) (i == 3 || i == 7 ? other : usual).push_back(at_s[i]);
  const Beats b =
      beats_of(synthetic_ecg(usual, 8.0, kRate, 3, 0.0) + synthetic_ecg(other, 8.0, kRate, 3, 0.0, longer), at_s);
  ASSERT_EQ(b.group.beats.size(), at_s.size());
  const auto qrs = find_qrs(AverageBeat(b.signal, b.group));
  ASSERT_TRUE(qrs.has_value());
  const double moved = (qrs->offset_shifts[3] - qrs->offset_shifts[4]) / kRate;
  EXPECT_NEAR(moved, kQrs.beat_fraction * 0.008, 0.003);
  EXPECT_NEAR(qrs->onset_shifts[3], qrs->onset_shifts[4], 1.5);
}

TEST(QrsSearch, OneBeatHasNoShiftAndFlatLeadsHaveNoComplex) {
  const Beats one = beats_of(synthetic_ecg(std::vector<double>{1.0}, 2.0, kRate, 2), {1.0});
  const auto qrs = find_qrs(AverageBeat(one.signal, one.group));
  ASSERT_TRUE(qrs.has_value());
  EXPECT_EQ(qrs->onset_shifts, std::vector<double>{0.0});
  const Beats flat = beats_of(Eigen::ArrayXXd::Zero(1000, 2), {1.0});
  EXPECT_FALSE(find_qrs(AverageBeat(flat.signal, flat.group)).has_value());
  Beats unusable = beats_of(synthetic_ecg(std::vector<double>{1.0}, 2.0, kRate, 2), {1.0});
  unusable.signal.usable = {0, 0};
  EXPECT_FALSE(find_qrs(AverageBeat(unusable.signal, unusable.group)).has_value());
}

}  // namespace
}  // namespace cardiograd::dsp
