#include "data/edf.h"

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "tests/common/temporary_folder.h"
#include "tests/data/edf_builder.h"
#include "tests/data/helpers.h"

namespace cardiograd::data {
namespace {

using cardiograd::testing::edf_annotations;
using cardiograd::testing::edf_samples;
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

// Values as EDFlib reads them: the leads, without the slower respiration channel and the annotations.
TEST(Edf, GoldenFilePlus) {
  const ecg::Recording recording = read_edf(golden_folder() / "edf" / "plus.edf");
  const auto leads = golden("plus");
  EXPECT_EQ(recording.rate, 128);
  EXPECT_EQ(recording.leads, (std::vector<std::string>{"ECG II", "ECG I", "ECG V1"}));
  EXPECT_EQ(recording.units, (std::vector<std::string>{"uV", "uV", "uV"}));
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
  expect_error([&] { parse_edf(file.bytes(), "a.edf"); }, {"V1 and I have different rates: 1 and 4 samples"});
}

TEST(Edf, FieldsThatCannotBe) {
  const auto expect = [](const std::function<void(EdfFile&)>& spoil, std::initializer_list<std::string_view> parts) {
    EdfFile file = small_file();
    spoil(file);
    expect_error([&] { parse_edf(file.bytes(), "a.edf"); }, parts);
  };
  expect([](EdfFile& f) { f.version = "1"; }, {"a.edf: no EDF file"});
  expect(
      [](EdfFile& f) {
        f.version =
            "\xFF"
            "BIOSEMI";
      },
      {"BDF"});
  expect([](EdfFile& f) { f.header_bytes = "800"; }, {"bytes in the header is 800, expected 768"});
  expect([](EdfFile& f) { f.records = "two"; }, {"number of data records: found 'two'"});
  expect([](EdfFile& f) { f.records = "0"; }, {"no data"});
  expect([](EdfFile& f) { f.records = "1"; }, {"over-long: 800 bytes, expected 784"});
  expect([](EdfFile& f) { f.records = "3"; }, {"truncated: 800 bytes, expected 816"});
  expect([](EdfFile& f) { f.duration = "0"; }, {"duration of a data record is 0 s"});
  expect([](EdfFile& f) { f.duration = "nan"; }, {"duration", "'nan'"});
  expect([](EdfFile& f) { f.count = "2.5"; }, {"number of signals is 2.5"});
  expect([](EdfFile& f) { f.count = "1"; }, {"bytes in the header is 768, expected 512"});
  expect([](EdfFile& f) { f.channels[1].per_record = "0"; }, {"signal 2: samples per data record is 0"});
  expect([](EdfFile& f) { f.channels[1].per_record = "10000001"; }, {"signal 2: samples per data record is 1"});
  expect([](EdfFile& f) { f.channels[1].physical_min = "low"; }, {"signal 2: physical minimum: found 'low'"});
  expect([](EdfFile& f) { f.channels[1].physical_max = "-10"; }, {"signal 2 (II)", "both -10"});
  expect([](EdfFile& f) { f.channels[0].digital_max = "-32768"; }, {"signal 1 (I)", "digital minimum -32768"});
  expect([](EdfFile& f) { f.channels[0].digital_max = "70000"; }, {"signal 1: digital maximum is 70000"});
  expect_error([] { parse_edf("", "a.edf"); }, {"a.edf: empty"});
  EdfFile none;
  expect_error([&] { parse_edf(none.bytes(), "a.edf"); }, {"no signals"});
}

TEST(Edf, EveryTruncationIsAnError) {
  const std::string whole = read_file(golden_folder() / "edf" / "plus.edf");
  for (std::size_t size = 0; size < whole.size(); ++size)
    ASSERT_THROW(parse_edf(whole.substr(0, size), "a.edf"), Error) << size;
  EXPECT_NO_THROW(parse_edf(whole, "a.edf"));
}

TEST(Edf, FilesThatAreNone) {
  const cardiograd::testing::TemporaryFolder folder;
  expect_error([&] { read_edf(folder / "none.edf"); }, {"none.edf"});
  expect_error([&] { read_edf(folder.path()); }, {"not a regular file"});
}

}  // namespace
}  // namespace cardiograd::data
