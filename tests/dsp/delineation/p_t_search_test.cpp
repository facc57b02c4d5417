#include "dsp/delineation/p_t_search.h"

#include <cmath>

#include <gtest/gtest.h>

#include "dsp/delineation/constants.h"
#include "tests/dsp/synthetic_ecg.h"

namespace cardiograd::dsp {
namespace {

constexpr double kRate = 500.0;

// The average of regular beats, and what the searches take from the QRS complex.
class PTSearch : public testing::Test {
 protected:
  void make(const std::vector<SyntheticWave>& waves, Eigen::Index leads, double rr_s = 0.9, double noise = 0.002) {
    const auto at_s = regular_beats(12.0, rr_s, 0.8);
    signal_ = unfiltered(synthetic_ecg(at_s, 12.0, kRate, leads, noise, waves), kRate);
    group_ = group_beats(signal_, at_s, 0, at_s.size())[0];
    usable_.assign(static_cast<std::size_t>(leads), 1);
  }
  AverageBeat beat() const { return {signal_, group_}; }
  double position(double seconds) const { return static_cast<double>(group_.center) + seconds * kRate; }
  double seconds(double position) const { return (position - static_cast<double>(group_.center)) / kRate; }
  WaveSearch for_t(double rr_s = 0.9) const { return t_search(beat(), position(0.06), rr_s); }
  WaveSearch for_p(std::span<const std::optional<FoundWave>> t = {}, double rr_s = 0.9) const {
    return p_search(beat(), position(-0.05), t, rr_s);
  }

  WorkingSignal signal_;
  BeatGroup group_;
  std::vector<char> usable_;
};

TEST_F(PTSearch, KnownWavesOfEitherSign) {
  for (const Eigen::Index leads : {1, 3, 12}) {
    make(kSinusBeat, leads);
    const FoundWaves t = find_wave(beat(), for_t(), usable_), p = find_wave(beat(), for_p(t.leads), usable_);
    for (std::size_t l = 0; l < usable_.size(); ++l) {  // Lead 2 is upside down.
      ASSERT_TRUE(t.leads[l] && p.leads[l]);
      EXPECT_NEAR(seconds(t.leads[l]->peak), 0.28, 0.006);
      EXPECT_NEAR(seconds(t.leads[l]->onset), 0.28 - 0.105, 0.02);
      EXPECT_NEAR(seconds(t.leads[l]->offset), 0.28 + 0.105, 0.02);
      EXPECT_NEAR(seconds(p.leads[l]->peak), -0.16, 0.006);
      EXPECT_NEAR(seconds(p.leads[l]->onset), -0.16 - 0.06, 0.015);
      EXPECT_NEAR(seconds(p.leads[l]->offset), -0.16 + 0.052, 0.012);
    }
    EXPECT_GT(p.strongest, 6.0);
  }
}

TEST_F(PTSearch, WindowsFollowTheRate) {
  make(kSinusBeat, 2);
  EXPECT_NEAR(seconds(for_t(0.9).expected), kPAndT.expected_s.t * std::sqrt(0.9), 1e-9);
  EXPECT_LT(for_t(0.5).to, for_t(0.9).to);
  EXPECT_LT(for_t(0.5).limits.reach_after, for_t(0.9).limits.reach_after);
  EXPECT_EQ(for_t(1.6).limits.reach_after, for_t(2.5).limits.reach_after);  // Not beyond max_scaled_rr_s.
  // The next beat bounds T: its peak by 0.9 RR - 50 ms, its end by 80 ms before the next R peak.
  EXPECT_NEAR(seconds(static_cast<double>(for_t(0.35).to)), 0.9 * 0.35 - 0.05, 2.0 / kRate);
  EXPECT_NEAR(seconds(static_cast<double>(for_t(0.35).limits.highest)), 0.35 - 0.08, 2.0 / kRate);
  // P is sought after the T wave of the beat before, at most 480 ms before R.
  EXPECT_NEAR(seconds(static_cast<double>(for_p({}, 1.5).from)), -kP.earliest_s, 2.0 / kRate);
  const std::vector<std::optional<FoundWave>> late_t = {FoundWave{.offset = position(0.5)}};
  EXPECT_NEAR(seconds(static_cast<double>(for_p(late_t, 0.9).from)), -(0.9 - 0.5 - kP.after_last_t_s), 2.0 / kRate);
}

TEST_F(PTSearch, PlaceIsWhereTheLeadsAgree) {
  make(kSinusBeat, 3);
  const WaveSearch search = for_t();
  LeadHumps humps{{{}, {}, {}}, {1.0, 1.0, 1.0}};
  const auto at = [&](double s) { return static_cast<Eigen::Index>(position(s)); };
  humps.humps[0] = {{at(0.27), at(0.31), 4.0, 1.0, 1.0},
                    {at(0.40), at(0.44), 15.0, 1.0, 1.0}};  // The strong one stands alone.
  humps.humps[1] = {{at(0.26), at(0.30), 6.0, 1.0, 1.0}};
  humps.humps[2] = {{at(0.28), at(0.32), -6.0, 1.0, 1.0}};
  const CommonPlace common = common_place(beat(), search, humps);
  EXPECT_NEAR(seconds(static_cast<double>(common.place)), 0.29, 0.01);
  EXPECT_EQ(common.support[search.from - 1], 0.0);
  EXPECT_EQ(common.prior[search.to + 1], 0.0);
  EXPECT_EQ(common_place(beat(), search, {{{}, {}, {}}, {1.0, 1.0, 1.0, 1.0}}).place, -1);
}

TEST_F(PTSearch, StrengthBeyondTrustDoesNotCount) {
  make(kSinusBeat, 1);
  const WaveSearch search = for_t();
  const auto at = [&](double s) { return static_cast<Eigen::Index>(position(s)); };
  const auto place = [&](double strength) {
    return common_place(beat(), search,
                        {{{{at(0.24), at(0.28), 15.0, 1.0, 1.0}, {at(0.36), at(0.40), strength, 1.0, 1.0}}}, {1.0}})
        .place;
  };
  EXPECT_EQ(place(25.0), place(1e6));
  EXPECT_NEAR(seconds(static_cast<double>(place(1e6))), 0.26, 0.02);  // The expected place wins.
}

TEST_F(PTSearch, SecondPhasesBelongToTheWaveWhenStrongEnough) {
  make(kSinusBeat, 1);
  const WaveSearch search = for_t();
  const auto at = [&](double s) { return static_cast<Eigen::Index>(position(s)); };
  const auto humps = [&](double before, double after) {
    return std::vector<Hump>{{at(0.19), at(0.23), -before, 1.0, 1.0},
                             {at(0.23), at(0.29), 10.0, 1.0, 1.0},
                             {at(0.31), at(0.37), -after, 1.0, 1.0}};
  };
  const auto which = [&](double before, double after) {
    const auto found = humps_near(search, humps(before, after), at(0.26));
    return found ? std::array{found->first, found->main, found->last} : std::array<std::size_t, 3>{9, 9, 9};
  };
  EXPECT_EQ(which(1.0, 1.0), (std::array<std::size_t, 3>{1, 1, 1}));
  EXPECT_EQ(which(7.5, 1.0), (std::array<std::size_t, 3>{0, 1, 1}));
  EXPECT_EQ(which(1.0, 10.5), (std::array<std::size_t, 3>{1, 1, 1}));  // A U wave: not 1.1 times as strong.
  EXPECT_EQ(which(1.0, 11.5), (std::array<std::size_t, 3>{1, 1, 2}));
  EXPECT_FALSE(humps_near(search, humps(1.0, 1.0), at(0.5)).has_value());
  EXPECT_FALSE(humps_near(search, {}, at(0.26)).has_value());
}

// Of 2:1 block: between T and a P wave that no complex follows the signal is level for long.
TEST_F(PTSearch, AStretchBetweenTwoWavesIsNoT) {
  for (const double p_after_s : {0.55, 0.60, 0.65, 0.70}) {
    for (const double t_mv : {0.2, 0.3}) {
      for (const std::size_t leads : {1U, 2U, 12U}) {
        std::vector<SyntheticWave> waves = kSinusBeat;
        waves[4].amplitude = t_mv;
        waves.push_back({p_after_s, 0.12, 0.022});
        const auto at_s = regular_beats(12.0, 1.5, 0.8);
        const auto count = static_cast<Eigen::Index>(leads);
        signal_ = working_signal(synthetic_ecg(at_s, 12.0, kRate, count, 0.002, waves), kRate);
        group_ = group_beats(signal_, at_s, 0, at_s.size())[0];
        usable_.assign(leads, 1);
        const FoundWaves t = find_wave(beat(), for_t(1.5), usable_);
        for (std::size_t l = 0; l < leads; ++l) {
          ASSERT_TRUE(t.leads[l]) << p_after_s << " " << t_mv << " " << leads;
          EXPECT_NEAR(seconds(t.leads[l]->peak), 0.28, 0.02) << p_after_s << " " << t_mv << " " << leads;
        }
      }
    }
  }
}

TEST_F(PTSearch, LeadsAreDrawnToTheirConsensus) {
  make(kSinusBeat, 6);
  std::vector<SyntheticWave> late = kSinusBeat;
  late[4].delay_s = 0.31;
  const auto at_s = regular_beats(12.0, 0.9, 0.8);
  signal_.samples.col(5) = synthetic_ecg(at_s, 12.0, kRate, 1, 0.002, late).col(0);
  group_ = group_beats(signal_, at_s, 0, at_s.size())[0];
  const FoundWaves six = find_wave(beat(), for_t(), usable_);
  ASSERT_TRUE(six.leads[0] && six.leads[5]);
  const double apart = seconds(six.leads[5]->offset) - seconds(six.leads[0]->offset);
  EXPECT_NEAR(apart, kWave.own_fraction.t * 0.03, 0.006);
  // Three leads have no consensus about T.
  const FoundWaves three = find_wave(beat(), for_t(), {1, 1, 0, 0, 0, 1});
  ASSERT_TRUE(three.leads[0] && three.leads[5] && !three.leads[2]);
  EXPECT_NEAR(seconds(three.leads[5]->offset) - seconds(three.leads[0]->offset), 0.03, 0.006);
}

TEST_F(PTSearch, NothingToFind) {
  make(kSinusBeat, 2);
  group_.average.setZero();
  EXPECT_EQ(find_wave(beat(), for_t(), usable_).strongest, 0.0);
  EXPECT_FALSE(find_wave(beat(), for_t(), usable_).leads[0].has_value());
  make(kSinusBeat, 2);
  EXPECT_EQ(find_wave(beat(), for_t(), {0, 0}).strongest, 0.0);
  EXPECT_EQ(find_wave(beat(), t_search(beat(), position(0.06), 0.1), usable_).strongest, 0.0);  // No room before R.
}

}  // namespace
}  // namespace cardiograd::dsp
