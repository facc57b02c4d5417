#include "data/edf.h"

#include <cmath>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "tests/common/temporary_folder.h"
#include "tests/data/edf_builder.h"
#include "tests/data/helpers.h"

namespace cardiograd::data {
namespace {

using cardiograd::testing::edf_annotations;
using cardiograd::testing::edf_samples;
using cardiograd::testing::EdfChannel;
using cardiograd::testing::EdfFile;
using testing::expect_error;
using testing::golden_folder;

nlohmann::json golden(const char* name) {
  return nlohmann::json::parse(read_file(golden_folder() / "edf" / "values.json")).at(name);
}

void expect_equals(const ecg::Recording& recording, Eigen::Index column, const nlohmann::json& lead) {
  EXPECT_EQ(recording.leads[static_cast<std::size_t>(column)], lead.at("label").get<std::string>());
  const auto values = lead.at("values").get<std::vector<double>>();
  ASSERT_EQ(recording.signal.rows(), static_cast<Eigen::Index>(values.size()));
  for (std::size_t t = 0; t < values.size(); ++t)
    EXPECT_TRUE(std::abs(recording.signal(static_cast<Eigen::Index>(t), column) - values[t]) <= 1e-9)
        << recording.leads[static_cast<std::size_t>(column)] << " " << t;
}

// In whole years: the birthday counts.
TEST(Edf, AgeIsThatOfTheLastBirthday) {
  const cardiograd::testing::TemporaryFolder folder;
  const std::string good = read_file(golden_folder() / "edf" / "plus.edf");
  const std::size_t at = good.find("-1951") - 6;
  for (const auto& [born, age] : std::vector<std::pair<std::string, int>>{
           {"29-FEB-1952", 68}, {"01-MAR-1952", 68}, {"02-MAR-1952", 67}, {"01-MAR-2020", 0}}) {
    std::string text = good;
    write_file(folder / "a.edf", text.replace(at, born.size(), born));
    EXPECT_EQ(read_edf(folder / "a.edf").comments.back(), "Age: " + std::to_string(age)) << born;
  }
  for (const char* born : {"31-FEB-1952", "02-MAR-2020", "02-MRZ-1952"}) {
    std::string text = good;
    write_file(folder / "a.edf", text.replace(at, 11, born));
    EXPECT_EQ(read_edf(folder / "a.edf").comments.size(), 1U) << born;
  }
}

// Values as EDFlib reads them: the leads, without the slower respiration channel and the annotations.
TEST(Edf, GoldenFilePlus) {
  const ecg::Recording recording = read_edf(golden_folder() / "edf" / "plus.edf");
  const auto leads = golden("plus");
  EXPECT_EQ(recording.rate, 128);
  EXPECT_EQ(recording.leads, (std::vector<std::string>{"ECG II", "ECG I", "ECG V1"}));
  EXPECT_EQ(recording.units, (std::vector<std::string>{"uV", "uV", "uV"}));
  EXPECT_EQ(recording.start, "2020-03-01 12:00:00");
  EXPECT_EQ(recording.comments, (std::vector<std::string>{"Sex: Female", "Age: 68"}));
  expect_equals(recording, 0, leads[0]);
  expect_equals(recording, 1, leads[2]);
  expect_equals(recording, 2, leads[3]);
}

TEST(Edf, GoldenFilePlain) {
  const ecg::Recording recording = read_edf(golden_folder() / "edf" / "plain.edf");
  EXPECT_EQ(recording.units, (std::vector<std::string>{"mV", "mV"}));
  expect_equals(recording, 0, golden("plain")[0]);
  expect_equals(recording, 1, golden("plain")[1]);
}

// Two leads of two data records.
EdfFile small_file() {
  EdfFile file;
  file.records = "2";
  file.channels = {{.label = "I"}, {.label = "II"}};
  file.channels[0].records = {edf_samples({0, 1, -1, 32767}), edf_samples({-32768, 2, 3, 4})};
  file.channels[1].records = {edf_samples({5, 6, 7, 8}), edf_samples({9, 10, 11, 12})};
  return file;
}

TEST(Edf, SamplesStandInTheirPlaces) {
  const ecg::Recording recording = parse_edf(small_file().bytes(), "a.edf");
  ASSERT_EQ(recording.signal.rows(), 8);
  const double step = 20.0 / 65535;
  EXPECT_EQ(recording.signal(3, 0), 10);
  EXPECT_EQ(recording.signal(4, 0), -10);
  EXPECT_TRUE(std::abs(recording.signal(7, 1) - (-10 + (32768 + 12) * step)) <= 1e-12);
  EXPECT_TRUE(recording.comments.empty()) << "a plain EDF file has no fields for sex and age";
}

TEST(Edf, InvertedAndOffsetScales) {
  EdfFile file = small_file();
  file.channels[0].physical_min = "5";
  file.channels[0].physical_max = "-5";
  file.channels[0].digital_min = "0";
  file.channels[0].digital_max = "100";
  const ecg::Recording recording = parse_edf(file.bytes(), "a.edf");
  EXPECT_TRUE(std::abs(recording.signal(0, 0) - 5) <= 1e-12);
  EXPECT_TRUE(std::abs(recording.signal(1, 0) - 4.9) <= 1e-12);
}

TEST(Edf, TheNumberOfDataRecordsMayBeUnknown) {
  EdfFile file = small_file();
  file.records = "-1";
  EXPECT_EQ(parse_edf(file.bytes(), "a.edf").signal.rows(), 8);
}

TEST(Edf, AnnotationsOnlyIsAClearError) {
  EdfFile file;
  file.kind = "EDF+C";
  file.channels = {edf_annotations({"+0"}), edf_annotations({"+0"})};
  expect_error([&] { parse_edf(file.bytes(), "a.edf"); }, {"a.edf: annotations only"});
}

TEST(Edf, InterruptedRecordings) {
  EdfFile file = small_file();
  file.kind = "EDF+D";
  file.channels.push_back(edf_annotations({"+0", "+1"}));
  EXPECT_EQ(parse_edf(file.bytes(), "a.edf").leads.size(), 2U);
  file.channels.back() = edf_annotations({"+7.5", "+8.5"});
  EXPECT_EQ(parse_edf(file.bytes(), "a.edf").signal.rows(), 8);
  file.channels.back() = edf_annotations({"+0", "+1.5"});
  expect_error([&] { parse_edf(file.bytes(), "a.edf"); }, {"data record 2 begins at 1.5 s, expected 1 s"});
  file.channels.back() = edf_annotations({"+0", "later"});
  expect_error([&] { parse_edf(file.bytes(), "a.edf"); }, {"data record 2", "do not begin with its time"});
  file.channels.pop_back();
  expect_error([&] { parse_edf(file.bytes(), "a.edf"); }, {"EDF+D without an annotation channel"});
}

TEST(Edf, RatesOfTheLeads) {
  EdfFile file = small_file();
  file.channels.insert(file.channels.begin(), {.label = "SpO2", .unit = "%", .per_record = "1"});
  file.channels[0].records = {edf_samples({1}), edf_samples({2})};
  EXPECT_EQ(parse_edf(file.bytes(), "a.edf").leads, (std::vector<std::string>{"I", "II"}));
  file.channels[0].label = "V1";
  file.channels[0].unit = "mV";
  const ecg::Recording recording = parse_edf(file.bytes(), "a.edf");
  EXPECT_EQ(recording.leads, (std::vector<std::string>{"I", "II"}));
  ASSERT_EQ(recording.others.size(), 1U);
  EXPECT_EQ(recording.others[0].name + " " + recording.others[0].reason, "V1 at 1 Hz");
}

// Fields of channels that are no leads need not make sense.
TEST(Edf, DefectsOfUnusedChannels) {
  const ecg::Recording whole = parse_edf(small_file().bytes(), "a.edf");
  const auto expect_read = [&](const std::function<void(cardiograd::testing::EdfChannel&)>& spoil) {
    EdfFile file = small_file();
    cardiograd::testing::EdfChannel status{.label = "Status", .unit = ""};
    status.records = {edf_samples({1, 1, 1, 1}), edf_samples({1, 1, 1, 1})};
    spoil(status);
    for (const std::size_t place : {0U, 1U, 2U}) {
      EdfFile with = file;
      with.channels.insert(with.channels.begin() + place, status);
      const ecg::Recording recording = parse_edf(with.bytes(), "a.edf");
      EXPECT_EQ(recording.leads, whole.leads);
      EXPECT_TRUE((recording.signal == whole.signal).all());
      EXPECT_EQ(recording.others.size(), 1U);
    }
  };
  expect_read([](auto&) {});
  expect_read([](auto& c) { c.physical_min = c.physical_max = "0"; });
  expect_read([](auto& c) { c.physical_min = c.physical_max = ""; });
  expect_read([](auto& c) { c.physical_max = "NaN"; });
  expect_read([](auto& c) { c.digital_min = c.digital_max = "0"; });
  expect_read([](auto& c) { c.digital_min = "-8388608"; });
  expect_read([](auto& c) { c.digital_max = "high"; });
  expect_read([](auto& c) { c.label = "\xFF\x01"; });
  expect_read([](auto& c) {
    c.per_record = "0";
    c.records = {"", ""};
  });
}

TEST(Edf, WholeDataRecordsAreReadWhateverTheHeaderAnnounces) {
  const std::string bytes = small_file().bytes();
  const auto read = [](const std::string& content, Eigen::Index rows, const std::string& warning) {
    const testing::LogCapture log;
    EXPECT_EQ(parse_edf(content, "a.edf").signal.rows(), rows) << warning;
    EXPECT_EQ(log.warnings.size(), 1U);
    EXPECT_TRUE(log.warned(warning)) << warning << ": " << (log.warnings.empty() ? "" : log.warnings[0]);
  };
  const auto announcing = [](const std::string& records) {
    EdfFile file = small_file();
    file.records = records;
    return file.bytes();
  };
  read(bytes + "1234567890", 8, "10 bytes after the 2 data records are not read");
  read(bytes.substr(0, bytes.size() - 1), 4, "1 of 2 data records are missing, the last one there is incomplete");
  read(announcing("7"), 8, "5 of 7 data records are missing");
  read(announcing("1"), 4, "16 bytes after the 1 data records");
  read(announcing("0"), 8, "announces no data records, there are 2");
  read(announcing("-1") + "123", 8, "3 bytes after the 2 data records are not read: an incomplete data record");
}

TEST(Edf, DecimalCommas) {
  EdfFile file = small_file();
  file.duration = "0,5";
  for (auto& channel : file.channels) {
    channel.physical_min = "-9,5";
    channel.physical_max = "9,5";
  }
  const ecg::Recording recording = parse_edf(file.bytes(), "a.edf");
  EXPECT_EQ(recording.rate, 8);
  EXPECT_EQ(recording.signal(3, 0), 9.5);
  file.channels[0].physical_min = file.channels[1].physical_min = "-9,5,1";
  expect_error([&] { parse_edf(file.bytes(), "a.edf"); }, {"signal 1: physical minimum: found '-9,5,1'"});
}

TEST(Edf, BdfHasSamplesOf24Bits) {
  EdfFile file = small_file();
  file.version =
      "\xFF"
      "BIOSEMI";
  const auto samples = [](const std::vector<int>& values) {
    std::string bytes;
    for (const int value : values)
      for (const int shift : {0, 8, 16}) bytes += static_cast<char>(value >> shift & 0xFF);
    return bytes;
  };
  for (auto& channel : file.channels) {
    channel.digital_min = "-8388608";
    channel.digital_max = "8388607";
    channel.physical_min = "-8388608";
    channel.physical_max = "8388607";
    channel.records = {samples({0, 1, -1, 8388607}), samples({-8388608, 2, 3, 4})};
  }
  const ecg::Recording recording = parse_edf(file.bytes(), "a.bdf");
  ASSERT_EQ(recording.signal.rows(), 8);
  EXPECT_TRUE(std::abs(recording.signal(2, 0) + 1) <= 1e-9);
  EXPECT_TRUE(std::abs(recording.signal(3, 1) - 8388607) <= 1e-6);
  EXPECT_TRUE(std::abs(recording.signal(4, 1) + 8388608) <= 1e-6);
  for (auto& channel : file.channels) channel.digital_min = "-8388610";
  expect_error([&] { parse_edf(file.bytes(), "a.bdf"); }, {"signal 1: digital minimum is -8388610"});
}

TEST(Edf, NoEcgIsAClearError) {
  EdfFile file = small_file();
  file.channels[0].label = "EEG Fpz-Cz";
  file.channels[1].label = "EMG chin";
  expect_error([&] { parse_edf(file.bytes(), "a.edf"); }, {"a.edf: no ECG among its signals: EEG Fpz-Cz"});
}

TEST(Edf, FieldsThatCannotBe) {
  const auto expect = [](const std::function<void(EdfFile&)>& spoil, std::initializer_list<std::string_view> parts) {
    EdfFile file = small_file();
    spoil(file);
    expect_error([&] { parse_edf(file.bytes(), "a.edf"); }, parts);
  };
  expect([](EdfFile& f) { f.version = "1"; }, {"a.edf: no EDF file"});
  expect([](EdfFile& f) { f.channels[0].records = f.channels[1].records = {}; }, {"no data: 0 bytes after the header"});
  expect([](EdfFile& f) { f.duration = "0"; }, {"duration of a data record is 0 s"});
  expect([](EdfFile& f) { f.duration = "nan"; }, {"duration", "'nan'"});
  expect([](EdfFile& f) { f.count = "2.5"; }, {"number of signals is 2.5"});
  expect([](EdfFile& f) { f.count = "1"; }, {"bytes in the header is '768', expected 512 for 1 signals"});
  expect([](EdfFile& f) { f.channels[1].per_record = "-1"; }, {"signal 2: samples per data record is -1"});
  expect([](EdfFile& f) { f.channels[1].per_record = "x"; }, {"signal 2: samples per data record: found 'x'"});
  expect([](EdfFile& f) { f.channels[0].per_record = f.channels[1].per_record = "0"; }, {"no data"});
  expect([](EdfFile& f) { f.channels[1].per_record = "10000001"; }, {"signal 2: samples per data record is 1"});
  const auto expect_lead = [&](const std::function<void(EdfChannel&)>& spoil,
                               std::initializer_list<std::string_view> parts) {
    expect(
        [&](EdfFile& f) {
          f.channels.pop_back();
          spoil(f.channels[0]);
        },
        parts);
  };
  expect_lead([](EdfChannel& c) { c.physical_min = "low"; }, {"signal 1: physical minimum: found 'low'"});
  expect_lead([](EdfChannel& c) { c.physical_max = "-10"; }, {"signal 1 (I)", "both -10"});
  expect_lead([](EdfChannel& c) { c.digital_max = "-32768"; }, {"signal 1 (I)", "digital minimum -32768"});
  expect_lead([](EdfChannel& c) { c.digital_max = "70000"; }, {"signal 1: digital maximum is 70000"});
  expect_error([] { parse_edf("", "a.edf"); }, {"a.edf: empty"});
  EdfFile none;
  expect_error([&] { parse_edf(none.bytes(), "a.edf"); }, {"no signals"});
}

// Many exports write 2^15 as the maximum; it only tells the scale.
TEST(Edf, DigitalLimitsBeyondTheSamplesByOne) {
  EdfFile file = small_file();
  const auto scaled = [&](const char* low, const char* high) {
    file.channels[0].digital_min = low;
    file.channels[0].digital_max = high;
    const testing::LogCapture log;
    const double value = parse_edf(file.bytes(), "a.edf").signal(1, 0);
    EXPECT_EQ(log.warned("a.edf: lead I: a digital limit is beyond 16 bits by one"), high[4] == '8' || low[5] == '9');
    return value;
  };
  const double right = scaled("-32768", "32767");
  for (const auto& [low, high] : {std::pair("-32768", "32768"), std::pair("-32769", "32767")})
    EXPECT_NEAR(scaled(low, high), right, 1e-3);
  file.channels.pop_back();
  for (const char* wrong : {"32769", "65535"}) {
    file.channels[0].digital_max = wrong;
    expect_error([&] { parse_edf(file.bytes(), "a.edf"); }, {"signal 1: digital maximum is"});
  }
}

// A connector that was left open, for example.
TEST(Edf, ALeadThatCannotBeReadIsLeftAside) {
  for (const auto& spoil : std::vector<std::function<void(EdfChannel&)>>{
           [](EdfChannel& c) { c.physical_min = c.physical_max = c.digital_min = c.digital_max = "0"; },
           [](EdfChannel& c) { c.physical_min = "low"; }, [](EdfChannel& c) { c.digital_max = "-40000"; }}) {
    EdfFile file = small_file();
    const ecg::Recording whole = parse_edf(file.bytes(), "a.edf");
    spoil(file.channels[0]);
    const ecg::Recording recording = parse_edf(file.bytes(), "a.edf");
    EXPECT_EQ(recording.leads, std::vector<std::string>{"II"});
    EXPECT_TRUE((recording.signal.col(0) == whole.signal.col(1)).all());
    ASSERT_EQ(recording.others.size(), 1U);
    EXPECT_EQ(recording.others[0].name, "I");
    EXPECT_TRUE(recording.others[0].reason.starts_with("signal 1")) << recording.others[0].reason;
  }
}

// The signals say how long the header is, and the file how many data records there are.
TEST(Edf, SizesThatTheHeaderDoesNotSayRightAreWarnedAbout) {
  const ecg::Recording whole = parse_edf(small_file().bytes(), "a.edf");
  for (const char* bytes : {"256", "800", "3584", " ", "x"}) {
    const testing::LogCapture log;
    EdfFile file = small_file();
    file.header_bytes = bytes;
    EXPECT_TRUE((parse_edf(file.bytes(), "a.edf").signal == whole.signal).all()) << bytes;
    ASSERT_EQ(log.warnings.size(), 1U) << bytes;
    EXPECT_TRUE(log.warned("expected 768 for 2 signals")) << bytes;
  }
  for (const char* records : {"two", " ", "-2", "1.5"}) {
    const testing::LogCapture log;
    EdfFile file = small_file();
    file.records = records;
    EXPECT_TRUE((parse_edf(file.bytes(), "a.edf").signal == whole.signal).all()) << records;
    EXPECT_TRUE(log.warned("all that are there are read")) << records;
  }
}

TEST(Edf, LabelsWithAccents) {
  for (const char* label : {"D\xE9rivation I", "D\xC3\xA9rivation I"}) {
    EdfFile file = small_file();
    file.channels[0].label = label;
    EXPECT_EQ(parse_edf(file.bytes(), "a.edf").leads.at(0), "Derivation I");
  }
}

// What is there of a truncated file is the beginning of the whole one.
TEST(Edf, EveryTruncationIsAnErrorOrTheBeginning) {
  const testing::LogCapture log;
  const std::string bytes = read_file(golden_folder() / "edf" / "plus.edf");
  const ecg::Recording whole = parse_edf(bytes, "a.edf");
  std::size_t read = 0, refused = 0;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    try {
      const ecg::Recording part = parse_edf(bytes.substr(0, size), "a.edf");
      ASSERT_TRUE(part.signal.rows() < whole.signal.rows() &&
                  (part.signal == whole.signal.topRows(part.signal.rows())).all());
      ++read;
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_EQ(log.warnings.size(), read) << "each with a warning";
  EXPECT_GT(refused, 256U * 4);
}

TEST(Edf, FilesThatAreNone) {
  const cardiograd::testing::TemporaryFolder folder;
  expect_error([&] { read_edf(folder / "none.edf"); }, {"none.edf"});
  expect_error([&] { read_edf(folder.path()); }, {"not a regular file"});
}

TEST(Edf, TheFieldOfTheVersionMayBeFilledUpWithAnything) {
  for (const std::string& version :
       {std::string("0\0\0\0\0\0\0\0", 8), std::string("0      \xA0"), std::string("0.0")}) {
    EdfFile file = small_file();
    file.version = version;
    EXPECT_EQ(parse_edf(file.bytes(), "a.edf").signal.rows(), 8);
    EXPECT_TRUE(begins_as_edf(file.bytes()));
  }
  for (const char* version : {"", "1", "0 1", "0x", " 0", "00.1"}) {
    EdfFile file = small_file();
    file.version = version;
    expect_error([&] { parse_edf(file.bytes(), "a.edf"); }, {"a.edf: no EDF file"});
    EXPECT_FALSE(begins_as_edf(file.bytes())) << version;
  }
  EXPECT_FALSE(begins_as_edf(std::string("0\0", 2) + std::string(400, '\0'))) << "no size of a header";
}

TEST(Edf, SexAndDatesInAnyCase) {
  const auto comments = [](const std::string& patient, const std::string& recording) {
    EdfFile file = small_file();
    file.kind = "EDF+C";
    file.patient = patient;
    file.recording = recording;
    return parse_edf(file.bytes(), "a.edf").comments;
  };
  using Comments = std::vector<std::string>;
  EXPECT_EQ(comments("X F 02-May-1951 X", "Startdate 02-Mar-2002 X X X"), (Comments{"Sex: Female", "Age: 50"}));
  EXPECT_EQ(comments("X Female 02-may-1951 X", "Startdate 02-MAY-2002 X X X"), (Comments{"Sex: Female", "Age: 51"}));
  EXPECT_EQ(comments("X f X X", "Startdate X X X X"), Comments{"Sex: Female"});
  EXPECT_EQ(comments("X male X X", "Startdate X X X X"), Comments{"Sex: Male"});
  EXPECT_EQ(comments("X X 02-MAY-1951 X", "Startdate X X X X"), Comments{});
}

// The field of the duration has eight characters: 1/3 s is 0.333333 there.
TEST(Edf, RoundedDurationsOfDataRecordsAreNoGaps) {
  constexpr int kRecords = 6000;
  EdfFile file = small_file();
  file.kind = "EDF+D";
  file.duration = "0.333333";
  file.records = std::to_string(kRecords);
  std::vector<std::string> onsets;
  for (int i = 0; i < kRecords; ++i) onsets.push_back(fmt::format("+{:.3f}", i / 3.0));
  file.channels.push_back(edf_annotations(onsets));
  for (auto& channel : file.channels) channel.records.resize(kRecords, channel.records.front());
  EXPECT_EQ(parse_edf(file.bytes(), "a.edf").signal.rows(), 4 * kRecords);
  // A sample is missing (12 Hz), late in the recording.
  std::vector<std::string> gap = onsets;
  for (std::size_t i = 5000; i < gap.size(); ++i)
    gap[i] = fmt::format("+{:.3f}", static_cast<double>(i) / 3 + 1.0 / 12);
  file.channels.back() = edf_annotations(gap);
  expect_error([&] { parse_edf(file.bytes(), "a.edf"); },
               {"interrupted recording: data record 5001 begins at 1666.75 s"});
  // Less than half a sample.
  for (std::size_t i = 5000; i < gap.size(); ++i) gap[i] = fmt::format("+{:.3f}", static_cast<double>(i) / 3 + 0.04);
  file.channels.back() = edf_annotations(gap);
  EXPECT_EQ(parse_edf(file.bytes(), "a.edf").signal.rows(), 4 * kRecords);
}

}  // namespace
}  // namespace cardiograd::data
