#include "dsp/features/clinical_measures.h"

#include <cmath>
#include <limits>
#include <numbers>

#include <gtest/gtest.h>

#include "base/error.h"
#include "dsp/delineation/r_peaks.h"
#include "dsp/features/features.h"
#include "tests/dsp/synthetic_ecg.h"

namespace cardiograd::dsp {
namespace {

const double kNan = std::numeric_limits<double>::quiet_NaN();
const std::vector<std::string> kTwelve = {"I", "II", "III", "AVR", "AVL", "AVF", "V1", "V2", "V3", "V4", "V5", "V6"};

struct Case {
  Eigen::ArrayXXd signal;
  std::vector<std::string> names;
  double rate = 500.0;
  std::string unit = "mV";
  double sex = kNan;
};

ecg::Recording recording_of(const Case& c) {
  return {"r", c.rate, c.names, std::vector<std::string>(c.names.size(), c.unit), c.signal, {}};
}

ClinicalMeasures measured(const Case& c) {
  const ecg::Recording recording = recording_of(c);
  const ecg::Person person{.sex = c.sex};
  const RPeaks peaks = detect_r_peaks(c.signal, c.rate);
  if (peaks.times_s.empty()) {
    return clinical_measures(recording, person, {}, delineate(c.signal, c.rate, {}), {});
  }
  const WorkingSignal working = working_signal(c.signal, c.rate);
  return clinical_measures(recording, person, working, delineate(working, peaks.times_s), peaks.gaps_s);
}

const ClinicalMeasure& named(const ClinicalMeasures& measures, std::string_view name) {
  for (const ClinicalMeasure& measure : measures.record) {
    if (measure.name == name) return measure;
  }
  throw std::runtime_error("no measure " + std::string(name));
}

TEST(ClinicalMeasures, IntervalsOfKnownWaves) {
  for (const double rr : {0.7, 0.9, 1.2}) {
    const Eigen::ArrayXXd x = synthetic_ecg(regular_beats(12.0, rr), 12.0, 500.0, 12);
    const ClinicalMeasures found = measured({x, kTwelve});
    // As in the tests of the delineation: P begins 60 ms before its peak at -160 ms, QRS at -52 ms.
    EXPECT_NEAR(named(found, "pr_interval_ms").value, 160.0 + 60.0 - 52.0, 25.0);
    EXPECT_NEAR(named(found, "p_duration_ms").value, 112.0, 25.0);
    const FeatureRow row = compute_features(recording_of({x, kTwelve}), {});
    const auto columns = feature_columns();
    double qt = kNan;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (columns[i].name == "qt_mean_ms") qt = row.values[i];
    }
    EXPECT_NEAR(named(found, "qtc_bazett_ms").value, qt / std::pow(rr, 0.5), 0.3);
    EXPECT_NEAR(named(found, "qtc_fridericia_ms").value, qt / std::pow(rr, 1.0 / 3.0), 0.3);
    EXPECT_NEAR(named(found, "qtc_framingham_ms").value, qt + 154.0 * (1.0 - rr), 0.3);
  }
}

// A dipole at a known angle: lead I is its cosine, aVF sqrt(3) / 2 times its sine, II and III by Einthoven's law.
TEST(ClinicalMeasures, FrontalAxis) {
  const Eigen::ArrayXXd beat = synthetic_ecg(regular_beats(10.0), 10.0, 500.0, 1, 0.0);
  for (const double degrees : {-150.0, -60.0, 0.0, 45.0, 90.0, 135.0, 180.0}) {
    const double angle = degrees * std::numbers::pi / 180.0;
    const double one = std::cos(angle), foot = 0.5 * std::numbers::sqrt3 * std::sin(angle);
    Eigen::ArrayXXd x(beat.rows(), 4);
    PhiloxStream random(5);
    const double gains[] = {one, foot, foot + 0.5 * one, foot - 0.5 * one};
    for (Eigen::Index l = 0; l < 4; ++l) {
      for (Eigen::Index t = 0; t < x.rows(); ++t) x(t, l) = gains[l] * beat(t, 0) + 0.003 * random.normal();
    }
    const std::vector<std::vector<std::string>> choices = {{"I", "aVF"}, {"I", "II"}, {"i", "iii"}};
    for (std::size_t c = 0; c < choices.size(); ++c) {
      Eigen::ArrayXXd two(x.rows(), 2);
      two.col(0) = x.col(0);
      two.col(1) = x.col(static_cast<Eigen::Index>(c) + 1);
      const ClinicalMeasure axis = named(measured({two, choices[c]}), "frontal_axis_deg");
      EXPECT_TRUE(std::abs(std::remainder(axis.value - degrees, 360.0)) < 4.0) << degrees << ": " << axis.value;
    }
  }
  const ClinicalMeasure none = named(measured({beat, {"I"}}), "frontal_axis_deg");
  EXPECT_TRUE(std::isnan(none.value));
  EXPECT_EQ(none.reason, "lead I and one of aVF, II, III are needed");
}

TEST(ClinicalMeasures, HeightsAndStLevels) {
  // Lead l is the made-up beat times 1, 0.8, -0.6, 1.2, 0.5, -0.9, 0.7, ...; the ST segment is raised by 0.15.
  std::vector<SyntheticWave> waves = kSinusBeat;
  waves.back().delay_s = 0.38;
  for (double delay = 0.04; delay < 0.28; delay += 0.02) waves.push_back({delay, 0.075, 0.016});
  const Eigen::ArrayXXd x = synthetic_ecg(regular_beats(10.0, 0.9), 10.0, 500.0, 12, 0.002, waves);
  const ClinicalMeasures found = measured({x, kTwelve});
  ASSERT_EQ(found.leads.size(), 12U);
  EXPECT_NEAR(found.leads[0].r_mv, 1.0, 0.12);
  EXPECT_NEAR(found.leads[1].r_mv, 0.8 * found.leads[0].r_mv, 0.02);
  EXPECT_NEAR(found.leads[2].s_mv, 0.6 * found.leads[0].r_mv, 0.02);  // Upside down.
  EXPECT_NEAR(found.leads[0].st_mv, 0.15, 0.02);
  EXPECT_NEAR(found.leads[5].st_mv, -0.9 * found.leads[0].st_mv, 0.01);
  EXPECT_EQ(found.leads[0].st_note, "elevated");
  EXPECT_EQ(found.leads[5].st_note, "depressed");
  EXPECT_EQ(found.leads[3].st_note, "");  // aVR is not judged.
  EXPECT_NEAR(named(found, "sokolow_lyon_mv").value,
              found.leads[6].s_mv + std::max(found.leads[10].r_mv, found.leads[11].r_mv), 1e-12);
  EXPECT_NEAR(named(found, "cornell_mv").value, found.leads[4].r_mv + found.leads[8].s_mv, 1e-12);

  const ClinicalMeasures micro = measured({x * 1000.0, kTwelve, 500.0, "uV"});
  for (std::size_t i = 0; i < found.record.size(); ++i) {
    EXPECT_NEAR(micro.record[i].value, found.record[i].value, 1e-6 * (1.0 + std::abs(found.record[i].value)));
  }
  EXPECT_NEAR(micro.leads[0].r_mv, found.leads[0].r_mv, 1e-6);
}

TEST(ClinicalMeasures, LimitsDependOnSexAndLead) {
  const Eigen::ArrayXXd x = synthetic_ecg(regular_beats(10.0), 10.0, 500.0, 12);
  EXPECT_EQ(named(measured({x, kTwelve, 500.0, "mV", 0.0}), "qtc_bazett_ms").usual->high, 450.0);
  EXPECT_EQ(named(measured({x, kTwelve, 500.0, "mV", 1.0}), "qtc_bazett_ms").usual->high, 460.0);
  EXPECT_EQ(named(measured({x, kTwelve, 500.0, "mV", kNan}), "qtc_bazett_ms").usual->high, 460.0);
  EXPECT_EQ(named(measured({x, kTwelve, 500.0, "mV", 1.0}), "cornell_mv").usual->high, 2.0);
  EXPECT_EQ(named(measured({x, kTwelve, 500.0, "mV", 0.0}), "cornell_mv").usual->high, 2.8);
}

TEST(ClinicalMeasures, MissingValuesHaveReasons) {
  const std::vector<SyntheticWave> no_p(kSinusBeat.begin() + 1, kSinusBeat.end());
  const Eigen::ArrayXXd flat = Eigen::ArrayXXd::Zero(5000, 12);
  Eigen::ArrayXXd some = synthetic_ecg(regular_beats(10.0), 10.0, 500.0, 12);
  some.col(6).setConstant(kNan);
  some.col(10).setZero();
  some.col(11).setZero();
  const std::vector<Case> cases = {{flat, kTwelve},
                                   {some, kTwelve},
                                   {synthetic_ecg(regular_beats(10.0), 10.0, 500.0, 12), kTwelve, 500.0, "z"},
                                   {synthetic_ecg(std::vector<double>{1.0}, 2.0, 500.0, 12), kTwelve},
                                   {synthetic_ecg(regular_beats(10.0), 10.0, 500.0, 12, 0.005, no_p), kTwelve}};
  for (const Case& c : cases) {
    const ClinicalMeasures found = measured(c);
    for (const ClinicalMeasure& measure : found.record) {
      EXPECT_EQ(std::isnan(measure.value), !measure.reason.empty()) << measure.name << " " << measure.reason;
    }
    for (const LeadMeasures& lead : found.leads) EXPECT_EQ(std::isnan(lead.r_mv), !lead.reason.empty());
  }
  EXPECT_EQ(named(measured(cases[0]), "pr_interval_ms").reason, "no beats");
  EXPECT_EQ(named(measured(cases[1]), "sokolow_lyon_mv").reason, "V1 and one of V5, V6 are needed");
  EXPECT_EQ(measured(cases[1]).leads[6].reason, "no QRS complex in this lead");
  EXPECT_EQ(named(measured(cases[2]), "frontal_axis_deg").reason, "no scale");
  EXPECT_EQ(named(measured(cases[3]), "qtc_bazett_ms").reason,
            "no RR interval between 180 and 3000 ms without missing samples");
  EXPECT_EQ(named(measured(cases[4]), "pr_interval_ms").reason, "no P wave");
  EXPECT_THROW(clinical_measures(recording_of({flat, {"I"}}), {}, {}, delineate(flat, 500.0, {}), {}), Error);
}

}  // namespace
}  // namespace cardiograd::dsp
