#include "dsp/delineation/working_signal.h"

#include <cmath>
#include <limits>
#include <numbers>

#include <gtest/gtest.h>

#include "dsp/delineation/stimuli.h"
#include "tests/dsp/synthetic_ecg.h"

namespace cardiograd::dsp {
namespace {

const double kNan = std::numeric_limits<double>::quiet_NaN();

Eigen::ArrayXXd sine(double hz, double rate, double seconds, double offset = 0.0) {
  Eigen::ArrayXXd x(static_cast<Eigen::Index>(seconds * rate), 1);
  for (Eigen::Index t = 0; t < x.rows(); ++t) {
    x(t, 0) = offset + std::sin(2.0 * std::numbers::pi * hz * static_cast<double>(t) / rate);
  }
  return x;
}

double middle_rms(const WorkingSignal& working) {
  const Eigen::Index quarter = working.samples.rows() / 4;
  return std::sqrt(working.samples.middleRows(quarter, 2 * quarter).square().mean());
}

TEST(WorkingSignal, RateIsNear500) {
  const std::pair<double, double> expected[] = {{50.0, 450.0},  {100.0, 500.0}, {250.0, 500.0}, {257.0, 514.0},
                                                {360.0, 360.0}, {500.0, 500.0}, {1000.0, 500.0}};
  for (const auto& [rate, working_rate] : expected) {
    const WorkingSignal working = working_signal(sine(5.0, rate, 4.0), rate);
    EXPECT_EQ(working.rate, working_rate) << rate;
    EXPECT_NEAR(static_cast<double>(working.samples.rows()) / working.rate, 4.0, 0.02) << rate;
  }
}

TEST(WorkingSignal, KeepsTheBandAndTakesWanderAndMainsAway) {
  const double whole = 1.0 / std::numbers::sqrt2;
  for (const double rate : {100.0, 250.0, 500.0}) {
    EXPECT_NEAR(middle_rms(working_signal(sine(8.0, rate, 10.0, 3.0), rate)), whole, 0.02) << rate;
    EXPECT_LT(middle_rms(working_signal(sine(0.1, rate, 20.0), rate)), 0.1 * whole) << rate;
  }
  EXPECT_LT(middle_rms(working_signal(sine(100.0, 500.0, 10.0), 500.0)), 0.05 * whole);
}

TEST(WorkingSignal, HasNoPhase) {
  for (const double rate : {50.0, 100.0, 500.0, 1000.0}) {
    const WorkingSignal working = working_signal(sine(5.0, rate, 6.0), rate);
    for (Eigen::Index t = static_cast<Eigen::Index>(2.0 * working.rate);
         t < static_cast<Eigen::Index>(4.0 * working.rate); ++t) {
      const double expected = std::sin(2.0 * std::numbers::pi * 5.0 * static_cast<double>(t) / working.rate);
      ASSERT_NEAR(working.samples(t, 0), expected, 0.04) << rate << " " << t;
    }
  }
}

// An open input shows a few steps of the converter; an artifact makes no other lead flat.
TEST(WorkingSignal, LeadsOfAFewStepsAreFlat) {
  Eigen::ArrayXXd x = synthetic_ecg(regular_beats(10.0), 10.0, 250.0, 4);
  for (Eigen::Index t = 0; t < x.rows(); ++t) x(t, 1) = 0.001 * static_cast<double>(t % 3 - 1);
  x(700, 2) = 300.0;
  EXPECT_EQ(working_signal(x, 250.0).usable, (std::vector<char>{1, 0, 1, 1}));
}

// Four columns of three leads, one after the other, and a rhythm strip; zeros elsewhere are no samples.
TEST(WorkingSignal, PartsOfAPrintAreMeasuredAsIfTheRestWereMissing) {
  Eigen::ArrayXXd zeros = synthetic_ecg(regular_beats(10.0), 10.0, 250.0, 12), missing = zeros;
  for (Eigen::Index lead = 0; lead < 12; ++lead) {
    if (lead == 1) continue;
    for (Eigen::Index t = 0; t < zeros.rows(); ++t) {
      if (t / 625 == lead / 3) continue;
      zeros(t, lead) = 0.0;
      missing(t, lead) = kNan;
    }
  }
  const WorkingSignal of_zeros = working_signal(zeros, 250.0), of_missing = working_signal(missing, 250.0);
  EXPECT_EQ(of_zeros.usable, of_missing.usable);
  EXPECT_TRUE((of_zeros.samples == of_missing.samples).all());
}

TEST(WorkingSignal, MarksFlatAndMissingLeads) {
  Eigen::ArrayXXd x = synthetic_ecg(regular_beats(4.0), 4.0, 250.0, 5);
  x.col(0).setConstant(0.7);
  x.col(1).setConstant(kNan);
  x.col(2).head(499).setConstant(kNan);
  x.col(3).head(501).setConstant(kNan);
  const WorkingSignal working = working_signal(x, 250.0);
  EXPECT_EQ(working.usable, (std::vector<char>{0, 0, 1, 0, 1}));
  EXPECT_TRUE(working.samples.isFinite().all());
}

// A stimulus of 2 mV that decays over 50 ms, 100 ms before each R peak.
Eigen::ArrayXXd with_stimuli(double rate, Eigen::Index leads) {
  Eigen::ArrayXXd x = synthetic_ecg(regular_beats(6.0, 1.0), 6.0, rate, 8);
  for (const double beat : regular_beats(6.0, 1.0)) {
    const auto at = static_cast<Eigen::Index>(std::lround((beat - 0.1) * rate));
    for (Eigen::Index t = at; t < x.rows(); ++t) {
      x.row(t).head(leads) += 2.0 * std::exp(-static_cast<double>(t - at) / (0.05 * rate));
    }
  }
  return x;
}

TEST(WorkingSignal, FindsStimuliInAQuarterOfTheLeads) {
  for (const double rate : {500.0, 1000.0}) {
    const std::vector<double> found = find_stimuli(with_stimuli(rate, 2), rate);
    const std::vector<double> beats = regular_beats(6.0, 1.0);
    ASSERT_EQ(found.size(), beats.size()) << rate;
    for (std::size_t i = 0; i < beats.size(); ++i) EXPECT_NEAR(found[i], beats[i] - 0.1, 0.005);
    EXPECT_TRUE(find_stimuli(with_stimuli(rate, 1), rate).empty()) << rate;
  }
  EXPECT_TRUE(find_stimuli(with_stimuli(360.0, 8), 360.0).empty());  // Too few samples for a step.
}

TEST(WorkingSignal, WavesAreNoStimuli) {
  EXPECT_TRUE(find_stimuli(synthetic_ecg(regular_beats(20.0), 20.0, 500.0, 12, 0.02), 500.0).empty());
  EXPECT_TRUE(find_stimuli(Eigen::ArrayXXd::Zero(5000, 3), 500.0).empty());
  EXPECT_TRUE(find_stimuli(Eigen::ArrayXXd::Ones(3, 3), 500.0).empty());
}

TEST(WorkingSignal, WindowsAreClampedToTheRecord) {
  Eigen::ArrayXXd x(5, 1);
  x << 1.0, 2.0, 3.0, 4.0, 5.0;
  const WorkingSignal signal = unfiltered(x, 500.0);
  const auto window = [&](Eigen::Index at) {
    Eigen::ArrayXd values(3);
    copy_window(signal, 0, at, values);
    return std::vector<double>(values.begin(), values.end());
  };
  EXPECT_EQ(window(1), (std::vector<double>{2.0, 3.0, 4.0}));
  EXPECT_EQ(window(-2), (std::vector<double>{1.0, 1.0, 1.0}));
  EXPECT_EQ(window(-1), (std::vector<double>{1.0, 1.0, 2.0}));
  EXPECT_EQ(window(3), (std::vector<double>{4.0, 5.0, 5.0}));
  EXPECT_EQ(window(90), (std::vector<double>{5.0, 5.0, 5.0}));
}

}  // namespace
}  // namespace cardiograd::dsp
