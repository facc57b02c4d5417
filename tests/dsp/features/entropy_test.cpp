#include "dsp/features/entropy.h"

#include <cmath>
#include <map>
#include <vector>

#include <gtest/gtest.h>

#include "tests/dsp/golden.h"

namespace cardiograd::dsp {
namespace {

std::map<std::string, std::vector<double>> test_series(const Eigen::ArrayXd& noise) {
  const Eigen::ArrayXd mixed = golden_signal(1000);
  std::map<std::string, std::vector<double>> all;
  all["noise"] = {noise.begin(), noise.end()};
  all["short"] = {noise.begin(), noise.begin() + 60};
  all["mixed"] = {mixed.begin(), mixed.end()};
  for (int t = 0; t < 3000; ++t) all["sine"].push_back(std::sin(2.0 * 3.141592653589793 * t / 100.0));
  for (int t = 0; t < 200; ++t) all["ties"].push_back(std::nearbyint(4.0 * noise[t]));
  return all;
}

// Sines have pairs whose difference is the tolerance up to rounding; elsewhere the counts are exact.
TEST(Entropy, EqualsAntropy) {
  const auto golden = read_golden("measures");
  for (const auto& [name, series] : test_series(golden.at("noise"))) {
    const double tolerance = name == "sine" || name == "mixed" ? 2e-4 : 1e-9;
    const auto expect = [&](const std::string& key, double found) {
      EXPECT_TRUE(std::abs(found - golden.at(key + "_" + name)[0]) <= tolerance) << key << "_" << name << " " << found;
    };
    expect("sampen", sample_entropy(series));
    expect("apen", approximate_entropy(series));
    expect("pe3", permutation_entropy(series));
    expect("pe4", permutation_entropy(series, 4, 2));
    expect("mpe", multiscale_permutation_entropy(series));
  }
}

// Values computed from the definitions by an independent program.
TEST(Entropy, PublishedValues) {
  const std::vector<double> seven = {4, 7, 9, 10, 6, 11, 3};
  EXPECT_NEAR(permutation_entropy(seven, 2), 0.9182958341, 1e-9);
  EXPECT_NEAR(permutation_entropy(seven, 3), 0.5887621559, 1e-9);
  const Eigen::ArrayXd noise = read_golden("measures").at("noise");
  EXPECT_NEAR(sample_entropy({noise.data(), 1000}), 2.2017103266, 1e-9);
  EXPECT_NEAR(approximate_entropy({noise.data(), 1000}), 1.8177169674, 1e-9);
  EXPECT_NEAR(permutation_entropy({noise.data(), 1000}), 0.9996512501, 1e-9);
}

TEST(Entropy, ScaleAndOffsetChangeNothing) {
  const Eigen::ArrayXd noise = read_golden("measures").at("noise").head(80);
  const Eigen::ArrayXd changed = 1024.0 * noise + 512.0;
  EXPECT_NEAR(sample_entropy({noise.data(), 80}), sample_entropy({changed.data(), 80}), 1e-9);
  EXPECT_NEAR(approximate_entropy({noise.data(), 80}), approximate_entropy({changed.data(), 80}), 1e-9);
  EXPECT_EQ(permutation_entropy({noise.data(), 80}), permutation_entropy({changed.data(), 80}));
}

TEST(Entropy, EnergyEntropy) {
  EXPECT_NEAR(energy_entropy(std::vector<double>{1, -1, 1, -1}), std::log(4.0), 1e-12);
  EXPECT_EQ(energy_entropy(std::vector<double>{0, 3, 0}), 0.0);
  EXPECT_TRUE(std::isnan(energy_entropy(std::vector<double>{0, 0})));
  EXPECT_TRUE(std::isnan(energy_entropy({})));
}

TEST(Entropy, TooShortOrFlatIsMissing) {
  const std::vector<double> flat(50, 1.0), two = {1, 2}, three = {1, 2, 4};
  EXPECT_TRUE(std::isnan(sample_entropy(flat)) && std::isnan(approximate_entropy(flat)));
  EXPECT_EQ(permutation_entropy(flat), 0.0);
  EXPECT_TRUE(std::isnan(permutation_entropy(two)));
  EXPECT_EQ(permutation_entropy(three), 0.0);
  EXPECT_TRUE(std::isnan(multiscale_permutation_entropy(three)));
  EXPECT_TRUE(std::isnan(permutation_entropy(flat, 1)) && std::isnan(permutation_entropy(flat, 7)));
  for (const auto& series : {std::vector<double>{}, two, three}) {
    EXPECT_TRUE(std::isnan(sample_entropy(series)) && std::isnan(approximate_entropy(series)));
  }
}

}  // namespace
}  // namespace cardiograd::dsp
