#include "data/wfdb_header.h"

#include <chrono>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/common/temporary_folder.h"
#include "tests/data/helpers.h"

namespace cardiograd::data {
namespace {

using cardiograd::testing::TemporaryFolder;
using testing::expect_error;

WfdbHeader parse(const std::string& text) {
  return parse_wfdb_header(text, "folder/r.hea");
}

void expect_bad(const std::string& text, std::initializer_list<std::string_view> parts) {
  expect_error([&] { parse(text); }, parts);
}

TEST(WfdbHeader, AllFields) {
  const auto header = parse(
      "# before\n"
      "rec 2 360/1000(5.5) 650000 12:33:59 12/05/2020\r\n"
      "rec.dat 16x3:2+24 1000.5(-7)/uV 12 1024 -3 -11371 0 lead with blanks \r\n"
      "\n"
      "rec.dat 16+24 200 11 1024\n"
      "#  age: 61  \n");
  EXPECT_EQ(header.record, "rec");
  EXPECT_EQ(header.rate, 360);
  EXPECT_EQ(header.samples, 650000);
  EXPECT_EQ(header.start, "2020-05-12 12:33:59");
  EXPECT_EQ(parse("r 0 100 5 9:03:02.5").start, "9:03:02.5");
  EXPECT_EQ(parse("r 0 100 5").start, "");
  EXPECT_EQ(header.comments, (std::vector<std::string>{"before", "age: 61"}));
  ASSERT_EQ(header.signals.size(), 2U);
  const auto& first = header.signals[0];
  EXPECT_EQ(first.file, "rec.dat");
  EXPECT_EQ(first.format, 16);
  EXPECT_EQ(first.samples_per_frame, 3);
  EXPECT_EQ(first.skew, 2);
  EXPECT_EQ(first.byte_offset, 24);
  EXPECT_EQ(first.gain, 1000.5);
  EXPECT_EQ(first.baseline, -7);
  EXPECT_EQ(first.unit, "uV");
  EXPECT_EQ(first.adc_resolution, 12);
  EXPECT_EQ(first.adc_zero, 1024);
  EXPECT_EQ(first.initial_value, -3);
  EXPECT_EQ(first.checksum, static_cast<std::uint16_t>(65536 - 11371));
  EXPECT_EQ(first.name, "lead with blanks");
  const auto& second = header.signals[1];
  EXPECT_EQ(second.baseline, 1024) << "the ADC zero where no baseline is given";
  EXPECT_EQ(second.unit, "mV");
  EXPECT_FALSE(second.checksum.has_value());
  EXPECT_FALSE(second.initial_value.has_value());
  EXPECT_EQ(second.name, "signal 1");
}

TEST(WfdbHeader, DefaultsAndRates) {
  EXPECT_EQ(parse("r 0").rate, 250);
  EXPECT_EQ(parse("r 0 250/360").rate, 250);
  EXPECT_EQ(parse("r 0 360/360(0)").rate, 360);
  EXPECT_EQ(parse("r 0 99.5(3)").rate, 99.5);
  EXPECT_EQ(parse("r 0 1e2").rate, 100);
  EXPECT_EQ(parse("r 0 100").samples, 0);
  const auto bare = parse("r 1 100 7\nr.dat 212");
  EXPECT_EQ(bare.signals[0].gain, 200);
  EXPECT_FALSE(bare.signals[0].gain_known);
  const auto zero = parse("r 1 100 7\nr.dat 212 0/mV 12");
  EXPECT_EQ(zero.signals[0].gain, 200);
  EXPECT_FALSE(zero.signals[0].gain_known);
  EXPECT_EQ(zero.signals[0].unit, "mV");
}

TEST(WfdbHeader, AByteOrderMarkBeforeItIsNoPartOfIt) {
  EXPECT_EQ(parse("\xEF\xBB\xBF# written by X\nr 1 100 7\nr.dat 16\n").record, "r");
  EXPECT_EQ(parse("\xEF\xBB\xBFr 1 100 7\nr.dat 16\n").record, "r");
  EXPECT_TRUE(parse("r 0 100").rate_known);
  EXPECT_FALSE(parse("r 0").rate_known);
}

TEST(WfdbHeader, FormatModifiersInAnyOrder) {
  for (const std::string format : {"16x2:3+24", "16+24x2:3", "16:3+24x2"}) {
    const auto signal = parse("r 1 100 7\nr.dat " + format).signals[0];
    EXPECT_EQ(signal.samples_per_frame, 2);
    EXPECT_EQ(signal.skew, 3);
    EXPECT_EQ(signal.byte_offset, 24);
  }
}

TEST(WfdbHeader, BadInputNamesLineAndField) {
  expect_bad("", {"r.hea", "no record line"});
  expect_bad("# only a comment\n", {"no record line"});
  expect_bad("r\n", {"r.hea:1", "number of signals is missing"});
  expect_bad("r x\n", {"number of signals", "'x'"});
  expect_bad("r 1x\n", {"number of signals", "'1x'"});
  expect_bad("r 0 abc\n", {"sampling rate", "'abc'"});
  expect_bad("r 0 -5\n", {"sampling rate is -5"});
  expect_bad("r 0 nan\n", {"sampling rate"});
  expect_bad("r 0 inf\n", {"sampling rate"});
  expect_bad("r 0 1e308\n", {"sampling rate is 1e+308, expected more than 0 and at most 1e+06 Hz"});
  expect_bad("r 0 360/\n", {"counter frequency"});
  expect_bad("r 0 360(1\n", {"base counter", ")"});
  expect_bad("r 0 100 x\n", {"number of samples"});
  expect_bad("r/3 12 100 1000\n", {"0 signal lines"});
  expect_bad("r/3 12 100 1000\ns1 500\ns2 500\n", {"2 segment lines", "announces 3"});
  expect_bad("r/2 12 100 1000\n../s1 500\ns2 500\n", {"r.hea:2", "segment '../s1' does not lie in the folder"});
  expect_bad("r/9999999 12 100 1000\n", {"number of segments is 9999999"});
  expect_bad("r 1 100 7\nr.dat\n", {"r.hea:2", "format is missing"});
  expect_bad("r 1 100 7\nr.dat 17\n",
             {"r.hea:2", "unknown format 17", "8, 16, 24, 32, 61, 80, 160, 212, 310, 311, 508, 516, 524"});
  expect_bad("r 1 100 7\nr.dat 16y2\n", {"format", "'y2'"});
  expect_bad("r 1 100 7\nr.dat 16x0\n", {"samples per frame is 0"});
  expect_bad("r 1 100 7\nr.dat 16:-1\n", {"skew is -1"});
  expect_bad("r 1 100 7\nr.dat 16+-5\n", {"byte offset is -5"});
  expect_bad("r 1 100 7\nr.dat 16 abc\n", {"gain", "'abc'"});
  for (const std::string gain : {"nan", "inf", "-inf", "1e-300", "-1e300"})
    expect_bad("r 1 100 7\nr.dat 16 " + gain + "\n", {"r.hea:2", "gain is", gain.substr(0, 2)});
  expect_bad("r 1 100 7\nr.dat 16 200(3/mV\n", {"baseline"});
  expect_bad("r 1 100 7\nr.dat 16 200(3)x\n", {"gain", "'x'"});
  expect_bad("r 2 100 7\nr.dat 16\n", {"1 signal lines", "announces 2"});
}

TEST(WfdbHeader, OfAChecksumThe16LowestBitsCount) {
  const auto checksum = [](const std::string& written) {
    return parse("r 1 100 7\nr.dat 16 200 16 0 0 " + written + "\n").signals[0].checksum;
  };
  EXPECT_EQ(checksum("240156"), 240156 % 65536);
  EXPECT_EQ(checksum("-11371"), 65536 - 11371);
  EXPECT_EQ(checksum("-100000"), 2 * 65536 - 100000);
  expect_bad("r 1 100 7\nr.dat 16 200 16 0 0 12x\n", {"checksum", "'12x'"});
}

// What is wrong with one signal need not concern the others.
TEST(WfdbHeader, AFaultOfASignalIsKeptWhereItIsOnlyWarnedOf) {
  const auto header = parse_wfdb_header("r 2 100 7\nr.dat 16 nan/mmHg 16 0 0 0 0 ABP\nr.dat 16 200 16 0 0 0 0 II\n",
                                        "a/r.hea", WfdbFaults::kWarn);
  ASSERT_TRUE(header.signals.at(0).fault);
  EXPECT_NE(std::string(header.signals[0].fault->what()).find("a/r.hea:2: gain is nan"), std::string::npos);
  EXPECT_EQ(header.signals[0].name, "ABP");
  EXPECT_FALSE(header.signals.at(1).fault);
  // Where the others' samples lie depends on it.
  for (const char* format : {"16x0", "99"})
    expect_error(
        [&] {
          parse_wfdb_header(fmt::format("r 2 100 7\nr.dat {} 1 16 0 0 0 0 ABP\nr.dat 16\n", format), "r.hea",
                            WfdbFaults::kWarn);
        },
        {"r.hea:2"});
}

// As programs and people write them who do not know the format well.
TEST(WfdbHeader, FieldsWithOneMeaning) {
  const auto signal = [](const std::string& fields) {
    return parse("r 1 100 7\nr.dat 16 " + fields + "\n").signals[0];
  };
  EXPECT_EQ(signal("1000(0.0)/mV 16.0 3.0 nan NaN 0 I").adc_zero, 3);
  EXPECT_FALSE(signal("1000(0)/mV 16 0 nan 5 0 I").initial_value.has_value());
  for (const char* gain : {"1000,5(7)/uV", "1000.5(7) /uV", "1000.5/uV(7)"}) {
    EXPECT_EQ(signal(std::string(gain) + " 16 0 0 0 0 I").gain, 1000.5) << gain;
    EXPECT_EQ(signal(std::string(gain) + " 16 0 0 0 0 I").baseline, 7) << gain;
    EXPECT_EQ(signal(std::string(gain) + " 16 0 0 0 0 I").unit, "uV") << gain;
    EXPECT_EQ(signal(std::string(gain) + " 16 0 0 0 0 I").name, "I") << gain;
  }
  EXPECT_EQ(signal("1000(0)/ 16 0 0 0 0 I").unit, "mV");
  EXPECT_EQ(signal("1000 16 0 0 0 I").name, "I") << "without block size";
  EXPECT_EQ(signal("1000 16 0 0 0 0 I # noisy").name, "I");
  EXPECT_EQ(signal("1000 16 0 0 0 0 ECG #1").name, "ECG #1");
  EXPECT_EQ(signal("1000 16 0 0 0 0 # noisy").name, "signal 0");
  EXPECT_EQ(parse("r 0 360,5 7\n").rate, 360.5);
  EXPECT_EQ(parse("r 0 360 5000.0\n").samples, 5000);
  EXPECT_EQ(parse("r 1 100 7\rr.dat 16\r# a\r\n# b\n").comments, (std::vector<std::string>{"a", "b"}));
  std::string wide = "\xFF\xFE";
  for (const char c : std::string("r 1 100 7\nr.dat 16 200/mV 16 0 0 0 0 V1\n")) wide += {c, '\0'};
  EXPECT_EQ(parse(wide).signals.at(0).name, "V1");
  // What has more than one meaning, or none.
  expect_bad("r 0 1,000 7\n", {"r.hea:1: sampling rate: ',000' follows the number"});
  expect_bad("r 0 360 7.5\n", {"r.hea:1: number of samples"});
  expect_bad("r 1 100 7\n\rr.dat 16 200 x\n", {"r.hea:3: ADC resolution"});
}

TEST(WfdbHeader, SegmentsInFoldersAndFewerThanAnnounced) {
  const TemporaryFolder folder;
  const auto read = [&](const std::string& text) {
    return parse_wfdb_header(text, folder / "r.hea", WfdbFaults::kWarn);
  };
  EXPECT_EQ(read("r/1 1 100 5\nsub/s1 5 # a comment\n").segments.at(0).record, "sub/s1");
  write_file(folder / "s1.hea", "s1 0\n");
  EXPECT_EQ(read("r/1 1 100 5\ngone/s1 5\n").segments.at(0).record, "s1") << "beside the header";
  EXPECT_EQ(read("r/1 1 100 5\n/home/x/s1 5\n").segments.at(0).record, "s1");
  for (const char* outside : {"../s2", "/home/x/s2", "sub/../../s2", ".."})
    expect_error([&] { read(fmt::format("r/1 1 100 5\n{} 5\n", outside)); }, {"r.hea:2", "does not lie in the folder"});
  EXPECT_EQ(read("r/3 1 100 5\ns1 5\n").missing_segments, 2);
}

TEST(WfdbHeader, SignalLinesBeyondTheAnnouncedAreNotRead) {
  const auto header = parse("r 1 100 7\nr.dat 16\nr.xyz 9999 what this is\n# age: 3\n");
  EXPECT_EQ(header.signals.size(), 1U);
  EXPECT_EQ(header.comments, std::vector<std::string>{"age: 3"});
}

TEST(WfdbHeader, OnlyDigitsAfterTheSlashOfANameMeanSegments) {
  for (const char* name : {"medians_wfdb/00001_medians", "a/b/r", "records/r1", "r/"})
    EXPECT_EQ(parse(std::string(name) + " 1 100 7\nr.dat 16\n").record, name);
  // A record may be called so; its lines are those of signals.
  const auto digits = parse("records100/00001 1 100 7\nr.dat 16 200 16 0 0\n");
  EXPECT_EQ(digits.signals.size(), 1U);
  EXPECT_TRUE(digits.segments.empty());
  const auto segments = parse("r/2 3 100 30\nr_layout 0\n~ 30\n");
  ASSERT_EQ(segments.segments.size(), 2U);
  EXPECT_EQ(segments.segments[0].record, "r_layout");
  EXPECT_EQ(segments.segments[1].samples, 30);
  EXPECT_TRUE(segments.signals.empty());
}

TEST(WfdbHeader, AbsurdCountsAreRefused) {
  expect_bad("r 99999999 100 7\n", {"number of signals is 99999999"});
  expect_bad("r -1 100 7\n", {"number of signals is -1"});
  expect_bad("r 99999999999999999999 100 7\n", {"number of signals", "out of range"});
  expect_bad("r 1 100 9999999999999\n", {"number of samples is 9999999999999"});
  expect_bad("r 1 100 -1\n", {"number of samples is -1"});
  expect_bad("r 1 100 7\nr.dat 16x999999999\n", {"samples per frame is 999999999"});
  expect_bad("r 1 100 7\nr.dat 16:99999999999\n", {"skew is 99999999999"});
}

// A header of 16 MB, of each part that may be long: what is read takes memory and time in proportion.
TEST(WfdbHeader, HugeOnesTakeTimeInProportion) {
  constexpr std::size_t kSize = 16'000'000;
  std::string comments = "r 1 100 7\nr.dat 16\n", signals = "r 4096 100 7\n", segments = "r/300000 1 100 300000\n";
  while (comments.size() < kSize) comments += "# a comment\n";
  while (signals.size() < kSize) signals += "r.dat 16\n";
  for (int i = 0; i < 300'000; ++i) segments += "s 1\n";
  const std::string line = "r 1 100 7\nr.dat 16 200 16 0 0 0 0 " + std::string(kSize, 'x') + "\n";
  const std::string blank = "r 1 100 7\n" + std::string(kSize, '\n') + "r.dat 16\n";
  for (const std::string& text : {comments, signals, segments, line, blank}) {
    const auto start = std::chrono::steady_clock::now();
    try {
      parse_wfdb_header(text, "r.hea");
    } catch (const Error&) {  // Refusing it is as good.
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    EXPECT_LT(seconds, 10.0) << text.substr(0, 20);  // some tenths on an idle machine
  }
}

TEST(WfdbHeader, SignalFilesStayInTheFolder) {
  for (const std::string file : {"/etc/passwd", "../r.dat", "a/../../r.dat", "..", ".", "a/.."})
    expect_bad("r 1 100 7\n" + file + " 16\n", {"r.hea:2", file, "does not lie in the folder"});
  EXPECT_EQ(parse("r 1 100 7\nsub/r.dat 16\n").signals[0].file, "sub/r.dat");
}

TEST(WfdbHeader, LinesOfOneFileAgreeAndStandTogether) {
  expect_bad("r 2 100 7\nr.dat 16 1 0 0 0 0 0 a\nr.dat 212 1 0 0 0 0 0 b\n", {"leads a and b", "differ in format"});
  expect_bad("r 2 100 7\nr.dat 16 1 0 0 0 0 0 a\nr.dat 16+24 1 0 0 0 0 0 b\n", {"leads a and b", "byte offset"});
  expect_bad("r 3 100 7\na.dat 16\nb.dat 16\na.dat 16\n", {"signal 0 and signal 2", "stand between"});
}

TEST(WfdbHeader, MissingOrStrangeFiles) {
  TemporaryFolder folder;
  expect_error([&] { read_wfdb_header(folder / "none"); }, {"none.hea"});
  expect_error([&] { read_wfdb_header("/dev/zero"); }, {"/dev/zero.hea"});
  write_file(folder / "r.hea", "r 0 100\n");
  for (const char* name : {"r", "r.hea", "r.dat", "r.mat"}) EXPECT_EQ(read_wfdb_header(folder / name).rate, 100);
}

}  // namespace
}  // namespace cardiograd::data
