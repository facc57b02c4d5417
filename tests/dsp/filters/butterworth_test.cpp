#include "dsp/filters/butterworth.h"

#include <cmath>
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/dsp/golden.h"

namespace cardiograd::dsp {
namespace {

constexpr double kTolerance = 1e-9;
const double kNan = std::numeric_limits<double>::quiet_NaN();

Eigen::ArrayXd flat(const auto& matrix) {
  Eigen::ArrayXd values(matrix.size());
  Eigen::Index at = 0;
  for (Eigen::Index r = 0; r < matrix.rows(); ++r) {
    for (Eigen::Index c = 0; c < matrix.cols(); ++c) values[at++] = matrix(r, c);
  }
  return values;
}

Sos design(const std::string& kind, int order, double low, double high, double rate) {
  if (kind == "lowpass") return butterworth_lowpass(order, low, rate);
  if (kind == "highpass") return butterworth_highpass(order, low, rate);
  return butterworth_bandpass(order, low, high, rate);
}

TEST(Butterworth, EqualsSciPy) {
  const auto golden = read_golden("filters");
  const Eigen::ArrayXXd x = golden_signal(150);
  Eigen::ArrayXXd step = Eigen::ArrayXXd::Constant(151, 1, 2.0);
  step.topRows(67).setConstant(-1.5);
  int designs = 0;
  for (const auto& [key, sos_values] : golden) {
    if (!key.starts_with("sos_")) continue;
    const std::string name = key.substr(4);
    char kind[16];
    int order = 0;
    double low = 0, high = 0, rate = 0;
    ASSERT_EQ(std::sscanf(name.c_str(), "%15[a-z]_%d_%lf_%lf_%lf", kind, &order, &low, &high, &rate), 5) << name;
    const Sos sos = design(kind, order, low, high, rate);
    EXPECT_TRUE(golden_error(flat(sos), sos_values) <= kTolerance) << name << "\n" << sos;
    EXPECT_TRUE(golden_error(flat(sosfilt_zi(sos)), golden.at("zi_" + name)) <= kTolerance) << name;
    EXPECT_TRUE(golden_error(sosfilt(sos, x).col(0), golden.at("filt_" + name)) <= kTolerance) << name;
    EXPECT_TRUE(golden_error(sosfiltfilt(sos, x).col(0), golden.at("filtfilt_" + name)) <= kTolerance) << name;
    EXPECT_TRUE(golden_error(sosfiltfilt(sos, step).col(0), golden.at("step_" + name)) <= kTolerance) << name;
    ++designs;
  }
  EXPECT_EQ(designs, 11);
}

// Computed independently of the golden file.
TEST(Butterworth, ThePapersBandPass) {
  const Sos sos = butterworth_bandpass(4, 0.5, 45.0, 100.0);
  ASSERT_EQ(sos.rows(), 4);
  EXPECT_NEAR(sos(0, 0), 0.6349690382, 1e-10);
  EXPECT_NEAR(sos(3, 4), -1.9753509931, 1e-10);
  EXPECT_EQ(default_padlen(sos), 27);
  const Eigen::ArrayXXd y = butterworth_bandpass_zero_phase(golden_signal(1000), 100.0, 0.5, 45.0, 4);
  EXPECT_NEAR(y(0, 0), 0.2249395979, 1e-9);
  EXPECT_NEAR(y(1, 0), 0.3965982346, 1e-9);
  EXPECT_NEAR(y(2, 0), 0.6214909264, 1e-9);
  EXPECT_NEAR(y(500, 0), 0.099046052, 1e-9);
  EXPECT_NEAR(y(999, 0), 0.0845273713, 1e-9);
  EXPECT_NEAR(y.sum(), 7.344574020946, 1e-8);
}

TEST(Butterworth, PaddingIsAnOption) {
  const auto golden = read_golden("filters");
  const Sos sos = butterworth_bandpass(4, 0.5, 45.0, 100.0);
  const Eigen::ArrayXXd x = golden_signal(1000);
  EXPECT_TRUE(golden_error(sosfiltfilt(sos, x).col(0), golden.at("golden_signal")) <= kTolerance);
  EXPECT_TRUE(golden_error(sosfiltfilt(sos, x, 200).col(0), golden.at("golden_signal_padlen_200")) <= kTolerance);
  EXPECT_TRUE(golden_error(sosfiltfilt(sos, x, 0).col(0), golden.at("golden_signal_padlen_0")) <= kTolerance);
}

TEST(Butterworth, EachLeadForItself) {
  const Sos sos = butterworth_bandpass(2, 1.0, 30.0, 100.0);
  for (const Eigen::Index leads : {1, 2, 3, 4, 5, 7, 8, 12}) {
    Eigen::ArrayXXd x(100, leads);
    for (Eigen::Index l = 0; l < leads; ++l) x.col(l) = golden_signal(100) * static_cast<double>(l + 1);
    const Eigen::ArrayXXd y = sosfiltfilt(sos, x);
    for (Eigen::Index l = 0; l < leads; ++l) {
      EXPECT_TRUE((y.col(l) == sosfiltfilt(sos, x.col(l)).col(0)).all()) << leads << " " << l;
    }
  }
}

TEST(Butterworth, GapsAreBridgedAndStayGaps) {
  Eigen::ArrayXXd x(200, 3);
  for (Eigen::Index l = 0; l < 3; ++l) x.col(l) = golden_signal(200);
  Eigen::ArrayXXd bridged = x;
  for (Eigen::Index t = 50; t < 60; ++t) {
    x(t, 0) = kNan;
    bridged(t, 0) = x(49, 0) + (x(60, 0) - x(49, 0)) * static_cast<double>(t - 49) / 11.0;
  }
  x(0, 0) = std::numeric_limits<double>::infinity();
  bridged(0, 0) = x(1, 0);
  x.col(1).setConstant(kNan);
  const Sos sos = butterworth_bandpass(4, 0.5, 45.0, 100.0);
  const Eigen::ArrayXXd y = zero_phase(sos, x);
  const Eigen::ArrayXXd expected = sosfiltfilt(sos, bridged);
  for (Eigen::Index t = 0; t < 200; ++t) {
    EXPECT_EQ(std::isnan(y(t, 0)), t == 0 || (t >= 50 && t < 60)) << t;
    if (!std::isnan(y(t, 0))) {
      EXPECT_NEAR(y(t, 0), expected(t, 0), 1e-12);
    }
    EXPECT_TRUE(std::isnan(y(t, 1)));
    EXPECT_NEAR(y(t, 2), expected(t, 2), 1e-12);
  }
}

TEST(Butterworth, ShortRecordsAndBadCutOffsAreErrors) {
  EXPECT_THROW(butterworth_bandpass_zero_phase(golden_signal(27), 100.0, 0.5, 45.0, 4), Error);
  EXPECT_NO_THROW(butterworth_bandpass_zero_phase(golden_signal(28), 100.0, 0.5, 45.0, 4));
  EXPECT_THROW(butterworth_bandpass_zero_phase(Eigen::ArrayXXd(0, 2), 100.0, 0.5, 45.0, 4), Error);
  EXPECT_THROW(butterworth_bandpass(4, 0.5, 50.0, 100.0), Error);
  EXPECT_THROW(butterworth_bandpass(4, 10.0, 10.0, 100.0), Error);
  EXPECT_THROW(butterworth_lowpass(0, 10.0, 100.0), Error);
  EXPECT_THROW(butterworth_lowpass(13, 10.0, 100.0), Error);
  EXPECT_THROW(butterworth_highpass(2, 0.0, 100.0), Error);
  EXPECT_THROW(butterworth_highpass(2, kNan, 100.0), Error);
}

}  // namespace
}  // namespace cardiograd::dsp
