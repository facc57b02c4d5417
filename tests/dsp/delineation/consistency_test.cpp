#include "dsp/delineation/consistency.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "dsp/delineation/constants.h"
#include "dsp/statistics.h"
#include "tests/dsp/synthetic_ecg.h"

namespace cardiograd::dsp {
namespace {

constexpr double kRate = 500.0;
constexpr double kPr = 0.20;  // So far from QRS that a shift of 30 ms does not reach it.

// Twelve beats with a P wave whose distance to the R peak each beat has of its own; NaN: none.
struct Recorded {
  WorkingSignal signal;
  BeatGroup group;
};

Recorded recorded(const std::vector<double>& pr_s, double noise = 0.002, Eigen::Index leads = 2) {
  const std::vector<SyntheticWave> no_p(kSinusBeat.begin() + 1, kSinusBeat.end());
  std::vector<double> at_s, p_s;
  for (std::size_t i = 0; i < pr_s.size(); ++i) {
    at_s.push_back(0.8 + static_cast<double>(i));
    if (pr_s[i] == pr_s[i]) p_s.push_back(at_s.back() - pr_s[i]);
  }
  const double seconds = at_s.back() + 1.0;
  const Eigen::ArrayXXd x = synthetic_ecg(at_s, seconds, kRate, leads, noise, no_p) +
                            synthetic_ecg(p_s, seconds, kRate, leads, 0.0, {{0.0, 0.12, 0.022}});
  Recorded result{unfiltered(x, kRate), {}};
  result.group = group_beats(result.signal, at_s, 0, at_s.size())[0];
  return result;
}

Stretch around_p(const BeatGroup& group) {
  const auto center = static_cast<double>(group.center);
  return {center - (kPr + 0.06) * kRate, center - (kPr - 0.05) * kRate, 15};
}

Consistency same(const Recorded& r, bool of_some_beats = false) {
  return consistency(r.signal, r.group, around_p(r.group), of_some_beats);
}

TEST(Consistency, EqualWavesAreConsistent) {
  const Consistency result = same(recorded(std::vector<double>(12, kPr)));
  EXPECT_GT(result.ratio, 50.0);
  ASSERT_EQ(result.correlations.size(), 12U);
  for (const double r : result.correlations) EXPECT_GT(r, 0.95);
  for (const double shift : result.shifts) EXPECT_EQ(shift, 0.0);
}

TEST(Consistency, NoiseHasARatioOfAboutOne) {
  const Consistency result = same(recorded(std::vector<double>(12, std::nan("")), 0.05, 6));
  EXPECT_TRUE(result.ratio > 0.4 && result.ratio < 2.5) << result.ratio;
  EXPECT_LT(median(result.correlations), 0.4);
}

TEST(Consistency, ScaleChangesNothing) {
  Recorded r = recorded(std::vector<double>(12, kPr), 0.02);
  const Consistency reference = same(r);
  r.signal.samples *= 1e-6;
  const Consistency scaled = same(r);
  EXPECT_NEAR(scaled.ratio, reference.ratio, 1e-6 * reference.ratio);
  EXPECT_NEAR(scaled.correlations[3], reference.correlations[3], 1e-9);
}

TEST(Consistency, ShiftsAreThoseOfTheWave) {
  std::vector<double> pr(12, kPr);
  pr[2] -= 0.024;  // Later,
  pr[7] += 0.018;  // and earlier.
  const Consistency result = same(recorded(pr, 0.0));
  EXPECT_NEAR(result.shifts[2] / kRate, 0.024, 0.004);
  EXPECT_NEAR(result.shifts[7] / kRate, -0.018, 0.004);
  EXPECT_NEAR(result.shifts[0] / kRate, 0.0, 0.004);
  EXPECT_GT(result.correlations[2], 0.9);
}

TEST(Consistency, MissingWavesDoNotCorrelate) {
  std::vector<double> pr(12, kPr);
  pr[4] = std::nan("");
  const Consistency result = same(recorded(pr, 0.01));
  EXPECT_LT(result.correlations[4], 0.6);
  EXPECT_GT(result.correlations[5], 0.8);
}

// Eight of twelve beats have the wave; the others have one of the opposite sign in its place, which hides it in the
// mean.
TEST(Consistency, BeatsThatResembleEachOtherAreFound) {
  std::vector<double> pr(12, kPr);
  const std::vector<std::size_t> others = {1, 3, 6, 8}, alike = {0, 2, 4, 5, 7, 9, 10, 11};
  for (const std::size_t i : others) pr[i] = std::nan("");
  Recorded r = recorded(pr, 0.056);
  for (const std::size_t i : others) {
    for (Eigen::Index t = -60; t <= 60; ++t) {
      const Eigen::Index at = r.group.centers[i] - std::lround(kPr * kRate) + t;
      const double u = static_cast<double>(t) / (0.022 * kRate);
      r.signal.samples.row(at) -= 0.12 * std::exp(-0.5 * u * u);
    }
  }
  const Consistency all = same(r, false), some = same(r, true);
  ASSERT_LT(median(all.correlations), kConsistency.enough_correlation);
  for (const std::size_t i : alike) {
    EXPECT_GT(some.correlations[i], all.correlations[i]) << i;
    EXPECT_GT(some.correlations[i], 0.6) << i;
  }
}

TEST(Consistency, OneBeatFlatLeadsAndShortStretchesAreFinite) {
  Recorded one = recorded({kPr});
  const Consistency single = same(one, true);
  EXPECT_EQ(single.correlations, std::vector<double>{0.0});
  EXPECT_EQ(single.shifts, std::vector<double>{0.0});
  Recorded flat = recorded(std::vector<double>(4, kPr));
  flat.signal.samples.setZero();
  const Consistency none = same(flat, true);
  EXPECT_EQ(none.ratio, 0.0);
  for (const double r : none.correlations) EXPECT_EQ(r, 0.0);
  const Recorded r = recorded(std::vector<double>(4, kPr));
  EXPECT_TRUE(std::isfinite(consistency(r.signal, r.group, {100.0, 100.0, 15}, true).ratio));
}

}  // namespace
}  // namespace cardiograd::dsp
