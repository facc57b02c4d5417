#include "dsp/features/spectrum.h"

#include <cmath>
#include <complex>
#include <cstddef>
#include <numbers>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/philox.h"
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

// Lengths with a large prime factor have a transform of their own: against the sum that defines it.
TEST(Spectrum, LengthsWithALargePrimeFactor) {
  PhiloxStream random(5);
  std::vector<double> x(1500);
  for (double& value : x) value = random.normal();
  for (const int segment : {922, 614, 509, 1499, 53}) {
    const auto length = static_cast<std::size_t>(segment), hop = length - length / 2;
    const Spectrum found = welch(x, 360.0, segment);
    std::vector<double> expected(length / 2 + 1, 0.0);
    double energy = 0.0, segments = 0.0;
    const auto turn = [&](std::size_t i) { return 2.0 * std::numbers::pi * static_cast<double>(i) / segment; };
    const auto window = [&](std::size_t t) { return 0.5 - 0.5 * std::cos(turn(t)); };
    for (std::size_t t = 0; t < length; ++t) energy += window(t) * window(t);
    for (std::size_t start = 0; start + length <= x.size(); start += hop, segments += 1.0) {
      double level = 0.0;
      for (std::size_t t = 0; t < length; ++t) level += x[start + t] / segment;
      for (std::size_t k = 0; k < expected.size(); ++k) {
        std::complex<double> sum = 0.0;
        for (std::size_t t = 0; t < length; ++t)
          sum += (x[start + t] - level) * window(t) * std::polar(1.0, -turn(k * t % length));
        expected[k] += std::norm(sum);
      }
    }
    for (std::size_t k = 0; k < expected.size(); ++k) {
      const bool once = k == 0 || (length % 2 == 0 && k == length / 2);
      const double density = expected[k] * (once ? 1.0 : 2.0) / (360.0 * energy * segments);
      ASSERT_TRUE(std::abs(found.density[k] - density) <= 1e-13) << segment << " " << k;
    }
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
