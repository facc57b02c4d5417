#include "data/synthetic/record.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "data/synthetic/body.h"
#include "data/synthetic/rhythm.h"
#include "data/synthetic/statements.h"
#include "ecg/twelve_leads.h"
#include "tests/data/helpers.h"
#include "tests/data/synthetic/measured_beat.h"

namespace cardiograd::data::synthetic {
namespace {

using data::testing::expect_error;
using testing::noise_free;
using testing::rows_of;

bool identities_hold(const Eigen::ArrayXXd& x) {
  const Eigen::ArrayXd i = x.col(0);
  const Eigen::ArrayXd ii = x.col(1);
  return (x.col(2) == ii - i).all() && (x.col(3) == -(i + ii) / 2).all() && (x.col(4) == i - ii / 2).all() &&
         (x.col(5) == ii - i / 2).all();
}

TEST(SyntheticRecord, LeadIdentitiesHoldWithNoiseAtBothRates) {
  for (const NoiseLevel noise : {NoiseLevel::kNone, NoiseLevel::kTypical, NoiseLevel::kHigh}) {
    const SyntheticRecord record = synthesize_record({.seed = 3, .record = 5, .patient = 4, .noise = noise});
    ASSERT_EQ(record.signal.rows(), 5000);
    ASSERT_EQ(record.signal.cols(), 12);
    EXPECT_TRUE(record.signal.isFinite().all());
    EXPECT_TRUE(identities_hold(record.signal));
    const Eigen::ArrayXXd low = to_100_hz(record.signal);
    ASSERT_EQ(low.rows(), 1000);
    EXPECT_TRUE(identities_hold(low));
  }
}

// An electrode's potential reaches the leads as cables do: LL in II, III and aVF, and by a third in V1 ... V6.
TEST(SyntheticRecord, LeadsAreDifferencesOfElectrodes) {
  Eigen::ArrayXXd electrodes = Eigen::ArrayXXd::Zero(1, kElectrodes);
  electrodes(0, kLl) = 0.3;
  const Eigen::ArrayXXd leads = ecg::complete_leads(independent_leads(electrodes));
  const double expected[12] = {0, 0.3, 0.3, -0.15, -0.15, 0.3, -0.1, -0.1, -0.1, -0.1, -0.1, -0.1};
  for (Eigen::Index l = 0; l < 12; ++l) EXPECT_NEAR(leads(0, l), expected[l], 1e-15) << l;
}

TEST(SyntheticRecord, StandardBodyIsDowersMatrix) {
  const LeadVectors leads = lead_vectors(standard_body());
  EXPECT_NEAR(leads(0, 0), 0.632, 1e-12);   // I, x
  EXPECT_NEAR(leads(1, 1), 1.066, 1e-12);   // II, y
  EXPECT_NEAR(leads(7, 2), -1.387, 1e-12);  // V2, z
  EXPECT_NEAR(leads(11, 0), 0.831, 1e-12);  // V6, x
}

TEST(SyntheticRecord, EqualPlansGiveEqualRecordsAndOthersDoNot) {
  const RecordPlan plan{.seed = 7, .record = 2, .patient = 9, .statements = {"IMI", "1AVB"}};
  const SyntheticRecord first = synthesize_record(plan);
  EXPECT_TRUE((first.signal == synthesize_record(plan).signal).all());
  RecordPlan with_truth = plan;
  with_truth.with_truth = true;
  EXPECT_TRUE((first.signal == synthesize_record(with_truth).signal).all());
  RecordPlan seed = plan;
  RecordPlan record = plan;
  RecordPlan patient = plan;
  ++seed.seed;
  ++record.record;
  ++patient.patient;
  for (const RecordPlan& other : {seed, record, patient})
    EXPECT_FALSE((first.signal == synthesize_record(other).signal).all());
}

// The order in which statements are named does not matter, and what one draws does not change another.
TEST(SyntheticRecord, OrderOfStatementsDoesNotMatter) {
  const SyntheticRecord one = noise_free(3, {"LVH", "1AVB", "ISC_"});
  const SyntheticRecord other = noise_free(3, {"ISC_", "LVH", "1AVB"});
  EXPECT_TRUE((one.signal == other.signal).all());
  EXPECT_EQ(one.severities[0], other.severities[1]);
  EXPECT_EQ(noise_free(3, {"1AVB"}).severities[0], one.severities[1]);
}

TEST(SyntheticRecord, RefusesUnknownAndRepeatedStatements) {
  expect_error([] { noise_free(1, {"SR"}); }, {"'SR'", "44"});
  expect_error([] { noise_free(1, {"IMI", "IMI"}); }, {"'IMI'", "twice"});
}

// In a lead where only P, QRS or T is alive the signal must be at 2 % of the peak where the truth says.
TEST(SyntheticRecord, TruthIsAtTwoPerCentOfThePeak) {
  const Waves waves = {{0.100, 0.010, {1, 0, 0}}, {0.130, 0.020, {0, 0.7, 0}}};
  LeadVectors leads = LeadVectors::Zero();
  leads(0, 0) = 2;
  leads(1, 1) = -1;
  const WaveExtent x = lead_extent(waves, leads.row(0));
  EXPECT_NEAR(x.onset_s, 0.100 - 0.010 * std::sqrt(2 * std::log(50.0)), 2e-4);
  EXPECT_NEAR(x.offset_s, 0.100 + 0.010 * std::sqrt(2 * std::log(50.0)), 2e-4);
  EXPECT_NEAR(x.peak, 2, 0.01);
  EXPECT_NEAR(x.peak_s, 0.100, 1e-3);
  const WaveExtent y = lead_extent(waves, leads.row(1));
  EXPECT_NEAR(y.peak, -0.7, 0.01);
  EXPECT_NEAR(y.offset_s, 0.130 + 0.020 * std::sqrt(2 * std::log(50.0)), 4e-4);
  const WaveExtent both = global_extent(waves, leads);
  EXPECT_LE(both.onset_s, x.onset_s + 0.003);
  EXPECT_GT(both.offset_s, x.offset_s);
}

TEST(SyntheticRecord, TruthLiesInOrderInsideTheRecord) {
  for (std::int64_t i = 1; i <= 8; ++i) {
    const SyntheticRecord record = noise_free(i, {});
    const auto all = rows_of(record, -1);
    EXPECT_EQ(record.truth.size(), 13 * all.size());
    EXPECT_GE(all.size(), 6U);
    double last = -1;
    for (const TrueBeat& beat : all) {
      for (const double time : {beat.p.onset_s, beat.p.peak_s, beat.p.offset_s, beat.qrs.onset_s, beat.qrs.peak_s,
                                beat.qrs.offset_s, beat.t.onset_s, beat.t.peak_s, beat.t.offset_s}) {
        if (std::isnan(time)) continue;
        EXPECT_TRUE(time > last) << "patient " << i << " beat " << beat.beat;
        EXPECT_TRUE(time >= 0 && time < kSeconds);
        last = time;
      }
    }
  }
}

TEST(SyntheticRecord, SecondDegreeBlockDropsBeats) {
  for (std::int64_t i = 1; i <= 20; ++i) {
    int conducted = 0;
    int dropped = 0;
    for (const TrueBeat& beat : rows_of(noise_free(i, {"2AVB"}), -1)) {
      if (!std::isfinite(beat.p.peak_s) || beat.p.peak_s > 9) continue;
      (std::isfinite(beat.qrs.peak_s) ? conducted : dropped) += 1;
    }
    EXPECT_GE(dropped, 2) << i;
    EXPECT_GE(conducted, 3) << i;
    for (const TrueBeat& beat : rows_of(noise_free(i, {"NORM"}), -1)) {
      if (std::isfinite(beat.p.peak_s) && beat.p.peak_s < 9) {
        EXPECT_TRUE(std::isfinite(beat.qrs.peak_s)) << i;
      }
    }
  }
}

TEST(SyntheticRecord, ThirdDegreeBlockDissociates) {
  for (std::int64_t i = 1; i <= 20; ++i) {
    std::vector<double> p;
    std::vector<double> r;
    for (const TrueBeat& beat : rows_of(noise_free(i, {"3AVB"}), -1)) {
      EXPECT_FALSE(std::isfinite(beat.p.peak_s) && std::isfinite(beat.qrs.peak_s));
      if (std::isfinite(beat.p.onset_s)) p.push_back(beat.p.onset_s);
      if (std::isfinite(beat.qrs.onset_s)) r.push_back(beat.qrs.onset_s);
    }
    ASSERT_GE(r.size(), 4U);
    EXPECT_GT(p.size(), r.size());
    EXPECT_GT((r.back() - r.front()) / static_cast<double>(r.size() - 1), 1.15) << "escape rhythm above 52 per minute";
    // The time from the last P to QRS wanders.
    double least = 10;
    double most = 0;
    for (const double t : r) {
      const auto after = std::upper_bound(p.begin(), p.end(), t);
      if (after == p.begin()) continue;
      least = std::min(least, t - *(after - 1));
      most = std::max(most, t - *(after - 1));
    }
    EXPECT_TRUE(most - least > 0.03) << i << ": " << least << " ... " << most;
  }
}

TEST(SyntheticRecord, FibrillationHasNoPAndIrregularRr) {
  const auto sd_of_rr = [](bool fibrillation) {
    double sum = 0;
    for (std::int64_t i = 1; i <= 10; ++i) {
      std::vector<double> r;
      const SyntheticRecord record = synthesize_record({.seed = 2,
                                                        .record = i,
                                                        .patient = i,
                                                        .person = {.age = 70},
                                                        .fibrillation = fibrillation,
                                                        .noise = NoiseLevel::kNone,
                                                        .with_truth = true});
      for (const TrueBeat& beat : rows_of(record, -1)) {
        EXPECT_FALSE(fibrillation && std::isfinite(beat.p.peak_s));
        if (std::isfinite(beat.qrs.peak_s)) r.push_back(beat.qrs.peak_s);
      }
      double squares = 0;
      for (std::size_t k = 2; k < r.size(); ++k) squares += std::pow(r[k] - 2 * r[k - 1] + r[k - 2], 2);
      sum += std::sqrt(squares / static_cast<double>(r.size() - 2));
    }
    return sum / 10;
  };
  EXPECT_GT(sd_of_rr(true), 0.08);
  EXPECT_LT(sd_of_rr(false), 0.04);
}

TEST(SyntheticRecord, PrematureBeatsAreWideEarlyAndWithoutP) {
  int seen = 0;
  for (std::int64_t i = 1; i <= 10; ++i) {
    const SyntheticRecord record = synthesize_record(
        {.seed = 2, .record = i, .patient = i, .premature_beats = 1, .noise = NoiseLevel::kNone, .with_truth = true});
    for (const TrueBeat& beat : rows_of(record, -1)) {
      const bool wide = beat.qrs.offset_s - beat.qrs.onset_s > 0.12;
      if (wide) {
        EXPECT_FALSE(std::isfinite(beat.p.peak_s));
      }
      seen += wide;
    }
  }
  EXPECT_EQ(seen, 10);
}

// Each level adds to the one below; the noise of 0.35, 1 and 2.6 is ordered.
TEST(SyntheticRecord, NoiseGrowsWithItsLevel) {
  const auto signal = [](NoiseLevel level) {
    return synthesize_record({.seed = 5, .record = 6, .patient = 6, .noise = level}).signal;
  };
  const Eigen::ArrayXXd clean = signal(NoiseLevel::kNone);
  double last = 0;
  for (const NoiseLevel level : {NoiseLevel::kLow, NoiseLevel::kTypical, NoiseLevel::kHigh}) {
    const double rms = std::sqrt((signal(level) - clean).square().mean());
    EXPECT_TRUE(rms > 1.5 * last) << rms;
    EXPECT_TRUE(rms > 0.002 && rms < 0.6) << rms;
    last = rms;
  }
}

// 10 Hz passes unchanged and in phase, 60 Hz, which would fold to 40, does not pass.
TEST(SyntheticRecord, HundredHertzIsBandLimited) {
  Eigen::ArrayXXd slow(5000, 12);
  Eigen::ArrayXXd fast(5000, 12);
  for (Eigen::Index i = 0; i < 5000; ++i) {
    const double t = static_cast<double>(i) / 500;
    slow.row(i) = std::sin(2 * 3.14159265358979323846 * 10 * t);
    fast.row(i) = std::sin(2 * 3.14159265358979323846 * 60 * t);
  }
  const Eigen::ArrayXXd low = to_100_hz(slow);
  for (Eigen::Index i = 50; i < 950; ++i)
    EXPECT_NEAR(low(i, 0), std::sin(2 * 3.14159265358979323846 * 10 * static_cast<double>(i) / 100), 0.01);
  EXPECT_LT(to_100_hz(fast).block(50, 0, 900, 1).abs().maxCoeff(), 0.01);
}

// Medians over a hundred healthy people lie where real ones do (PTB-XL's SD per lead is 0.1 to 0.27 mV).
TEST(SyntheticRecord, VoltagesAreThoseOfPeople) {
  for (const int lead : {0, 1, 6, 7, 9, 11}) {
    std::vector<double> sd;
    for (std::int64_t i = 1; i <= 40; ++i) {
      const Eigen::ArrayXXd signal = noise_free(i, {}).signal;
      sd.push_back(std::sqrt((signal.col(lead) - signal.col(lead).mean()).square().mean()));
    }
    std::nth_element(sd.begin(), sd.begin() + 20, sd.end());
    EXPECT_TRUE(sd[20] > 0.07 && sd[20] < 0.3) << "lead " << lead << ": " << sd[20];
  }
}

}  // namespace
}  // namespace cardiograd::data::synthetic
