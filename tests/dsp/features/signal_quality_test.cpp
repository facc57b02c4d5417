#include "dsp/features/signal_quality.h"

#include <cmath>
#include <limits>
#include <numbers>
#include <string>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/philox.h"

namespace cardiograd::dsp {
namespace {

constexpr double kRate = 500;

// R waves of 1 mV at 75 beats a minute and T waves, with Gaussian noise of `sd` mV.
Eigen::ArrayXXd ecg(double sd, double rate = kRate) {
  Eigen::ArrayXXd signal(static_cast<Eigen::Index>(10 * rate), 1);
  PhiloxStream random(3);
  for (Eigen::Index i = 0; i < signal.rows(); ++i) {
    const double t = std::fmod(static_cast<double>(i) / rate, 0.8);
    signal(i, 0) = std::exp(-0.5 * std::pow((t - 0.3) / 0.012, 2)) +
                   0.2 * std::exp(-0.5 * std::pow((t - 0.55) / 0.04, 2)) + sd * random.normal();
  }
  return signal;
}

LeadQuality one(const Eigen::ArrayXXd& signal, double rate = kRate, const std::string& unit = "mV") {
  return signal_quality(signal, rate, unit).at(0);
}

// White noise of SD s at rate r has 20 / (r / 2) of its power from 20 to 40 Hz; the filters, run both ways, take from
// the edges of that band.
TEST(SignalQuality, SwingAndNoiseAreWhatTheyAre) {
  for (const double rate : {100.0, 250.0, 500.0, 1000.0}) {
    const LeadQuality quality = one(ecg(0.05, rate), rate);
    const double expected = 0.05 * std::sqrt(20 / (rate / 2));
    EXPECT_TRUE(quality.noise >= 0.55 * expected && quality.noise <= 1.05 * expected) << rate << " " << quality.noise;
    EXPECT_TRUE(quality.swing > 0.85 && quality.swing < 1.35) << rate << " " << quality.swing;
    EXPECT_EQ(quality.fault, "");
  }
  const LeadQuality clean = one(ecg(0));
  EXPECT_TRUE(clean.snr_db > 45) << clean.snr_db;
  EXPECT_EQ(clean.remark, "");
}

TEST(SignalQuality, NoiseAloneIsAFaultAtEveryRateAndScale) {
  for (const double rate : {100.0, 250.0, 500.0, 1000.0}) {
    for (std::uint64_t stream = 0; stream < 20; ++stream) {
      PhiloxStream random(5, stream);
      Eigen::ArrayXXd signal(static_cast<Eigen::Index>(10 * rate), 1);
      for (Eigen::Index i = 0; i < signal.rows(); ++i) signal(i, 0) = 0.4 * random.normal();
      EXPECT_NE(one(signal, rate).fault.find("noise"), std::string::npos) << rate << " " << one(signal, rate).snr_db;
      EXPECT_NE(one(1e6 * signal, rate, "z").fault.find("noise"), std::string::npos);
    }
  }
}

TEST(SignalQuality, NoisyLeadsAreRemarkedNotRefused) {
  const LeadQuality quality = one(ecg(0.4));
  EXPECT_EQ(quality.fault, "");
  EXPECT_EQ(quality.remark, "noisy");
}

TEST(SignalQuality, Flat) {
  EXPECT_EQ(one(Eigen::ArrayXXd::Constant(5000, 1, 0.7)).fault, "flat");
  EXPECT_EQ(one(Eigen::ArrayXXd::Zero(1, 1)).fault, "flat");
  Eigen::ArrayXXd signal = ecg(0.01);
  signal.topRows(2600).setConstant(-1);
  EXPECT_EQ(one(signal).fault, "flat for 52 % of the time");
  signal = ecg(0.01);
  signal.topRows(1000).setConstant(0);
  EXPECT_EQ(one(signal).fault, "");
  EXPECT_EQ(one(signal).remark, "flat for 20 % of the time");
}

TEST(SignalQuality, Saturated) {
  Eigen::ArrayXXd signal = ecg(0.005);
  signal = signal.min(0.4);
  const LeadQuality quality = one(signal);
  EXPECT_TRUE(quality.saturated_fraction > 0.02 && quality.saturated_fraction < 0.06) << quality.saturated_fraction;
  EXPECT_NE(quality.fault.find("saturated for"), std::string::npos);
  EXPECT_EQ(one(ecg(0)).saturated_fraction, 0);
  // Steps of 10 uV: the baseline stands still at the lowest value, but no slope is cut off there.
  const Eigen::ArrayXXd coarse = (ecg(0) / 0.01).round() * 0.01;
  EXPECT_EQ(one(coarse).fault, "");
}

TEST(SignalQuality, Missing) {
  Eigen::ArrayXXd signal = ecg(0.01);
  signal.middleRows(100, 400).setConstant(std::nan(""));
  EXPECT_EQ(one(signal).fault, "");
  EXPECT_EQ(one(signal).remark, "8 % of the samples are missing");
  signal.middleRows(1000, 200).setConstant(std::numeric_limits<double>::infinity());
  EXPECT_EQ(one(signal).fault, "12 % of the samples are missing");
  EXPECT_EQ(one(Eigen::ArrayXXd::Constant(5000, 1, std::nan(""))).missing_fraction, 1);
}

TEST(SignalQuality, SwingsThatNoHeartMakes) {
  EXPECT_NE(one(0.01 * ecg(0.001)).fault.find("another unit"), std::string::npos);
  EXPECT_NE(one(100 * ecg(0.01)).fault.find("another unit"), std::string::npos);
  EXPECT_EQ(one(100 * ecg(0.01), kRate, "z").fault, "");
}

TEST(SignalQuality, Drift) {
  Eigen::ArrayXXd signal = ecg(0.01);
  for (Eigen::Index i = 0; i < signal.rows(); ++i)
    signal(i, 0) += 2 * std::sin(2 * std::numbers::pi * 0.2 * static_cast<double>(i) / kRate);
  const LeadQuality quality = one(signal);
  EXPECT_TRUE(std::abs(quality.drift - std::sqrt(2.0)) <= 0.1) << quality.drift;
  EXPECT_EQ(quality.remark, "baseline wanders");
}

TEST(SignalQuality, MainsJoltsAndLostContacts) {
  for (const double hertz : {50.0, 60.0}) {
    Eigen::ArrayXXd mains = ecg(0.005);
    for (Eigen::Index i = 0; i < mains.rows(); ++i)
      mains(i, 0) += 0.12 * std::sin(2 * std::numbers::pi * hertz * static_cast<double>(i) / kRate);
    EXPECT_TRUE(std::abs(one(mains).mains - 0.12) <= 0.01) << hertz << " " << one(mains).mains;
    EXPECT_NE(one(mains).remark.find("mains of 0.12 mV"), std::string::npos) << one(mains).remark;
  }
  EXPECT_TRUE(one(ecg(0.01)).mains < 0.02);
  Eigen::ArrayXXd jolt = ecg(0.005);
  for (Eigen::Index i = 2000; i < jolt.rows(); ++i)
    jolt(i, 0) += 3 * std::exp(-static_cast<double>(i - 2000) / (0.4 * kRate));
  EXPECT_NE(one(jolt).remark.find("jolts"), std::string::npos) << one(jolt).remark;
  Eigen::ArrayXXd lost = ecg(0.005);
  lost.middleRows(1000, 2000) *= 0.03;
  EXPECT_NE(one(lost).remark.find("contact lost"), std::string::npos) << one(lost).remark;
}

// Noise of the whole band of the ECG at 12 dB hides P: that is remarked, at 24 dB it is not.
TEST(SignalQuality, NoiseThatHidesPIsRemarked) {
  for (const bool hides : {true, false}) {
    const Eigen::ArrayXXd clean = ecg(0);
    const double sd = std::sqrt((clean - clean.mean()).square().mean()) * (hides ? 0.25 : 0.063);
    // White noise of the whole rate: 40 Hz of 250 are within the band.
    const LeadQuality quality = one(ecg(sd * std::sqrt(250.0 / 40.0)));
    EXPECT_EQ(quality.remark.find("noisy") != std::string::npos, hides) << quality.snr_db;
  }
}

// Long recordings are looked at a few leads at a time.
TEST(SignalQuality, LeadsOfLongRecordingsAreAsAlone) {
  const Eigen::ArrayXXd beats = ecg(0.02);
  constexpr Eigen::Index kLeads = 6;
  Eigen::ArrayXXd signal(40 * beats.rows(), kLeads);
  for (Eigen::Index lead = 0; lead < kLeads; ++lead)
    signal.col(lead) = (1 + static_cast<double>(lead)) * beats.col(0).replicate(40, 1);
  signal.col(4) = 0;
  ASSERT_GT(signal.size(), 1'000'000);
  const auto qualities = signal_quality(signal, kRate, "mV");
  ASSERT_EQ(qualities.size(), 6U);
  for (Eigen::Index lead = 0; lead < kLeads; ++lead) {
    const LeadQuality alone = one(signal.col(lead)), &among = qualities[static_cast<std::size_t>(lead)];
    EXPECT_NEAR(among.swing, alone.swing, 1e-9) << lead;
    EXPECT_NEAR(among.noise, alone.noise, 1e-9) << lead;
    EXPECT_EQ(among.fault, lead == 4 ? "flat" : "") << lead;
  }
}

TEST(SignalQuality, OddSizesAndValuesStayFinite) {
  for (const Eigen::Index samples : {0, 1, 2, 3, 7, 44, 45, 46, 101, 999}) {
    for (const double value : {1e-300, 1.0, 1e99, 1e300}) {
      Eigen::ArrayXXd signal(samples, 2);
      for (Eigen::Index i = 0; i < samples; ++i) signal.row(i).setConstant(i % 2 == 0 ? value : -value);
      for (const LeadQuality& quality : signal_quality(signal, 90, "mV")) {
        EXPECT_TRUE(std::isfinite(quality.swing) && std::isfinite(quality.noise) && std::isfinite(quality.snr_db) &&
                    std::isfinite(quality.drift))
            << samples << " " << value;
        EXPECT_TRUE(value == 1 || !quality.fault.empty()) << samples << " " << value;
      }
    }
  }
  EXPECT_TRUE(signal_quality(Eigen::ArrayXXd(100, 0), 100, "mV").empty());
  EXPECT_THROW(signal_quality(Eigen::ArrayXXd(100, 1), 89, "mV"), Error);
  EXPECT_THROW(signal_quality(Eigen::ArrayXXd(100, 1), std::nan(""), "mV"), Error);
}

}  // namespace
}  // namespace cardiograd::dsp
