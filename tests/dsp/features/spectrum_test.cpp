#include "dsp/features/spectrum.h"

#include <cmath>
#include <string>

#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/dsp/golden.h"

namespace cardiograd::dsp {
namespace {

TEST(Spectrum, WelchEqualsSciPy) {
  const auto golden = read_golden("measures");
  const Eigen::ArrayXd x = golden_signal(1000) + golden.at("noise");
  for (const int segment : {256, 255, 1000, 2}) {
    const Spectrum spectrum = welch({x.data(), 1000}, 100.0, segment);
    const Eigen::Map<const Eigen::ArrayXd> density(spectrum.density.data(),
                                                   static_cast<Eigen::Index>(spectrum.density.size()));
    EXPECT_TRUE(golden_error(density, golden.at("welch_" + std::to_string(segment))) <= 1e-9) << segment;
    const double centroid = golden.at("centroid_" + std::to_string(segment))[0];
    const double found = spectral_centroid(spectrum, 0.5, 45.0);
    EXPECT_TRUE(std::isnan(centroid) ? std::isnan(found) : std::abs(found - centroid) <= 1e-9) << segment;
  }
}

TEST(Spectrum, CentroidOfASine) {
  Eigen::ArrayXd x(2000);
  for (Eigen::Index t = 0; t < 2000; ++t)
    x[t] = std::sin(2.0 * 3.141592653589793 * 12.5 * static_cast<double>(t) / 200);
  EXPECT_NEAR(spectral_centroid(welch({x.data(), 2000}, 200.0, 512), 0.5, 45.0), 12.5, 0.01);
}

TEST(Spectrum, FlatSignalHasNoCentroidAndSegmentsMustFit) {
  const std::vector<double> flat(300, 2.0);
  EXPECT_TRUE(std::isnan(spectral_centroid(welch(flat, 100.0, 256), 0.5, 45.0)));
  EXPECT_THROW(welch(flat, 100.0, 301), Error);
  EXPECT_THROW(welch(flat, 100.0, 1), Error);
}

}  // namespace
}  // namespace cardiograd::dsp
