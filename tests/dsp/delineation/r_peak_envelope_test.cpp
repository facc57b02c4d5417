#include "dsp/delineation/r_peak_envelope.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/dsp/synthetic_ecg.h"

namespace cardiograd::dsp {
namespace {

const double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(RPeakEnvelope, LevelsInterpolateBetweenBlockCenters) {
  const Levels levels{Eigen::Array3d(1.0, 3.0, 7.0), 10};
  EXPECT_DOUBLE_EQ(levels.at(5), 1.0);
  EXPECT_DOUBLE_EQ(levels.at(10), 2.0);
  EXPECT_DOUBLE_EQ(levels.at(15), 3.0);
  EXPECT_DOUBLE_EQ(levels.at(20), 5.0);
  EXPECT_DOUBLE_EQ(levels.at(0), 1.0);  // Level before the first center and after the last.
  EXPECT_DOUBLE_EQ(levels.at(29), 7.0);
}

TEST(RPeakEnvelope, BlockLevelsAreMediansOfTheNeighborhood) {
  // Blocks of 4 samples with maxima 1, 2, ..., 12; one of them an artifact.
  Eigen::ArrayXd signal = Eigen::ArrayXd::Zero(50);
  for (Eigen::Index b = 0; b < 12; ++b) signal[4 * b + 1] = static_cast<double>(b + 1);
  signal[4 * 5 + 2] = 1000.0;
  const Levels maxima = block_maxima(signal, 4), medians = block_medians(signal, 4);
  ASSERT_EQ(maxima.value.size(), 12);
  // Blocks 2 ... 10 around block 6: 3 4 5 1000 7 8 9 10 11, sorted 3 4 5 7 8 9 10 11 1000.
  EXPECT_EQ(maxima.value[6], 8.0);
  EXPECT_EQ(maxima.value[0], 3.0);  // Blocks 0 ... 4.
  EXPECT_TRUE((medians.value == 0.0).all());
  EXPECT_EQ(block_maxima(signal.head(3), 3).value.size(), 1);
}

TEST(RPeakEnvelope, IsOneAtBeatsWhateverTheGain) {
  const auto beats = regular_beats(12.0, 0.9, 0.7);
  for (const double rate : {50.0, 100.0, 500.0}) {
    for (const double scale : {1e-3, 1.0, 1e4}) {
      const Eigen::ArrayXd envelope = combined_envelopes(synthetic_ecg(beats, 12.0, rate, 3) * scale, rate).all;
      ASSERT_EQ(envelope.size(), static_cast<Eigen::Index>(12.0 * rate));
      for (const double beat : beats) {
        EXPECT_NEAR(envelope[static_cast<Eigen::Index>(std::lround(beat * rate))], 1.0, 0.12) << rate;
        EXPECT_LT(envelope[static_cast<Eigen::Index>(std::lround((beat + 0.42) * rate))], 0.1) << rate;
      }
    }
  }
}

TEST(RPeakEnvelope, BadLeadsHardlyCount) {
  const auto beats = regular_beats(10.0);
  Eigen::ArrayXXd x = synthetic_ecg(beats, 10.0, 250.0, 4);
  const Eigen::ArrayXd reference = combined_envelopes(x.leftCols(2), 250.0).all;
  PhiloxStream random(4);
  for (double& sample : x.col(2)) sample = 100.0 * random.normal();
  x.col(3).setConstant(kNan);
  const Eigen::ArrayXd envelope = combined_envelopes(x, 250.0).all;
  EXPECT_TRUE((envelope - reference).abs().maxCoeff() <= 0.15) << (envelope - reference).abs().maxCoeff();
  EXPECT_TRUE((combined_envelopes(x.rightCols(1), 250.0).all == 0.0).all());
}

TEST(RPeakEnvelope, ContrastTellsBeatsFromNoise) {
  const Eigen::ArrayXd beats = combined_envelopes(synthetic_ecg(regular_beats(10.0), 10.0, 250.0, 3), 250.0).all;
  const Eigen::ArrayXd noise = combined_envelopes(synthetic_ecg({}, 10.0, 250.0, 3, 1.0), 250.0).all;
  EXPECT_GT(contrast(beats, block_maxima(beats, 500)), 15.0);
  EXPECT_LT(contrast(noise, block_maxima(noise, 500)), 2.4);
}

TEST(RPeakEnvelope, RefusesRatesThatTheBandDoesNotFit) {
  EXPECT_THROW(combined_envelopes(Eigen::ArrayXXd::Random(100, 1), 10.0), Error);
}

}  // namespace
}  // namespace cardiograd::dsp
