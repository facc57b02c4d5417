#include "dsp/delineation/group_waves.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

#include "dsp/delineation/constants.h"
#include "tests/dsp/synthetic_ecg.h"

namespace cardiograd::dsp {
namespace {

constexpr double kRate = 500.0;
const std::vector<SyntheticWave> kNoP(kSinusBeat.begin() + 1, kSinusBeat.end());

GroupWaves waves_of(const WorkingSignal& signal, const std::vector<double>& at_s, double rr_s = 0.9) {
  return find_group_waves(signal, group_beats(signal, at_s, 0, at_s.size())[0], rr_s, rr_s);
}

GroupWaves waves_of(const Eigen::ArrayXXd& x, const std::vector<double>& at_s, double rr_s = 0.9) {
  return waves_of(unfiltered(x, kRate), at_s, rr_s);
}

std::ptrdiff_t with_p(const GroupWaves& waves) {
  return std::count(waves.p_present.begin(), waves.p_present.end(), 1);
}

TEST(GroupWaves, WavesStandInTheirOrder) {
  const auto at_s = regular_beats(11.0, 0.9, 0.8);
  const GroupWaves waves = waves_of(synthetic_ecg(at_s, 11.0, kRate, 12), at_s);
  ASSERT_EQ(waves.leads.size(), 12U);
  EXPECT_EQ(with_p(waves), static_cast<std::ptrdiff_t>(at_s.size()));
  for (const LeadWaves& lead : waves.leads) {
    ASSERT_TRUE(lead.qrs && lead.p && lead.t);
    EXPECT_TRUE(lead.p->onset < lead.p->peak && lead.p->peak < lead.p->offset && lead.p->offset <= lead.qrs->onset);
    EXPECT_TRUE(lead.qrs->onset < lead.qrs_peak && lead.qrs_peak < lead.qrs->offset);
    EXPECT_TRUE(lead.qrs->offset < lead.t->onset && lead.t->onset < lead.t->peak && lead.t->peak < lead.t->offset);
  }
}

TEST(GroupWaves, PNeedsThreeBeats) {
  for (const std::size_t count : {1U, 2U, 3U}) {
    std::vector<double> at_s;
    for (std::size_t i = 0; i < count; ++i) at_s.push_back(0.8 + 0.9 * static_cast<double>(i));
    const GroupWaves waves = waves_of(synthetic_ecg(at_s, at_s.back() + 0.8, kRate, 3), at_s);
    EXPECT_EQ(with_p(waves), count >= kP.min_group_beats ? static_cast<std::ptrdiff_t>(count) : 0) << count;
    EXPECT_TRUE(waves.leads[0].t.has_value()) << count;
  }
}

TEST(GroupWaves, FibrillationHasNoP) {
  const auto at_s = regular_beats(12.0, 0.9, 0.8);
  Eigen::ArrayXXd x = synthetic_ecg(at_s, 12.0, kRate, 3, 0.002, kNoP);
  for (Eigen::Index t = 0; t < x.rows(); ++t) {
    x.row(t) += 0.06 * std::sin(2.0 * std::numbers::pi * 6.37 * static_cast<double>(t) / kRate);
  }
  EXPECT_EQ(with_p(waves_of(x, at_s)), 0);
}

TEST(GroupWaves, NoiseAloneIsNoP) {
  const auto at_s = regular_beats(12.0, 0.9, 0.8);
  for (const Eigen::Index leads : {1, 3, 12}) {
    const auto beats = waves_of(working_signal(synthetic_ecg(at_s, 12.0, kRate, leads, 0.03, kNoP), kRate), at_s);
    EXPECT_EQ(with_p(beats), 0) << leads;
  }
}

TEST(GroupWaves, SomeBeatsMayLackP) {
  const auto at_s = regular_beats(12.0, 0.9, 0.8);
  std::vector<SyntheticWave> far_p = kSinusBeat;
  far_p[0].delay_s = -0.20;  // So far from QRS that a shift of 30 ms does not reach it.
  std::vector<double> with, without;
  for (std::size_t i = 0; i < at_s.size(); ++i) (i == 4 || i == 9 ? without : with).push_back(at_s[i]);
  const GroupWaves waves = waves_of(
      synthetic_ecg(with, 12.0, kRate, 3, 0.004, far_p) + synthetic_ecg(without, 12.0, kRate, 3, 0.004, kNoP), at_s);
  ASSERT_EQ(waves.p_present.size(), at_s.size());
  for (std::size_t i = 0; i < at_s.size(); ++i) EXPECT_EQ(waves.p_present[i] != 0, i != 4 && i != 9) << i;
}

TEST(GroupWaves, TMovesWithItsBeat) {
  const auto at_s = regular_beats(12.0, 0.9, 0.8);
  std::vector<SyntheticWave> late = kSinusBeat;
  late[4].delay_s += 0.02;
  std::vector<double> usual, other;
  for (std::size_t i = 0; i < at_s.size(); ++i) (i == 6 ? other : usual).push_back(at_s[i]);
  const GroupWaves waves =
      waves_of(synthetic_ecg(usual, 12.0, kRate, 3, 0.0) + synthetic_ecg(other, 12.0, kRate, 3, 0.0, late), at_s);
  EXPECT_NEAR(waves.t_shifts[6] / kRate, 0.02, 0.006);
  EXPECT_NEAR(waves.t_shifts[5] / kRate, 0.0, 0.004);
}

TEST(GroupWaves, FlatAndUnusableLeadsHaveNone) {
  const auto at_s = regular_beats(8.0, 0.9, 0.8);
  WorkingSignal signal = unfiltered(synthetic_ecg(at_s, 8.0, kRate, 3), kRate);
  signal.samples.col(1).setZero();
  signal.usable[1] = 0;
  const GroupWaves waves = waves_of(signal, at_s);
  EXPECT_TRUE(waves.leads[0].qrs && waves.leads[2].qrs);
  EXPECT_FALSE(waves.leads[1].qrs || waves.leads[1].p || waves.leads[1].t);
  signal.usable = {0, 0, 0};
  const GroupWaves none = waves_of(signal, at_s);
  EXPECT_EQ(with_p(none), 0);
  for (const LeadWaves& lead : none.leads) EXPECT_FALSE(lead.qrs || lead.p || lead.t);
  EXPECT_EQ(none.t_shifts, std::vector<double>(none.p_present.size(), 0.0));
}

}  // namespace
}  // namespace cardiograd::dsp
