#include "data/wfdb_leads.h"

#include <cmath>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/common/temporary_folder.h"
#include "tests/data/helpers.h"

namespace cardiograd::data {
namespace {

namespace fs = std::filesystem;
using cardiograd::testing::TemporaryFolder;
using testing::expect_error;
using testing::LogCapture;

ecg::Recording read(const fs::path& record) {
  return read_wfdb_leads(read_wfdb_header(record, {}, WfdbFaults::kWarn)).recording;
}

TEST(WfdbLeads, HaveAllSamplesOfTheirFrames) {
  TemporaryFolder folder;
  write_file(folder / "r.dat",
             std::string({'\x81', '\x82', '\x83', '\x84', '\x05', '\x85', '\x86', '\x00', '\x88', '\x09'}));
  write_file(folder / "r.hea", "r 2 2 2\nr.dat 80x4 1/mV 8 0 1 65437 0 II\nr.dat 80 1/NU 8 0 -123 65294 0 PLETH\n");
  const ecg::Recording recording = read(folder / "r");
  EXPECT_EQ(recording.rate, 8);
  EXPECT_EQ(recording.leads, std::vector<std::string>{"II"});
  ASSERT_EQ(recording.signal.rows(), 8);
  EXPECT_EQ(recording.signal(3, 0), 4);
  EXPECT_EQ(recording.signal(4, 0), 5);
  EXPECT_TRUE(std::isnan(recording.signal(6, 0)));
  ASSERT_EQ(recording.others.size(), 1U);
  EXPECT_EQ(recording.others[0].name, "PLETH");
  EXPECT_EQ(recording.others[0].reason, "unit NU");
  // Frames of a second, and leads of two rates.
  write_file(folder / "r.dat", std::string(10, '\x81'));
  write_file(folder / "r.hea", "r 2 1 2\nr.dat 80x4 1/mV 8 0 1 8 0 I\nr.dat 80 1/mV 8 0 1 2 0 II\n");
  const ecg::Recording two = read(folder / "r");
  EXPECT_EQ(two.rate, 4);
  EXPECT_EQ(two.leads, std::vector<std::string>{"I"});
  EXPECT_EQ(two.others.at(0).reason, "at 1 Hz");
}

// The samples of two leads of five frames: 1 to 5 and 2 to 6.
class WfdbLeadsFaults : public ::testing::Test {
 protected:
  void header(const std::string& lines, int signals = 2, int samples = 5) {
    write_file(folder_ / "r.hea", fmt::format("r {} 100 {}\n{}", signals, samples, lines));
  }
  void SetUp() override { write_file(folder_ / "r.dat", dat_); }

  TemporaryFolder folder_;
  const std::string dat_ = {1, 0, 2, 0, 2, 0, 3, 0, 3, 0, 4, 0, 4, 0, 5, 0, 5, 0, 6, 0};
};

TEST_F(WfdbLeadsFaults, AChecksumThatDoesNotFitIsWarnedAbout) {
  const LogCapture log;
  header("r.dat 16 1/mV 16 0 1 16 0 I\nr.dat 16 1/mV 16 0 2 21 0 II\n");
  EXPECT_EQ(read(folder_ / "r").signal(4, 1), 6);
  ASSERT_EQ(log.warnings.size(), 1U);
  EXPECT_TRUE(
      log.warned("r.hea: the samples have other checksums than the header says: lead I (15, the header says "
                 "16), II (20, the header says 21)"));
  header("r.dat 16 1/mV 16 0 1 15 0 I\nr.dat 16 1/mmHg 16 0 2 21 0 ABP\n");
  EXPECT_EQ(read(folder_ / "r").signal(4, 0), 5);
  EXPECT_EQ(log.warnings.size(), 1U) << "only what is read is compared";
}

TEST_F(WfdbLeadsFaults, WholeFramesOfAShorterFileAreRead) {
  const LogCapture log;
  header("r.dat 16 1/mV 16 0 1 99 0 I\nr.dat 16 1/mV 16 0 2 99 0 II\n", 2, 6);
  ecg::Recording recording = read(folder_ / "r");
  ASSERT_EQ(recording.signal.rows(), 5);
  EXPECT_EQ(recording.signal(4, 1), 6);
  ASSERT_EQ(log.warnings.size(), 1U) << "the checksums are of more than is there";
  EXPECT_TRUE(log.warned("r.dat: 20 bytes, expected 24: 5 of 6 samples are there"));
  write_file(folder_ / "r.dat", dat_.substr(0, 19));
  recording = read(folder_ / "r");
  ASSERT_EQ(recording.signal.rows(), 4);
  EXPECT_EQ(recording.signal(3, 1), 5);
  // Of several files the shortest counts.
  write_file(folder_ / "s.dat", "\x81\x82\x83");
  header("r.dat 16 1/mV 16 0 1 0 0 I\nr.dat 16 1/mV 16 0 2 0 0 II\ns.dat 80 1/mV 16 0 1 0 0 V1\n", 3);
  ASSERT_EQ(read(folder_ / "r").signal.rows(), 3);
  EXPECT_TRUE(log.warned("s.dat: 3 bytes, expected 5: 3 of 5 samples"));
  // Not a frame of rest, and not the samples of fewer signals: these would be taken for one another.
  write_file(folder_ / "r.dat", dat_.substr(0, 19));
  header("r.dat 16 1/mV 16 0 1 0 0 I\nr.dat 16 1/mV 16 0 2 0 0 II\n");
  const std::size_t warnings = log.warnings.size();
  EXPECT_EQ(read(folder_ / "r").signal.rows(), 4);
  EXPECT_EQ(log.warnings.size(), warnings + 1);
  // The samples of one signal, or both for half the time: initial values decide.
  write_file(folder_ / "r.dat", dat_.substr(0, 10));
  EXPECT_EQ(read(folder_ / "r").signal.rows(), 2);
  EXPECT_TRUE(log.warned("r.dat: 10 bytes, expected 20: 2 of 5 samples are there"));
  for (const char* second : {"3", "0"}) {
    header(std::string("r.dat 16 1/mV 16 0 1 0 0 I\nr.dat 16 1/mV 16 0 ") + second + " 0 0 II\n");
    expect_error(
        [&] { read(folder_ / "r"); },
        {"r.dat: 10 bytes are 1 samples for each of the 5 announced, or all 2 that the header names for 2 of"});
  }
  header("r.dat 16 1/mV 16 0 1 0 0 I\nr.dat 16 1/mV 16 0 2 0 0 II\n");
  for (const char* too_little : {"", "123"}) {
    write_file(folder_ / "r.dat", too_little);
    expect_error([&] { read(folder_ / "r"); }, {"r.dat: truncated: ", "expected 20"});
  }
}

// Memory is not taken for a header's word alone.
TEST_F(WfdbLeadsFaults, AFileMuchShorterThanAnnouncedTakesNoMemory) {
  const LogCapture log;
  header("~ 0 200 16 0 0 0 0 V1\nr.dat 16 1/mV 16 0 1 0 0 II\n", 2, 500'000'000);
  EXPECT_EQ(read(folder_ / "r").signal.rows(), 10);
}

TEST_F(WfdbLeadsFaults, WhatIsWrongWithOtherSignalsDoesNotMatter) {
  const LogCapture log;
  const std::string lead = "r.dat 80 1/mV 16 0 1 0 0 II\n";
  write_file(folder_ / "short.dat", "1");
  for (const char* other :
       {"gone.dat 16 1/mmHg 16 0 1 0 0 ABP\n", "short.dat 16 1/mmHg 16 0 1 0 0 ABP\n",
        "m.dat 99 1/mmHg 16 0 1 0 0 ABP\n", "r.dat 80 nan/mmHg 16 0 1 0 0 ABP\n", "r.dat 80 1/mmHg x 0 1 0 0 ABP\n"}) {
    SCOPED_TRACE(other);
    header(lead + other);
    const WfdbLeads leads = read_wfdb_leads(read_wfdb_header(folder_ / "r", {}, WfdbFaults::kWarn));
    EXPECT_EQ(leads.recording.leads, std::vector<std::string>{"II"});
    EXPECT_EQ(leads.recording.signal.rows(), 5);
    EXPECT_EQ(leads.recording.others.at(0).name, "ABP");
    EXPECT_EQ(leads.digital.header.leads(), std::vector<std::string>{"II"});
    EXPECT_EQ(leads.digital.signals.size(), 1U);
  }
  EXPECT_FALSE(log.warned("ABP"));
  // A lead of the heart whose line cannot be read is left aside, too, and the only one is refused.
  header(lead + "r.dat 80 nan/mV 16 0 1 0 0 V1\n");
  const ecg::Recording recording = read(folder_ / "r");
  EXPECT_EQ(recording.leads, std::vector<std::string>{"II"});
  EXPECT_NE(recording.others.at(0).reason.find("line 3: gain is nan"), std::string::npos);
  header("r.dat 80 nan/mV 16 0 1 0 0 V1\n", 1);
  expect_error([&] { read(folder_ / "r"); }, {"r.hea:2: gain is nan"});
  // A lead whose file is missing was not brought along.
  header(lead + "gone.dat 16 1/mV 16 0 1 0 0 V1\n");
  expect_error([&] { read(folder_ / "r"); }, {"gone.dat: the signal file is missing"});
}

}  // namespace
}  // namespace cardiograd::data
