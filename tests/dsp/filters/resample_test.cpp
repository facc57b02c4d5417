#include "dsp/filters/resample.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/dsp/golden.h"

namespace cardiograd::dsp {
namespace {

TEST(Resample, EqualsSciPy) {
  int ratios = 0;
  for (const auto& [key, golden] : read_golden("filters")) {
    int up = 0, down = 0;
    if (std::sscanf(key.c_str(), "resample_%d_%d", &up, &down) != 2) continue;
    Eigen::ArrayXXd x(301, 2);
    x.col(0) = golden_signal(301);
    x.col(1) = -2.0 * x.col(0);
    const Eigen::ArrayXXd y = resample_poly(x, up, down);
    EXPECT_TRUE(golden_error(y.col(0), golden) <= 1e-9) << key;
    EXPECT_TRUE(golden_error(y.col(1), -2.0 * golden) <= 1e-9) << key;
    EXPECT_TRUE((resample_poly(x, 3 * up, 3 * down) == y).all()) << key;
    ++ratios;
  }
  EXPECT_EQ(ratios, 7);
}

TEST(Resample, KeepsSinesBelowTheNyquistRate) {
  Eigen::ArrayXXd coarse(1000, 1), fine(5000, 1);
  for (Eigen::Index t = 0; t < 1000; ++t) coarse(t, 0) = std::sin(0.8 * static_cast<double>(t));
  for (Eigen::Index t = 0; t < 5000; ++t) fine(t, 0) = std::sin(0.16 * static_cast<double>(t));
  const Eigen::ArrayXXd up = resample_poly(coarse, 5, 1);
  EXPECT_LT((up - fine).middleRows(200, 4600).abs().maxCoeff(), 2e-3);
  EXPECT_LT((resample_poly(fine, 1, 5) - coarse).middleRows(40, 920).abs().maxCoeff(), 2e-3);
}

TEST(Resample, OddSizes) {
  for (const Eigen::Index samples : {0, 1, 2, 3, 7, 20, 21}) {
    const Eigen::ArrayXXd x = Eigen::ArrayXXd::Ones(samples, 1);
    EXPECT_EQ(resample_poly(x, 5, 1).rows(), 5 * samples);
    EXPECT_EQ(resample_poly(x, 1, 5).rows(), (samples + 4) / 5);
    EXPECT_TRUE(resample_poly(x, 1, 5).isFinite().all());
    EXPECT_TRUE((resample_poly(x, 7, 7) == x).all());
  }
  EXPECT_THROW(resample_poly(Eigen::ArrayXXd::Ones(10, 1), 0, 1), Error);
  EXPECT_THROW(resample_poly(Eigen::ArrayXXd::Ones(10, 1), 1, -1), Error);
  EXPECT_THROW(resample_poly(Eigen::ArrayXXd::Ones(10, 1), 10001, 1), Error);
}

}  // namespace
}  // namespace cardiograd::dsp
