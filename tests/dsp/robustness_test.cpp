// Whatever the samples are: a value or a reason, in bounded time, and no exception.
#include <chrono>
#include <cmath>
#include <limits>
#include <numbers>

#include <gtest/gtest.h>

#include "dsp/delineation/r_peaks.h"
#include "dsp/features/clinical_measures.h"
#include "dsp/features/features.h"
#include "tests/dsp/synthetic_ecg.h"

namespace cardiograd::dsp {
namespace {

const double kNan = std::numeric_limits<double>::quiet_NaN();
const double kInfinity = std::numeric_limits<double>::infinity();
const std::vector<std::string> kTwelve = {"I", "II", "III", "AVR", "AVL", "AVF", "V1", "V2", "V3", "V4", "V5", "V6"};

std::vector<std::string> first_names(Eigen::Index leads) {
  return {kTwelve.begin(), kTwelve.begin() + leads};
}

void expect_results(const Eigen::ArrayXXd& signal, double rate, const std::string& unit, const std::string& what) {
  const auto start = std::chrono::steady_clock::now();
  const std::vector<std::string> names = first_names(signal.cols());
  const ecg::Recording recording{"r", rate, names, std::vector<std::string>(names.size(), unit), signal, {}};
  const FeatureRow row = compute_features(recording, {50.0, 1.0});
  for (std::size_t i = 0; i < row.values.size(); ++i) {
    EXPECT_EQ(std::isfinite(row.values[i]), row.reasons[i].empty()) << what << ": " << feature_columns()[i].name;
    EXPECT_FALSE(std::isinf(row.values[i])) << what;
  }
  const RPeaks peaks = detect_r_peaks(signal, rate);
  EXPECT_EQ(peaks.times_s.empty(), !peaks.reason.empty()) << what;
  const Delineation waves = delineate(signal, rate, peaks.times_s);
  const double seconds = static_cast<double>(signal.rows()) / rate;
  for (const BeatWaves& beat : waves.global) {
    EXPECT_TRUE(!beat.qrs.present() || (beat.qrs.peak_s >= 0.0 && beat.qrs.peak_s <= seconds)) << what;
    EXPECT_TRUE(!beat.p.present() || beat.p.onset_s <= beat.p.offset_s) << what;
    EXPECT_TRUE(!beat.t.present() || beat.t.onset_s <= beat.t.offset_s) << what;
  }
  if (!peaks.times_s.empty()) {
    ecg::Recording in_millivolts = recording;
    in_millivolts.units.assign(names.size(), "mV");
    const ClinicalMeasures measures =
        clinical_measures(in_millivolts, {}, working_signal(signal, rate), waves, peaks.gaps_s);
    for (const ClinicalMeasure& measure : measures.record) {
      EXPECT_EQ(std::isfinite(measure.value), measure.reason.empty()) << what << ": " << measure.name;
    }
  }
  EXPECT_LT(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(), 60.0) << what;
}

Eigen::ArrayXXd sinus(double rate = 250.0, Eigen::Index leads = 12, double seconds = 10.0) {
  return synthetic_ecg(regular_beats(seconds), seconds, rate, leads);
}

TEST(Robustness, LeadsThatFail) {
  for (int which = 0; which < 8; ++which) {
    Eigen::ArrayXXd x = sinus();
    if (which == 0) x.leftCols(11).setZero();  // One lead is left.
    if (which == 1) x.rightCols(11).setConstant(kNan);
    if (which == 2) x = x.max(-0.1).min(0.1).eval();                                             // Clipped.
    if (which == 3) x.col(0).swap(x.col(9));                                                     // Swapped.
    if (which == 4) x.topRows(1250).setConstant(kNan);                                           // Half is missing.
    if (which == 5) x.col(1) = x.col(1).unaryExpr([](double v) { return v > 0.5 ? kNan : v; });  // Gaps at R.
    if (which == 6) x.col(3).setConstant(kInfinity);
    if (which == 7) x.row(1000).setConstant(-kInfinity);
    expect_results(x, 250.0, "mV", "leads " + std::to_string(which));
  }
}

TEST(Robustness, AnyRateLengthAndLeadCount) {
  for (const double rate : {100.0, 128.0, 257.0, 360.0, 500.0, 977.3, 1000.0}) {
    for (const double seconds : {0.5, 1.0, 2.0, 3.7, 10.0}) {
      for (const Eigen::Index leads : {1, 2, 3, 12}) {
        expect_results(sinus(rate, leads, seconds), rate, "mV", std::to_string(rate) + " " + std::to_string(seconds));
      }
    }
  }
  for (const Eigen::Index samples : {0, 1, 2, 7}) {
    expect_results(Eigen::ArrayXXd::Random(samples, 12), 100.0, "mV", std::to_string(samples) + " samples");
  }
}

TEST(Robustness, OneBeatNoBeatAndNoiseOnly) {
  expect_results(synthetic_ecg(std::vector<double>{1.0}, 2.0, 250.0, 12), 250.0, "mV", "one beat");
  expect_results(synthetic_ecg(std::vector<double>{5.0}, 10.0, 250.0, 12), 250.0, "mV", "one beat in 10 s");
  expect_results(synthetic_ecg(std::vector<double>{}, 10.0, 250.0, 12, 0.1), 250.0, "mV", "noise only");
  expect_results(Eigen::ArrayXXd::Zero(2500, 12), 250.0, "mV", "flat");
  expect_results(Eigen::ArrayXXd::Constant(2500, 12, -32768.0), 250.0, "mV", "constant");
}

TEST(Robustness, OddRhythmsAndBeats) {
  const double rate = 500.0;
  const Eigen::ArrayXd time = Eigen::ArrayXd::LinSpaced(5000, 0.0, 9.998);
  Eigen::ArrayXXd flutter = sinus(rate);
  flutter.colwise() += 0.15 * (2.0 * std::numbers::pi * 5.0 * time).sin();
  expect_results(flutter, rate, "mV", "atrial flutter");
  Eigen::ArrayXXd ventricular(5000, 12);
  for (Eigen::Index l = 0; l < 12; ++l) ventricular.col(l) = (2.0 * std::numbers::pi * 4.5 * time + l).sin();
  expect_results(ventricular, rate, "mV", "ventricular flutter");
  // Wide complexes behind pacemaker stimuli of one sample.
  const std::vector<SyntheticWave> wide = {{0.0, 1.0, 0.04}, {0.08, -0.6, 0.04}, {0.32, -0.3, 0.06}};
  Eigen::ArrayXXd paced = synthetic_ecg(regular_beats(10.0), 10.0, rate, 12, 0.005, wide);
  for (const double beat : regular_beats(10.0)) paced.row(std::lround((beat - 0.1) * rate)).setConstant(3.0);
  expect_results(paced, rate, "mV", "paced");
  expect_results(synthetic_ecg(regular_beats(10.0, 0.26), 10.0, rate, 12), rate, "mV", "230 a minute");
  expect_results(synthetic_ecg(regular_beats(10.0, 3.1), 10.0, rate, 12), rate, "mV", "19 a minute");
}

TEST(Robustness, ExtremeValuesAndUnits) {
  Eigen::ArrayXXd extreme = sinus();
  for (Eigen::Index t = 0; t < extreme.rows(); ++t) {
    for (Eigen::Index l = 0; l < 12; ++l) extreme(t, l) = (t * 7 + l) % 3 == 0 ? 32767.0 : -32768.0;
  }
  expect_results(extreme, 250.0, "mV", "int16 extremes");
  expect_results(sinus() * 32767.0, 250.0, "adu", "no scale");
  expect_results(sinus() * 1e-12, 250.0, "V", "tiny");
  expect_results(sinus() * 1e12, 250.0, "", "huge");
  expect_results(sinus() * 1e300, 250.0, "mV", "squares are not finite");
  expect_results(sinus() + 1e9, 250.0, "mV", "a large offset");
}

}  // namespace
}  // namespace cardiograd::dsp
