#include "data/wfdb.h"

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include "data/source_recording.h"
#include "data/wfdb_decode.h"
#include "ecg/leads.h"
#include "tests/common/temporary_folder.h"
#include "tests/common/test_data.h"
#include "tests/data/helpers.h"

namespace cardiograd::data {
namespace {

namespace fs = std::filesystem;
using cardiograd::testing::data_folder;
using cardiograd::testing::TemporaryFolder;
using nlohmann::json;
using testing::expect_error;
using testing::golden_folder;
using testing::LogCapture;

void expect_values(const json& expected, const ecg::Recording& recording, Eigen::Index lead, Eigen::Index from) {
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double value = recording.signal(from + static_cast<Eigen::Index>(i), lead);
    if (expected[i].is_null()) {
      EXPECT_TRUE(std::isnan(value));
    } else {
      EXPECT_TRUE(std::abs(value - expected[i].get<double>()) <= 1e-12 * (1 + std::abs(value))) << value;
    }
  }
}

// Compares a record with the summary that scripts/golden/wfdb_records.py made of it.
void expect_summary(const fs::path& path, const json& summary) {
  SCOPED_TRACE(path.string());
  const DigitalRecording digital = read_wfdb_digital(path);
  const ecg::Recording recording = to_physical(digital);
  EXPECT_EQ(recording.rate, summary["rate"].get<double>());
  ASSERT_EQ(recording.signal.rows(), summary["samples"].get<Eigen::Index>());
  EXPECT_EQ(json(recording.comments), summary["comments"]);
  ASSERT_EQ(digital.signals.size(), summary["leads"].size());
  for (std::size_t lead = 0; lead < digital.signals.size(); ++lead) {
    const json& expected = summary["leads"][lead];
    const WfdbSignalSpec& spec = digital.header.signals[lead];
    SCOPED_TRACE(spec.name);
    EXPECT_EQ(spec.name, expected["name"].get<std::string>());
    EXPECT_EQ(spec.gain, expected["gain"].get<double>());
    EXPECT_EQ(spec.baseline, expected["baseline"].get<int>());
    EXPECT_EQ(spec.unit, expected["unit"].get<std::string>());
    EXPECT_EQ(spec.format, expected["format"].get<int>());
    std::vector<std::int64_t> stored(digital.signals[lead].begin(), digital.signals[lead].end());
    for (auto& sample : stored) sample = sample == kInvalidSample ? wfdb_invalid_marker(spec.format).value() : sample;
    ASSERT_EQ(stored.size(), expected["values"].get<std::size_t>());
    std::int64_t sum = 0;
    std::uint64_t squares = 0;  // As the summary's 64 bits wrap around.
    for (const std::int64_t sample : stored) {
      sum += sample;
      squares += static_cast<std::uint64_t>(sample * sample);
    }
    EXPECT_EQ(sum, expected["sum"].get<std::int64_t>());
    EXPECT_EQ(static_cast<std::int64_t>(squares), expected["sum_of_squares"].get<std::int64_t>());
    EXPECT_EQ(json(std::vector(stored.begin(), stored.begin() + 5)), expected["first"]);
    EXPECT_EQ(json(std::vector(stored.end() - 5, stored.end())), expected["last"]);
    const auto column = static_cast<Eigen::Index>(lead);
    expect_values(expected["physical_first"], recording, column, 0);
    expect_values(expected["physical_last"], recording, column, recording.signal.rows() - 5);
    const auto values = recording.signal.col(column);
    EXPECT_EQ(values.isNaN().count(), expected["invalid"].get<Eigen::Index>());
    const double total = values.isNaN().select(0.0, values).sum();
    const double tolerance = 1e-9 * (1 + values.isNaN().select(0.0, values).abs().sum());
    EXPECT_TRUE(std::abs(total - expected["physical_sum"].get<double>()) <= tolerance) << total;
  }
}

json golden() {
  return json::parse(read_file(golden_folder() / "wfdb_records.json"));
}

TEST(Wfdb, MadeRecordsOfEveryFormatEqualThePythonPackage) {
  const json records = golden()["made"];
  EXPECT_EQ(records.size(), 15U);
  for (const auto& [name, summary] : records.items()) expect_summary(golden_folder() / "wfdb" / name, summary);
}

TEST(Wfdb, RealRecordsEqualThePythonPackage) {
  CARDIOGRAD_NEED_DATA("mitdb");
  const json records = golden()["real"];
  EXPECT_EQ(records.size(), 12U);
  for (const auto& [name, summary] : records.items()) expect_summary(data_folder() / name, summary);
}

// Every header below `folder`, with its signals; the reader checks the checksums.
std::size_t read_all(const fs::path& folder) {
  std::size_t count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".hea") continue;
    const DigitalRecording recording = read_wfdb_digital(entry.path());
    for (const auto& signal : recording.header.signals) EXPECT_TRUE(signal.checksum.has_value()) << entry.path();
    ++count;
  }
  return count;
}

TEST(WfdbRealData, EveryRecordIsReadAndItsChecksumsFit) {
  CARDIOGRAD_NEED_DATA("challenge2021");
  const LogCapture log;
  EXPECT_EQ(read_all(data_folder() / "ptbxl_filtered"), 1819U);
  EXPECT_EQ(read_all(data_folder() / "ptbxl_raw"), 197U);
  EXPECT_EQ(read_all(data_folder() / "challenge2021"), 61U);
  EXPECT_EQ(read_all(data_folder() / "ludb"), 120U);
  EXPECT_EQ(read_all(data_folder() / "mitdb"), 8U);
  EXPECT_EQ(read_all(data_folder() / "qtdb"), 12U);
  ASSERT_EQ(log.warnings.size(), 1U);
  EXPECT_TRUE(log.warned("sel14046.hea: no gain for lead ECG1, ECG2; 200 steps"));
}

TEST(WfdbRealData, Peculiarities) {
  CARDIOGRAD_NEED_DATA("challenge2021");
  const fs::path folder = data_folder();
  const auto sel14046 = read_wfdb_header(folder / "qtdb/sel14046");
  EXPECT_EQ(sel14046.signals[0].gain, 200);
  EXPECT_FALSE(sel14046.signals[0].gain_known);
  EXPECT_EQ(sel14046.rate, 250) << "written 250/128";
  EXPECT_EQ(read_wfdb_header(folder / "qtdb/sel123").rate, 250) << "written 250/360";
  EXPECT_EQ(read_wfdb_header(folder / "challenge2021/E00018").signals[0].gain, 4880);
  EXPECT_EQ(read_wfdb_header(folder / "challenge2021/E00018").record, "E00018.mat") << "the record line names the file";
  const auto lower = read_wfdb(folder / "challenge2021/S0006");
  EXPECT_EQ(read_wfdb_header(folder / "challenge2021/S0006").signals[0].unit, "mv");
  EXPECT_EQ(lower.units[0], "mV");
  EXPECT_EQ(lower.rate, 1000);
  EXPECT_EQ(lower.signal.rows(), 115200);
  std::size_t with_frames = 0;
  for (const auto& entry : fs::directory_iterator(folder / "challenge2021")) {
    if (entry.path().extension() != ".hea") continue;
    const auto header = read_wfdb_header(entry.path());
    EXPECT_EQ(header.signals[0].byte_offset, 24) << "the MATLAB header";
    with_frames += read_file(entry.path()).find(" 16x1+24 ") != std::string::npos ? 1 : 0;
  }
  EXPECT_EQ(with_frames, 11U);
  EXPECT_EQ(read_wfdb(folder / "ptbxl_filtered/records100/00000/00009_lr").units[0], "z");
  EXPECT_EQ(read_wfdb(folder / "ludb/data/10").leads[3], "avr");
  EXPECT_EQ(read_wfdb(folder / "ptbxl_raw/records100/00000/00001_lr").leads[3], "AVR");
  EXPECT_EQ(read_wfdb(folder / "challenge2021/A0004").leads[3], "aVR");
}

TEST(WfdbRealData, EinthovenHoldsInAllButOneRecord) {
  CARDIOGRAD_NEED_DATA("ptbxl_raw");
  std::size_t count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(data_folder() / "ptbxl_raw/records500")) {
    if (entry.path().extension() != ".hea") continue;
    const ecg::Recording recording = read_wfdb(entry.path());
    const auto leads = ecg::match_standard_leads(recording.leads, recording.name);
    const auto lead = [&](std::size_t i) { return recording.signal.col(static_cast<Eigen::Index>(leads[i])); };
    const double worst = (lead(2) - (lead(1) - lead(0))).abs().maxCoeff();
    if (recording.name.starts_with("10565")) {
      EXPECT_GT(worst, 0.05);
    } else {
      EXPECT_TRUE(worst <= 0.0051) << recording.name << ": " << worst;
    }
    ++count;
  }
  EXPECT_EQ(count, 98U);
}

// A folder with one record of two leads, five samples, whose parts a test may spoil.
class WfdbBadInput : public ::testing::Test {
 protected:
  void SetUp() override {
    write_file(folder_ / "r.dat", dat_);
    header("");
  }
  // The record line's number of samples, and the checksum of lead b.
  void header(const std::string& samples, int checksum = 0x0A0A + 40) {
    write_file(folder_ / "r.hea", "r 2 100 " + samples + "\nr.dat 16 100/mV 16 0 1 15 0 a\nr.dat 16 100/mV 16 0 2 " +
                                      std::to_string(checksum - 0x0A0A - 20) + " 0 b\n");
  }
  void expect_bad(std::initializer_list<std::string_view> parts) {
    expect_error([&] { read_wfdb(folder_ / "r"); }, parts);
  }

  TemporaryFolder folder_;
  const std::string dat_ = {1, 0, 2, 0, 2, 0, 3, 0, 3, 0, 4, 0, 4, 0, 5, 0, 5, 0, 6, 0};
};

TEST_F(WfdbBadInput, TheUnspoiltRecordIsRead) {
  const LogCapture log;
  for (const char* samples : {"", "0", "5"}) {
    header(samples);
    const ecg::Recording recording = read_wfdb(folder_ / "r");
    ASSERT_EQ(recording.signal.rows(), 5);
    EXPECT_EQ(recording.signal(4, 0), 0.05);
    EXPECT_EQ(recording.signal(4, 1), 0.06);
  }
  EXPECT_TRUE(log.warnings.empty());
}

TEST_F(WfdbBadInput, TruncatedFiles) {
  header("6");
  expect_bad({"r.dat", "truncated", "20 bytes, expected 24"});
  write_file(folder_ / "r.dat", "123");
  header("");
  expect_bad({"r.dat", "3 bytes are less than a frame"});
  write_file(folder_ / "r.dat", "");
  expect_bad({"r.dat", "0 bytes"});
  header("5");
  expect_bad({"r.dat", "truncated"});
}

TEST_F(WfdbBadInput, EndlessMissingAndOtherFiles) {
  fs::remove(folder_ / "r.dat");
  expect_bad({"r.dat", "missing"});
  fs::create_symlink("/dev/zero", folder_ / "r.dat");
  expect_bad({"r.dat", "not a regular file"});
  fs::remove(folder_ / "r.dat");
  ASSERT_EQ(::mkfifo((folder_ / "r.dat").c_str(), 0600), 0);
  expect_bad({"r.dat", "not a regular file"});
  fs::remove(folder_ / "r.dat");
  fs::create_directory(folder_ / "r.dat");
  expect_bad({"r.dat", "not a regular file"});
  fs::remove(folder_ / "r.dat");
  // A sparse file may claim any size; it is refused before anything of that size is allocated.
  write_file(folder_ / "r.dat", "");
  fs::resize_file(folder_ / "r.dat", std::uintmax_t{1} << 40);
  expect_bad({"r.hea", "more than this reader takes"});
}

// header(5): the record is as long as its header says.
TEST_F(WfdbBadInput, FilesThatAreLongerThanTheirHeaderSays) {
  const LogCapture log;
  write_file(folder_ / "r.hea", "r 2 100 4\nr.dat 16 100/mV 16 0 1 10 0 a\nr.dat 16 100/mV 16 0 2 14 0 b\n");
  EXPECT_EQ(read_wfdb(folder_ / "r").signal.rows(), 4);
  EXPECT_TRUE(log.warnings.empty()) << "the checksums vouch for the samples";
  header("5");
  for (const std::size_t more : {1U, 7U, 1000U}) {
    write_file(folder_ / "r.dat", dat_ + std::string(more, '\7'));
    EXPECT_EQ(read_wfdb(folder_ / "r").signal(4, 1), 0.06) << more;
  }
  EXPECT_TRUE(log.warnings.empty());
  fs::resize_file(folder_ / "r.dat", std::uintmax_t{1} << 40);  // Nothing of that size is allocated.
  EXPECT_EQ(read_wfdb(folder_ / "r").signal.rows(), 5);
  // Without checksums, and without a length.
  write_file(folder_ / "r.dat", dat_ + "1234567");
  write_file(folder_ / "r.hea", "r 2 100 4\nr.dat 16\nr.dat 16\n");
  EXPECT_EQ(read_wfdb(folder_ / "r").signal.rows(), 4);
  EXPECT_TRUE(log.warned("r.dat: 11 bytes follow the 4 samples"));
  write_file(folder_ / "r.dat", dat_ + "12345");
  write_file(folder_ / "r.hea", "r 4 100\nr.dat 16\nr.dat 16\nr.dat 16\nr.dat 16\n");
  EXPECT_EQ(read_wfdb(folder_ / "r").signal.rows(), 3);
}

// The folder in which a record was made is not always moved with it.
TEST_F(WfdbBadInput, SignalFilesAreFoundBesideTheHeader) {
  for (const std::string made : {"medians/r.dat", "a/b/r.dat", "a\\b\\r.dat"}) {
    write_file(folder_ / "r.hea",
               "medians/r 2 100 5\n" + made + " 16 100/mV 16 0 1 15 0 a\n" + made + " 16 100/mV 16 0 2 20 0 b\n");
    EXPECT_EQ(read_wfdb(folder_ / "r").signal(4, 1), 0.06) << made;
  }
  fs::create_directory(folder_ / "a");
  fs::create_directory(folder_ / "a/b");
  write_file(folder_ / "r.hea", "r 1 100 5\na/b/r.dat 80 1\n");
  write_file(folder_ / "a/b/r.dat", "\x81\x82\x83\x84\x85");
  EXPECT_EQ(read_wfdb(folder_ / "r").signal(0, 0), 1) << "the named file goes before the one beside the header";
  write_file(folder_ / "r.hea", "r 1 100 5\na/gone.dat 80 1\n");
  expect_bad({"a/gone.dat", "missing"});
}

TEST_F(WfdbBadInput, ASymlinkToTheSignalFileIsFine) {
  fs::rename(folder_ / "r.dat", folder_ / "elsewhere");
  fs::create_symlink(folder_ / "elsewhere", folder_ / "r.dat");
  EXPECT_EQ(read_wfdb(folder_ / "r").signal.rows(), 5);
}

TEST_F(WfdbBadInput, AChecksumNamesTheLead) {
  header("5", 0x0A0A + 41);
  expect_bad({"r.dat", "lead b", "checksum is 20", "says 21"});
}

// Zeros in all lines are what converters write that compute no checksums.
TEST_F(WfdbBadInput, ZerosForAllChecksumsAreNone) {
  const LogCapture log;
  write_file(folder_ / "r.hea", "r 2 100 5\nr.dat 16 100/mV 16 0 0 0 0 a\nr.dat 16 100/mV 16 0 0 0 0 b\n");
  EXPECT_EQ(read_wfdb(folder_ / "r").signal(4, 1), 0.06);
  EXPECT_TRUE(log.warnings.empty());
  write_file(folder_ / "r.hea", "r 2 100 5\nr.dat 16 100/mV 16 0 0 0 0 a\nr.dat 16 100/mV 16 0 2 20 0 b\n");
  expect_bad({"lead a", "checksum is 15", "says 0"});
}

// As in the set of the Challenge of 2017: the first value is that of the signal.
TEST_F(WfdbBadInput, ZerosForAllChecksumsAreNoneBesideInitialValues) {
  const LogCapture log;
  write_file(folder_ / "r.hea", "r 1 100 10\nr.dat 16 100/mV 16 0 1 0 0 ECG\n");
  EXPECT_EQ(read_wfdb(folder_ / "r").signal(9, 0), 0.06);
  write_file(folder_ / "r.hea", "r 2 100 5\nr.dat 16 100/mV 16 0 1 0 0 a\nr.dat 16 100/mV 16 0 0 0 0 b\n");
  EXPECT_EQ(read_wfdb(folder_ / "r").signal(4, 1), 0.06);
  EXPECT_TRUE(log.warnings.empty());
  write_file(folder_ / "r.hea", "r 2 100 5\nr.dat 16 100/mV 16 0 7 0 0 a\nr.dat 16 100/mV 16 0 2 0 0 b\n");
  EXPECT_EQ(read_wfdb(folder_ / "r").signal(4, 1), 0.06);
  EXPECT_TRUE(log.warned("lead a: the first sample is 1, the header says 7")) << "still compared";
  write_file(folder_ / "r.hea", "r 2 100 5\nr.dat 16 100/mV 16 0 1 0 0 a\nr.dat 16 100/mV 16 0 2 21 0 b\n");
  expect_bad({"lead a", "checksum is 15", "says 0"});
}

TEST_F(WfdbBadInput, AMissingRateIsWarnedAboutOnce) {
  const LogCapture log;
  write_file(folder_ / "r.hea", "r 1\nr.dat 16 100/mV 16 0 1 35 0 II\n");
  EXPECT_EQ(read_recording(folder_ / "r").recording.rate, 250);
  ASSERT_EQ(log.warnings.size(), 1U);
  EXPECT_TRUE(log.warned("r.hea: no sampling rate; 250 Hz is assumed"));
}

// Records that went through a file system or an archive without lower case.
TEST_F(WfdbBadInput, NamesInUpperCase) {
  write_file(folder_ / "r.hea", "r 2 100 5\nR.DAT 16 100/mV 16 0 1 15 0 I\nR.DAT 16 100/mV 16 0 2 20 0 II\n");
  EXPECT_EQ(read_wfdb(folder_ / "r").signal(4, 1), 0.06) << "R.DAT in the header, r.dat beside it";
  fs::rename(folder_ / "r.hea", folder_ / "R.HEA");
  fs::rename(folder_ / "r.dat", folder_ / "R.DAT");
  for (const char* name : {"R", "R.HEA", "R.DAT", "R.hea"})
    EXPECT_EQ(read_recording(folder_ / name).recording.signal(4, 1), 0.06) << name;
  write_file(folder_ / "R.HEA", "r 1 100 5\nr.dat 80 1\n");
  write_file(folder_ / "r.DAT", dat_);
  expect_error([&] { read_wfdb(folder_ / "R"); }, {"r.dat", "missing"});
}

TEST_F(WfdbBadInput, SignalFilesElsewhereAreLookedForBesideTheHeader) {
  for (const std::string made : {"/home/x/r.dat", "../x/r.dat", "C:\\data\\r.dat", "/home/x/R.DAT"}) {
    write_file(folder_ / "r.hea",
               "r 2 100 5\n" + made + " 16 100/mV 16 0 1 15 0 a\n" + made + " 16 100/mV 16 0 2 20 0 b\n");
    EXPECT_EQ(read_wfdb(folder_ / "r").signal(4, 1), 0.06) << made;
  }
  fs::create_directory(folder_ / "sub");
  for (const std::string& made : std::vector<std::string>{"../r.dat", (folder_ / "r.dat").string()}) {
    write_file(folder_ / "sub/s.hea", "s 1 100 5\n" + made + " 16 100/mV\n");
    expect_error([&] { read_wfdb(folder_ / "sub/s"); }, {"s.hea:2", made, "does not lie in the folder"});
  }
  write_file(folder_ / "r.hea", "r 2 100 5\n/a/r.dat 16 100/mV\n/b/r.dat 16 100/mV\n");
  expect_bad({"r.hea:3", "'/a/r.dat' and '/b/r.dat' would both be r.dat"});
}

TEST_F(WfdbBadInput, AnInitialValueIsOnlyWarnedAbout) {
  write_file(folder_ / "r.hea", "r 1 100 10\nr.dat 16 100/mV 16 0 7\n");
  const LogCapture log;
  EXPECT_EQ(read_wfdb(folder_ / "r").signal.rows(), 10);
  EXPECT_TRUE(log.warned("r.dat: lead signal 0: the first sample is 1, the header says 7"));
}

TEST_F(WfdbBadInput, NoSignalsAndTooManyValues) {
  write_file(folder_ / "r.hea", "r 0 100 10\n");
  expect_bad({"r.hea", "no signals"});
  write_file(folder_ / "r.hea", "r 1 100 500000000\nr.dat 16x60000\n");
  expect_bad({"r.hea", "500000000 frames of 60000 samples", "more than this reader takes"});
}

TEST(Wfdb, SkewBeyondTheRecordLeavesNothingValid) {
  TemporaryFolder folder;
  write_file(folder / "r.dat", std::string(10, '\1'));
  write_file(folder / "r.hea", "r 1 100 5\nr.dat 16:2000000000 100\n");
  EXPECT_EQ(read_wfdb(folder / "r").signal.isNaN().count(), 5);
}

TEST(Wfdb, AFrameWithAnInvalidSampleIsInvalid) {
  TemporaryFolder folder;
  write_file(folder / "r.dat", std::string({'\x80' - 0, '\x82', '\x00', '\x84', '\x8A', '\x8C'}));
  write_file(folder / "r.hea", "r 1 100 3\nr.dat 80x2 2/uV\n");
  const ecg::Recording recording = read_wfdb(folder / "r");
  EXPECT_EQ(recording.signal(0, 0), 0.5);  // The mean of 0 and 2, at 2 steps per uV.
  EXPECT_TRUE(std::isnan(recording.signal(1, 0)));
  EXPECT_EQ(recording.signal(2, 0), 5.5);
}

TEST(Wfdb, TheObserverSeesEveryFile) {
  std::vector<std::string> seen;
  read_wfdb(golden_folder() / "wfdb" / "frames", [&](const fs::path& path, std::string_view content) {
    EXPECT_EQ(content, read_file(path));
    seen.push_back(path.filename().string());
  });
  EXPECT_EQ(seen, (std::vector<std::string>{"frames.hea", "frames_a.dat", "frames_b.dat"}));
}

// Signals that are stored nowhere cost nothing to announce: memory is not taken for a header's word alone.
TEST(Wfdb, SignalsStoredNowhereAreFewAndBesideOthers) {
  TemporaryFolder folder;
  const auto record = [&](const std::string& header, const std::string& samples) {
    write_file(folder / "r.hea", header);
    write_file(folder / "r.dat", samples);
    return folder / "r";
  };
  const std::string null = "~ 0 200 16 0 0 0 0 V1\n", stored = "r.dat 16 200 16 0 0 0 0 II\n";
  expect_error([&] { read_wfdb(record("r 1 100 500000000\n" + null, "")); }, {"none of its signals is stored"});
  expect_error([&] { read_wfdb(record("r 2 100 200000000\n" + null + stored, "1234")); }, {"r.dat: truncated"});
  std::string many = "r 41 100 2\n" + stored;
  for (int i = 0; i < 40; ++i) many += null;
  expect_error([&] { read_wfdb(record(many, "1234")); }, {"40 samples per frame are stored nowhere, only 1"});
  const ecg::Recording recording = read_wfdb(record("r 2 100 2\n" + null + stored, std::string("\x01\0\x02\0", 4)));
  EXPECT_EQ(recording.leads, (std::vector<std::string>{"V1", "II"}));
  EXPECT_TRUE(std::isnan(recording.signal(0, 0)));
  EXPECT_EQ(recording.signal(1, 1), 0.01);
}

}  // namespace
}  // namespace cardiograd::data
