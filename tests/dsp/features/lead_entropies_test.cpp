#include "dsp/features/lead_entropies.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/dsp/golden.h"

namespace cardiograd::dsp {
namespace {

TEST(LeadEntropies, EqualTheDefinitions) {
  const auto golden = read_golden("lead_entropies");
  for (const std::string name : {"noise", "beats", "steps"}) {
    const Eigen::ArrayXd& series = golden.at(name);
    const Eigen::ArrayXd& expected = golden.at("entropies_" + name);
    ASSERT_EQ(expected.size(), static_cast<Eigen::Index>(kLeadEntropies));
    const auto found = lead_entropies({series.data(), static_cast<std::size_t>(series.size())});
    for (std::size_t i = 0; i < kLeadEntropies; ++i)
      EXPECT_TRUE(std::abs(found[i] - expected[static_cast<Eigen::Index>(i)]) <= 1e-7)
          << kLeadEntropyNames[i] << " of " << name << ": " << found[i];
  }
}

TEST(LeadEntropies, AreMissingWhereThereIsNothingToMeasure) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double huge = std::numeric_limits<double>::max();
  for (const std::vector<double>& samples :
       {std::vector<double>{}, {1, 2, 3}, {5, 5, 5, 5, 5}, {1, 2, nan, 3, 4}, {-huge, huge, 1, 2, 3}})
    for (const double value : lead_entropies(samples)) EXPECT_TRUE(std::isnan(value)) << value;
}

// Two amplitudes, each half of the time: ln 2, a half of the squares.
TEST(LeadEntropies, OfTwoEqualAmplitudes) {
  std::vector<double> samples;
  for (int t = 0; t < 100; ++t) samples.push_back(t % 2);
  const auto found = lead_entropies(samples);
  EXPECT_NEAR(found[0], std::log(2.0), 1e-12);
  EXPECT_NEAR(found[1], std::log(2.0), 1e-12);
  EXPECT_NEAR(found[2], 0.5, 1e-12);
  EXPECT_NEAR(found[3], std::log(2.0), 1e-12);
}

}  // namespace
}  // namespace cardiograd::dsp
