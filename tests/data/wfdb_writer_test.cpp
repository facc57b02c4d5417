#include <cmath>
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "base/philox.h"
#include "data/wfdb.h"
#include "tests/common/temporary_folder.h"
#include "tests/data/helpers.h"

namespace cardiograd::data {
namespace {

using cardiograd::testing::TemporaryFolder;
using testing::expect_error;

ecg::Recording sample_recording() {
  ecg::Recording recording{"any",           360.5, {"I", "lead two", "V1"}, {"mV", "uV", "z"}, Eigen::ArrayXXd(37, 3),
                           {"age: 61", "x"}};
  PhiloxStream random(3);
  for (Eigen::Index t = 0; t < 37; ++t)
    for (Eigen::Index lead = 0; lead < 3; ++lead)
      recording.signal(t, lead) = std::round(random.uniform(-30, 30) * 1000) / 1000;
  recording.signal(4, 1) = std::numeric_limits<double>::quiet_NaN();
  return recording;
}

TEST(WfdbWriter, ReadsBackWhatItWrote) {
  TemporaryFolder folder;
  const ecg::Recording written = sample_recording();
  write_wfdb(folder.path(), "rec_1", written);
  const DigitalRecording digital = read_wfdb_digital(folder / "rec_1");
  for (const auto& signal : digital.header.signals) {
    EXPECT_TRUE(signal.checksum.has_value());  // Reading has compared it.
    EXPECT_TRUE(signal.initial_value.has_value());
  }
  const ecg::Recording recording = to_physical(digital);
  EXPECT_EQ(recording.name, "rec_1");
  EXPECT_EQ(recording.rate, written.rate);
  EXPECT_EQ(recording.leads, written.leads);
  EXPECT_EQ(recording.units, written.units);
  EXPECT_EQ(recording.comments, written.comments);
  ASSERT_EQ(recording.signal.rows(), 37);
  for (Eigen::Index lead = 0; lead < 3; ++lead) {
    for (Eigen::Index t = 0; t < 37; ++t) {
      if (t == 4 && lead == 1) {
        EXPECT_TRUE(std::isnan(recording.signal(t, lead)));
      } else {
        EXPECT_TRUE(std::abs(recording.signal(t, lead) - written.signal(t, lead)) <= 1e-12);
      }
    }
  }
}

TEST(WfdbWriter, HeaderLooksLikePtbxl) {
  TemporaryFolder folder;
  ecg::Recording recording{"", 100, {"I"}, {"mV"}, Eigen::ArrayXXd::Constant(2, 1, -0.001), {}};
  write_wfdb(folder.path(), "00001_lr", recording);
  EXPECT_EQ(read_file(folder / "00001_lr.hea"), "00001_lr 1 100 2\n00001_lr.dat 16 1000(0)/mV 16 0 -1 -2 0 I\n");
  EXPECT_EQ(read_file(folder / "00001_lr.dat"), "\xFF\xFF\xFF\xFF");
}

TEST(WfdbWriter, RefusesWhatTheFormatCannotHold) {
  TemporaryFolder folder;
  const auto expect_bad = [&](const ecg::Recording& recording, double gain, const std::string& name,
                              std::initializer_list<std::string_view> parts) {
    expect_error([&] { write_wfdb(folder.path(), name, recording, gain); }, parts);
    EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  };
  ecg::Recording recording = sample_recording();
  recording.signal(7, 2) = 40;
  expect_bad(recording, 1000, "r", {"lead V1", "sample 7", "40 z", "16 bits"});
  recording.signal(7, 2) = std::numeric_limits<double>::infinity();
  expect_bad(recording, 1000, "r", {"lead V1", "inf"});
  expect_bad(sample_recording(), 0, "r", {"gain 0"});
  expect_bad(sample_recording(), 1000, "../r", {"'../r'", "letters"});
  expect_bad(sample_recording(), 1000, "", {"name"});
  recording = sample_recording();
  recording.leads[1] = "two\nlines";
  expect_bad(recording, 1000, "r", {"lead name"});
  recording = sample_recording();
  recording.units[1] = "m V";
  expect_bad(recording, 1000, "r", {"unit \"m V\""});
  recording = sample_recording();
  recording.comments[0] = "a\nb";
  expect_bad(recording, 1000, "r", {"comment"});
  recording = sample_recording();
  recording.leads.pop_back();
  expect_bad(recording, 1000, "r", {"2 lead names"});
  recording = sample_recording();
  recording.rate = 0;
  expect_bad(recording, 1000, "r", {"sampling rate 0"});
}

}  // namespace
}  // namespace cardiograd::data
