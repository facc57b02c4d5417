#include "dsp/delineation/average_beat.h"

#include <gtest/gtest.h>

#include "dsp/delineation/constants.h"
#include "tests/dsp/synthetic_ecg.h"

namespace cardiograd::dsp {
namespace {

constexpr double kRate = 500.0;

struct Prepared {
  WorkingSignal signal;
  BeatGroup group;
};

Prepared prepared(std::vector<double> stimuli_s = {}) {
  const auto beats = regular_beats(6.0, 1.0, 1.0);
  WorkingSignal signal = unfiltered(synthetic_ecg(beats, 6.0, kRate, 2), kRate);
  signal.stimuli_s = std::move(stimuli_s);
  BeatGroup group = group_beats(signal, beats, 0, beats.size())[0];
  return {std::move(signal), std::move(group)};
}

TEST(AverageBeat, Positions) {
  const Prepared p = prepared();
  const AverageBeat beat(p.signal, p.group);
  EXPECT_EQ(beat.leads(), 2U);
  EXPECT_EQ(beat.beats(), 5U);
  EXPECT_EQ(beat.samples(0.0251), 13);
  EXPECT_EQ(beat.samples(-0.0251), -13);
  EXPECT_EQ(beat.inside(-5), 0);
  EXPECT_EQ(beat.inside(7), 7);
  EXPECT_EQ(beat.inside(1'000'000), beat.length() - 1);
  EXPECT_TRUE((beat.lead(1) == p.group.average.col(1)).all());
}

TEST(AverageBeat, BackgroundLooksOnlyAtSamplesOfBeats) {
  Prepared p = prepared();
  p.group.from = 100;
  p.group.to = 199;
  const AverageBeat beat(p.signal, p.group);
  Eigen::ArrayXd magnitude = Eigen::ArrayXd::Constant(beat.length(), 1e6);
  for (Eigen::Index t = 100; t < 200; ++t) magnitude[t] = static_cast<double>(t);
  EXPECT_EQ(beat.background(magnitude, 0.0), 100.0);
  EXPECT_EQ(beat.background(magnitude, 0.25), 124.0);
  EXPECT_EQ(beat.background(magnitude, 1.0), 199.0);
}

TEST(AverageBeat, TheStimulusIsThatOfMostBeats) {
  // Beats at 1, 2, ..., 5 s; three of five have a stimulus 80 ms before.
  const Prepared most = prepared({0.92, 1.92, 3.92});
  const AverageBeat with(most.signal, most.group);
  const Eigen::Index from = with.center() - 75, to = with.center();
  ASSERT_TRUE(with.stimulus(from, to).has_value());
  EXPECT_NEAR(*with.stimulus(from, to), static_cast<double>(with.center()) - 0.08 * kRate, 1.0);
  const Prepared both = prepared({0.88, 0.94, 1.88, 1.94, 2.88, 2.94, 3.88, 3.94});  // Of atria and ventricles.
  EXPECT_NEAR(AverageBeat(both.signal, both.group).stimulus(from, to).value_or(0.0),
              static_cast<double>(with.center()) - 0.06 * kRate, 1.0);
  EXPECT_NEAR(AverageBeat(both.signal, both.group).stimulus(from, to - 40).value_or(0.0),
              static_cast<double>(with.center()) - 0.12 * kRate, 1.0);
  const Prepared few = prepared({0.92, 1.92});
  EXPECT_FALSE(AverageBeat(few.signal, few.group).stimulus(from, to).has_value());
  const Prepared early = prepared({0.7, 1.7, 2.7, 3.7, 4.7});  // Before the search begins: of the atria.
  EXPECT_FALSE(AverageBeat(early.signal, early.group).stimulus(from, to).has_value());
  const Prepared none = prepared();
  EXPECT_FALSE(AverageBeat(none.signal, none.group).stimulus(from, to).has_value());
}

}  // namespace
}  // namespace cardiograd::dsp
