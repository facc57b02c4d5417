#include "data/wfdb_segments.h"

#include <cmath>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "data/wfdb.h"
#include "tests/common/temporary_folder.h"
#include "tests/data/helpers.h"

namespace cardiograd::data {
namespace {

using cardiograd::testing::TemporaryFolder;
using nlohmann::json;
using testing::expect_error;
using testing::golden_folder;

ecg::Recording read(const std::filesystem::path& record) {
  return read_wfdb_segments(read_wfdb_header(record, {}, WfdbFaults::kWarn));
}

// Golden values by scripts/golden/wfdb_records.py.
TEST(WfdbSegments, EqualThePythonPackage) {
  const json golden = json::parse(read_file(golden_folder() / "wfdb_records.json")).at("segments");
  EXPECT_EQ(golden.size(), 2U);
  for (const auto& [name, leads] : golden.items()) {
    const ecg::Recording recording = read(golden_folder() / "wfdb" / name);
    EXPECT_EQ(recording.rate, 125);
    EXPECT_EQ(recording.leads, (std::vector<std::string>{"I", "V2"}));
    ASSERT_EQ(recording.signal.rows(), static_cast<Eigen::Index>(leads[0].size()));
    for (Eigen::Index lead = 0; lead < 2; ++lead)
      for (Eigen::Index t = 0; t < recording.signal.rows(); ++t) {
        const json& expected = leads[static_cast<std::size_t>(lead)][static_cast<std::size_t>(t)];
        const double value = recording.signal(t, lead);
        EXPECT_TRUE(expected.is_null() ? std::isnan(value) : std::abs(value - expected.get<double>()) <= 1e-12)
            << name << " " << lead << " " << t << ": " << value;
      }
  }
  EXPECT_EQ(read(golden_folder() / "wfdb" / "fixed").comments, std::vector<std::string>{"age: 70"});
  const auto others = read(golden_folder() / "wfdb" / "variable").others;
  ASSERT_EQ(others.size(), 1U);
  EXPECT_EQ(others[0].name, "ABP");
}

TEST(WfdbSegments, ContradictionsAreNamed) {
  const TemporaryFolder folder;
  ecg::Recording part{"", 100, {"I", "II"}, {"mV", "mV"}, Eigen::ArrayXXd::Ones(10, 2), {}};
  write_wfdb(folder.path(), "s1", part);
  const auto expect = [&](const std::string& header, std::initializer_list<std::string_view> parts) {
    write_file(folder / "r.hea", header);
    expect_error([&] { read(folder / "r"); }, parts);
  };
  expect("r/2 2 100 20\ns1 10\ns2 10\n", {"s2.hea"});
  expect("r/2 2 100 19\ns1 9\ns1 10\n", {"s1.hea: 10 samples", "announces 9"});
  expect("r/1 2 100 11\ns1 11\n", {"s1.hea: 10 samples", "announces 11"});
  expect("r/1 2 200 10\ns1 10\n", {"100 frames per second", "says 200"});
  expect("r/1 2 100 11\ns1 10\n", {"the segments have 10 samples", "announces 11"});
  expect("r/1 2 100 10\n~ 10\n", {"all 1 segments are gaps"});
  part.signal.conservativeResize(10, 1);
  part.leads.pop_back();
  part.units.pop_back();
  write_wfdb(folder.path(), "s2", part);
  expect("r/2 2 100 20\ns1 10\ns2 10\n", {"s2.hea: signal II is missing"});
  // One part of a record is read as the record that it is; training takes no others.
  write_file(folder / "r.hea", "r/2 2 100 20\ns1 10\ns1 10\n");
  EXPECT_EQ(read(folder / "r").signal.rows(), 20);
  expect_error([&] { read_wfdb_digital(folder / "r"); }, {"consists of 2 segments"});
}

// A segment without stored signals is a gap, as "~" is.
TEST(WfdbSegments, NullSegmentsAreGaps) {
  const TemporaryFolder folder;
  write_wfdb(folder.path(), "s1", {"", 100, {"I", "II"}, {"mV", "mV"}, Eigen::ArrayXXd::Ones(10, 2), {}});
  write_file(folder / "n1.hea", "n1 2 100 10\n~ 0 1000/mV 16 0 0 0 0 I\n~ 0 1000/mV 16 0 0 0 0 II\n");
  write_file(folder / "n2.hea", "n2 0 100 10\n");
  write_file(folder / "r.hea", "r/4 2 100 40\nn2 10\ns1 10\nn1 10\ns1 10\n");
  const ecg::Recording recording = read(folder / "r");
  ASSERT_EQ(recording.signal.rows(), 40);
  EXPECT_TRUE(recording.signal.topRows(10).isNaN().all());
  EXPECT_TRUE((recording.signal.middleRows(10, 10) == 1).all());
  EXPECT_TRUE(recording.signal.middleRows(20, 10).isNaN().all());
  EXPECT_TRUE((recording.signal.bottomRows(10) == 1).all());
  write_file(folder / "r.hea", "r/1 2 100 10\nn2 10\n");
  expect_error([&] { read(folder / "r"); }, {"all 1 segments are gaps"});
}

TEST(WfdbSegments, FaultsThatLeaveAMeaningAreWarnedAbout) {
  const TemporaryFolder folder;
  const testing::LogCapture log;
  write_wfdb(folder.path(), "s1", {"", 100, {"I"}, {"mV"}, Eigen::ArrayXXd::Ones(10, 1), {}});
  write_file(folder / "s2.hea", "s2 2 100 10\ns1.dat 16 1000/mV 16 0 0 7 0 I\ngone.dat 16 1/mmHg 16 0 0 0 0 ABP\n");
  write_file(folder / "r.hea", "r/2 1 100 20\ns1 10\ns2 10\n");
  EXPECT_EQ(read(folder / "r").signal.rows(), 20);
  EXPECT_TRUE(log.warned("s2.hea: the samples have other checksums"));
  // Cut by the header, by its lines and by the file.
  write_file(folder / "r.hea", "r/2 1 100 14\ns1 10\ns1 4\n");
  EXPECT_EQ(read(folder / "r").signal.rows(), 14);
  write_file(folder / "r.hea", "r/3 1 100 30\ns1 10\ns1 10\n");
  EXPECT_EQ(read(folder / "r").signal.rows(), 20);
  EXPECT_TRUE(log.warned("r.hea: 3 segments are announced, 2 have a line and are read"));
  std::filesystem::resize_file(folder / "s1.dat", 8);
  const ecg::Recording recording = read(folder / "r");
  EXPECT_EQ(recording.signal(13, 0), 1);
  EXPECT_TRUE(std::isnan(recording.signal(14, 0)));
  EXPECT_TRUE(log.warned("s1.dat: 8 bytes, expected 20: 4 of 10 samples"));
}

TEST(WfdbSegments, LeadsOfALayoutInOtherSpellings) {
  const TemporaryFolder folder;
  write_file(folder / "lay.hea",
             "lay 3 100 0\n~ 0 1/mV 16 0 0 0 0 aVR\n~ 0 1/mV 16 0 0 0 0 II\n"
             "~ 0 1/mV 16 0 0 0 0 V3\n");
  write_file(folder / "r.hea", "r/4 3 100 8\nlay 0\ns1 2\ns2 2\ns3 4\n");
  const auto segment = [&](const std::string& name, const std::string& lines) {
    write_file(folder / (name + ".hea"), name + lines);
    write_file(folder / (name + ".dat"), "\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8A\x8B\x8C");
  };
  segment("s1", " 2 100 2\ns1.dat 80 1/mV 8 0 1 4 0 AVR\ns1.dat 80 1/mV 8 0 2 6 0 ii\n");
  segment("s2", " 2 100 2\ns2.dat 80 1/mV 8 0 1 4 0 Lead II\ns2.dat 80 1/mV 8 0 2 6 0 ECG aVR\n");
  segment("s3",
          " 3 100 4\ns3.dat 80 1/mV 8 0 1 22 0 -aVR\ns3.dat 80 1/mV 8 0 2 26 0 C3\ns3.dat 80 1/mV 8 0 3 30 0 II\n");
  const ecg::Recording recording = read(folder / "r");
  ASSERT_EQ(recording.signal.rows(), 8);
  EXPECT_EQ(recording.signal(1, 0), 3);
  EXPECT_EQ(recording.signal(1, 1), 4);
  EXPECT_EQ(recording.signal(2, 0), 2);
  EXPECT_EQ(recording.signal(2, 1), 1);
  EXPECT_EQ(recording.signal(7, 1), 12);
  EXPECT_TRUE(recording.signal.col(0).tail(4).isNaN().all()) << "upside down";
  EXPECT_TRUE(recording.signal.col(2).isNaN().all()) << "C3 alone is an electrode of an EEG";
}

TEST(WfdbSegments, SegmentsOfSegmentsAreRefused) {
  const TemporaryFolder folder;
  write_wfdb(folder.path(), "s1", {"", 100, {"I"}, {"mV"}, Eigen::ArrayXXd::Ones(10, 1), {}});
  write_file(folder / "inner.hea", "inner/1 1 100 10\ns1 10\n");
  write_file(folder / "self.hea", "self/2 1 100 20\nself 10\nself 10\n");
  write_file(folder / "outer.hea", "outer/2 1 100 20\ns1 10\ninner 10\n");
  expect_error([&] { read(folder / "self"); }, {"self.hea: its segment self consists of segments itself"});
  expect_error([&] { read(folder / "outer"); }, {"outer.hea: its segment inner consists of segments itself"});
}

// Without a layout segment, too, names say which signal is which.
TEST(WfdbSegments, FixedLayoutsWithOtherSignals) {
  const TemporaryFolder folder;
  const testing::LogCapture log;
  const auto segment = [&](const std::string& name, const std::vector<std::string>& leads) {
    std::string header = name + " " + std::to_string(leads.size()) + " 100 2\n", data;
    for (std::size_t i = 0; i < leads.size(); ++i) header += name + ".dat 80 1/mV 8 0 " + leads[i] + "\n";
    for (int t = 0; t < 2; ++t)
      for (const std::string& lead : leads) data += static_cast<char>(0x80 + (lead.ends_with("II") ? 20 : 10) + t);
    write_file(folder / (name + ".hea"), header);
    write_file(folder / (name + ".dat"), data);
  };
  const auto join = [&](const std::string& first, const std::string& second, int signals = 2) {
    write_file(folder / "r.hea", "r/2 " + std::to_string(signals) + " 100 4\n" + first + " 2\n" + second + " 2\n");
    return read(folder / "r");
  };
  segment("s", {"0 0 I", "0 0 II"});
  segment("swapped", {"0 0 Lead II", "0 0 i"});
  segment("more", {"0 0 V1", "0 0 I", "0 0 II", "0 0 ABP"});
  segment("one", {"0 0 I"});
  segment("others", {"0 0 V1", "0 0 V2"});
  write_file(folder / "nameless.hea", "nameless 2 100 2\ns.dat 80 1/mV\ns.dat 80 1/mV\n");
  for (const char* second : {"s", "swapped", "more", "nameless"}) {
    const ecg::Recording recording = join("s", second);
    ASSERT_EQ(recording.signal.rows(), 4) << second;
    EXPECT_EQ(recording.leads, (std::vector<std::string>{"I", "II"}));
    EXPECT_EQ(recording.signal(0, 0), 10) << second;
    EXPECT_EQ(recording.signal(3, 0), 11) << second;
    EXPECT_EQ(recording.signal(3, 1), 21) << second;
  }
  EXPECT_TRUE(log.warned("swapped.hea: signals in another order than in"));
  EXPECT_TRUE(log.warned("more.hea: signals in another order than in"));
  EXPECT_TRUE(log.warned("more.hea: lead V1 is not in"));
  EXPECT_FALSE(log.warned("nameless.hea: signals"));
  EXPECT_EQ(join("nameless", "s").signal(3, 1), 21);
  expect_error([&] { join("s", "one"); }, {"one.hea: signal II is missing", "s.hea has it"});
  expect_error([&] { join("s", "others"); }, {"others.hea: signal I is missing"});
  expect_error([&] { join("one", "s"); }, {"one.hea: 1 signals", "r.hea announces 2"});
  EXPECT_EQ(join("one", "s", 1).signal.cols(), 1);
  EXPECT_TRUE(log.warned("s.hea: lead II is not in"));
}

}  // namespace
}  // namespace cardiograd::data
