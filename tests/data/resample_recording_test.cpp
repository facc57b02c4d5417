#include "data/resample_recording.h"

#include <cmath>

#include <gtest/gtest.h>

#include "tests/data/helpers.h"

namespace cardiograd::data {
namespace {

using testing::expect_error;

// A sine far below both half rates keeps its shape up to the ends, whatever the rates.
TEST(ResampleRecording, SinesKeepTheirShape) {
  for (const double rate : {250.0, 360.0, 500.0, 1000.0, 257.0, 128.0, 97.7, 2000.0}) {
    const auto samples = static_cast<Eigen::Index>(10 * rate);
    ecg::Recording recording{"r", rate, {"I", "II"}, {"mV", "mV"}, Eigen::ArrayXXd(samples, 2), {}};
    for (Eigen::Index t = 0; t < samples; ++t) {
      const double s = static_cast<double>(t) / rate;
      recording.signal(t, 0) = 3 + std::sin(6.283185307179586 * 3 * s);
      recording.signal(t, 1) = std::cos(6.283185307179586 * 11 * s);
    }
    const ecg::Recording result = at_rate(recording, 100);
    EXPECT_EQ(result.rate, 100);
    ASSERT_EQ(result.signal.rows(), static_cast<Eigen::Index>(std::ceil(static_cast<double>(samples) * 100 / rate)))
        << rate;
    for (Eigen::Index t = 0; t < result.signal.rows(); ++t) {
      const double s = static_cast<double>(t) / 100;
      const double tolerance = t < 10 || t + 10 >= result.signal.rows() ? 0.12 : 0.012;
      EXPECT_TRUE(std::abs(result.signal(t, 0) - 3 - std::sin(6.283185307179586 * 3 * s)) <= tolerance)
          << rate << " " << t;
      EXPECT_TRUE(std::abs(result.signal(t, 1) - std::cos(6.283185307179586 * 11 * s)) <= 3 * tolerance)
          << rate << " " << t;
    }
  }
}

TEST(ResampleRecording, GapsStayGaps) {
  ecg::Recording recording{"r", 500, {"I"}, {"mV"}, Eigen::ArrayXXd::Constant(5000, 1, 2.0), {}};
  recording.signal.block(1000, 0, 100, 1).setConstant(std::nan(""));
  const ecg::Recording result = at_rate(recording, 100);
  EXPECT_EQ(result.signal.isNaN().count(), 20);
  EXPECT_TRUE(std::isnan(result.signal(200, 0)) && std::isnan(result.signal(219, 0)));
  EXPECT_TRUE(std::abs(result.signal(199, 0) - 2) <= 1e-9);
}

TEST(ResampleRecording, RatesThatCannotBe) {
  ecg::Recording recording{"r", 1e9, {"I"}, {"mV"}, Eigen::ArrayXXd::Zero(10, 1), {}};
  expect_error([&] { at_rate(recording, 100); }, {"resampling from 1000000000 to 100 Hz"});
  recording.rate = 1e-9;
  expect_error([&] { at_rate(recording, 100); }, {"to 100 Hz"});
}

}  // namespace
}  // namespace cardiograd::data
