#include "data/beats.h"

#include <cmath>

#include <gtest/gtest.h>

#include "data/wfdb.h"
#include "tests/common/temporary_folder.h"
#include "tests/data/helpers.h"

namespace cardiograd::data {
namespace {

// A narrow peak each second in both leads, 1 and 0.5 mV high.
ecg::Recording peaks(double rate, double seconds) {
  const auto samples = static_cast<Eigen::Index>(rate * seconds);
  ecg::Recording recording{"", rate, {"I", "II"}, {"mV", "mV"}, Eigen::ArrayXXd(samples, 2), {}};
  for (Eigen::Index t = 0; t < samples; ++t) {
    const double x = (std::fmod(static_cast<double>(t) / rate, 1.0) - 0.5) / 0.012;
    recording.signal(t, 0) = std::exp(-0.5 * x * x);
    recording.signal(t, 1) = 0.5 * recording.signal(t, 0);
  }
  return recording;
}

class BeatsTest : public ::testing::Test {
 protected:
  Beats beats_of(const ecg::Recording& recording, double gain = 1000) const {
    write_wfdb(folder_.path(), "r", recording, gain);
    return find_beats(folder_.path() / "r");
  }
  cardiograd::testing::TemporaryFolder folder_;
};

TEST_F(BeatsTest, AreFoundWithTheirWaves) {
  const Beats beats = beats_of(peaks(250, 10));
  EXPECT_EQ(beats.unit, "mV");
  ASSERT_EQ(beats.peaks.times_s.size(), 10U);
  EXPECT_EQ(beats.waves.global.size(), 10U);
  ASSERT_EQ(beats.waves.leads.size(), 2U);
  for (std::size_t beat = 1; beat + 1 < 10; ++beat) {
    EXPECT_TRUE(std::abs(beats.peaks.times_s[beat] - (static_cast<double>(beat) + 0.5)) <= 0.02);
    EXPECT_TRUE(beats.waves.global[beat].qrs.present());
  }
}

TEST_F(BeatsTest, LeadsComeToTheirCommonUnit) {
  ecg::Recording recording = peaks(250, 10);
  recording.units[1] = "uV";
  recording.signal.col(1) *= 1000;
  const Beats beats = beats_of(recording, 30);
  EXPECT_EQ(beats.unit, "mV");
  EXPECT_TRUE(std::abs(beats.recording.signal.col(1).maxCoeff() - 0.5) <= 1e-3);
}

// A marker or a pulse wave beside it changes nothing about an ECG.
TEST_F(BeatsTest, WhatIsNoEcgIsLeftAside) {
  const Beats alone = beats_of(peaks(250, 10));
  for (const auto& [name, unit] : {std::pair{"ABP", "mmHg"}, {"PLETH", "NU"}, {"marker", "V"}, {"III", "mmHg"}}) {
    ecg::Recording recording = peaks(250, 10);
    recording.leads.emplace_back(name);
    recording.units.emplace_back(unit);
    recording.signal.conservativeResize(Eigen::NoChange, 3);
    for (Eigen::Index t = 0; t < recording.signal.rows(); ++t) recording.signal(t, 2) = t / 100 % 3 == 0 ? 20 : -5;
    const Beats beats = beats_of(recording);
    EXPECT_EQ(beats.unit, "mV");
    EXPECT_EQ(beats.peaks.times_s, alone.peaks.times_s) << name;
    ASSERT_EQ(beats.recording.others.size(), 1U);
    EXPECT_EQ(beats.recording.others[0].name, name);
  }
}

TEST_F(BeatsTest, NoBeatsHaveAReason) {
  ecg::Recording recording = peaks(250, 10);
  recording.signal.setZero();
  const Beats beats = beats_of(recording);
  EXPECT_FALSE(beats.peaks.reason.empty());
  EXPECT_TRUE(beats.waves.global.empty());
  EXPECT_EQ(beats.waves.leads.size(), 2U);
  EXPECT_EQ(beats.signal.samples.size(), 0);
}

}  // namespace
}  // namespace cardiograd::data
