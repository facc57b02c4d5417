#include "data/dicom.h"

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "data/source_recording.h"
#include "tests/data/helpers.h"

namespace cardiograd::data {
namespace {

using testing::expect_error;

// Writes elements as PS3.5 has them.
struct Writer {
  bool explicit_vr = true;
  bool big_endian = false;

  std::string number(std::uint32_t value, std::size_t bytes) const {
    std::string text(bytes, '\0');
    for (std::size_t i = 0; i < bytes; ++i)
      text[big_endian ? bytes - 1 - i : i] = static_cast<char>(value >> (8 * i) & 0xFF);
    return text;
  }
  std::string element(std::uint32_t tag, const std::string& vr, std::string value) const {
    if (value.size() % 2 != 0) value += ' ';
    const auto size = static_cast<std::uint32_t>(value.size());
    std::string text = number(tag >> 16, 2) + number(tag & 0xFFFF, 2);
    if (!explicit_vr || vr.empty()) return text + number(size, 4) + value;
    if (vr == "SQ" || vr == "OW" || vr == "OB") return text + vr + std::string(2, '\0') + number(size, 4) + value;
    return text + vr + number(size, 2) + value;
  }
  std::string item(const std::string& value) const { return element(0xFFFEE000, "", value); }
  // Of undefined length, ended by a delimiter.
  std::string open_sequence(std::uint32_t tag, const std::string& items) const {
    std::string text = number(tag >> 16, 2) + number(tag & 0xFFFF, 2);
    if (explicit_vr) text += "SQ" + std::string(2, '\0');
    return text + number(0xFFFFFFFF, 4) + items + element(0xFFFEE0DD, "", "");
  }
  std::string channel(const std::string& code, const std::string& meaning, const std::string& step) const {
    const std::string source = item(element(0x00080100, "SH", code) + element(0x00080104, "LO", meaning));
    const std::string unit = item(element(0x00080100, "SH", "uV"));
    return item(element(0x003A0208, "SQ", source) + element(0x003A0210, "DS", step) + open_sequence(0x003A0211, unit) +
                element(0x003A0212, "DS", "1") + element(0x003A0213, "DS", "0"));
  }
  std::string file(const std::string& samples, const std::string& kind = "SS") const {
    const std::string syntax = !explicit_vr ? "1.2.840.10008.1.2"
                               : big_endian ? "1.2.840.10008.1.2.2"
                                            : "1.2.840.10008.1.2.1";
    const std::string channels = channel("5.6.3-9-1", "Lead I (Einthoven)", "2.5") + channel("2:64", "Lead aVF", "5") +
                                 channel("X", "Lead V1", "1");
    const std::string waveform =
        item(element(0x003A0005, "US", number(3, 2)) + element(0x003A0010, "UL", number(2, 4)) +
             element(0x003A001A, "DS", "500") + element(0x003A0200, "SQ", channels) +
             element(0x54001004, "US", number(16, 2)) + element(0x54001006, "CS", kind) +
             element(0x5400100A, "OW", number(0x8000, 2)) + element(0x54001010, "OW", samples));
    return std::string(128, '\0') + "DICM" + Writer().element(0x00020010, "UI", syntax + '\0') +
           element(0x0008002A, "DT", "20200512123359") + element(0x00100040, "CS", "F") +
           element(0x00101010, "AS", "056Y") + open_sequence(0x54000100, waveform);
  }
  // A waveform of leads of zeros at 500 Hz; `offset`: of its time, in ms.
  std::string group(const std::vector<std::string>& leads, std::size_t samples, const std::string& originality = "",
                    const std::string& offset = "") const {
    std::string channels;
    for (const std::string& lead : leads) channels += channel("X", "Lead " + lead, "1");
    return item((offset.empty() ? "" : element(0x00181068, "DS", offset)) +
                (originality.empty() ? "" : element(0x003A0004, "CS", originality)) +
                element(0x003A0005, "US", number(static_cast<std::uint32_t>(leads.size()), 2)) +
                element(0x003A0010, "UL", number(static_cast<std::uint32_t>(samples), 4)) +
                element(0x003A001A, "DS", "500") + element(0x003A0200, "SQ", channels) +
                element(0x54001004, "US", number(8, 2)) + element(0x54001006, "CS", "SB") +
                element(0x54001010, "OB", std::string(leads.size() * samples, '\0')));
  }
  std::string file_of(const std::vector<std::string>& groups) const {
    std::string all;
    for (const std::string& group : groups) all += group;
    return std::string(128, '\0') + "DICM" + element(0x00020010, "UI", std::string("1.2.840.10008.1.2.1") + '\0') +
           open_sequence(0x54000100, all);
  }
  std::string samples() const {
    std::string text;
    for (const int value : {4, -2, 3, 0x8000, 6, -7}) text += number(static_cast<std::uint32_t>(value), 2);
    return text;
  }
};

TEST(Dicom, ReadsAllThreeEncodings) {
  for (const Writer& writer : {Writer{true, false}, Writer{false, false}, Writer{true, true}}) {
    const ecg::Recording recording = parse_dicom(writer.file(writer.samples()), "a.dcm");
    EXPECT_EQ(recording.rate, 500);
    EXPECT_EQ(recording.leads, (std::vector<std::string>{"I", "aVF", "Lead V1"}));
    EXPECT_EQ(recording.units, (std::vector<std::string>{"uV", "uV", "uV"}));
    ASSERT_EQ(recording.signal.rows(), 2);
    EXPECT_EQ(recording.signal(0, 0), 10);
    EXPECT_EQ(recording.signal(0, 1), -10);
    EXPECT_EQ(recording.signal(0, 2), 3);
    EXPECT_TRUE(std::isnan(recording.signal(1, 0))) << "the padding value";
    EXPECT_EQ(recording.signal(1, 1), 30);
    EXPECT_EQ(recording.signal(1, 2), -7);
    EXPECT_EQ(recording.start, "2020-05-12 12:33:59");
    EXPECT_EQ(recording.comments, (std::vector<std::string>{"Age: 056Y", "Sex: F"}));
  }
}

TEST(Dicom, ABirthDateGivesTheAgeThatIsNotSaid) {
  const Writer writer;
  std::string bytes = writer.file(writer.samples());
  const std::string age = writer.element(0x00101010, "AS", "056Y");
  bytes.replace(bytes.find(age), age.size(), writer.element(0x00100030, "DA", "19500513"));
  EXPECT_EQ(parse_dicom(bytes, "a.dcm").comments, (std::vector<std::string>{"Age: 69", "Sex: F"}));
}

// As a WFDB header without a gain: read, and said.
TEST(Dicom, AMissingSensitivityIsWarnedAbout) {
  const testing::LogCapture log;
  const Writer writer;
  const std::string whole = writer.file(writer.samples());
  parse_dicom(whole, "whole.dcm");
  EXPECT_TRUE(log.warnings.empty());
  const std::string step = writer.element(0x003A0210, "DS", "2.5"), factor = writer.element(0x003A0212, "DS", "1");
  // A private element of the same size in its place, and 0 for "not known".
  for (const std::string& other : {writer.element(0x003A1001, "DS", "2.5"), writer.element(0x003A0210, "DS", "0.0")}) {
    std::string bytes = whole;
    bytes.replace(bytes.find(step), step.size(), other);
    const ecg::Recording recording = parse_dicom(bytes, "step.dcm");
    EXPECT_EQ(recording.signal(0, 0), 4);
    EXPECT_EQ(recording.signal(0, 1), -10);
    EXPECT_TRUE(log.warned("step.dcm: no channel sensitivity for lead I; 1 unit per step is assumed"));
  }
  std::string bytes = whole;
  bytes.replace(bytes.find(factor), factor.size(), writer.element(0x003A0212, "DS", "0"));
  EXPECT_EQ(parse_dicom(bytes, "factor.dcm").signal(0, 0), 10) << "a correction of 0 is none";
  EXPECT_EQ(log.warnings.size(), 2U);
}

TEST(Dicom, ReadsWhatPydicomWrote) {
  const auto folder = testing::golden_folder() / "dicom";
  const auto expected = nlohmann::json::parse(read_file(folder / "values.json"));
  for (const char* name : {"twelve.dcm", "implicit.dcm"}) {
    const SourceRecording source = read_recording(folder / name);
    EXPECT_EQ(source.recording.rate, expected.at("rate").get<double>());
    EXPECT_EQ(source.recording.leads, expected.at("leads").get<std::vector<std::string>>());
    EXPECT_EQ(source.person.age, 1.5);
    EXPECT_EQ(source.person.sex, ecg::kMale);
    const auto& values = expected.at("values");
    ASSERT_EQ(source.recording.signal.rows(), static_cast<Eigen::Index>(values.size()));
    for (std::size_t t = 0; t < values.size(); ++t)
      for (std::size_t lead = 0; lead < 12; ++lead)
        EXPECT_NEAR(source.recording.signal(static_cast<Eigen::Index>(t), static_cast<Eigen::Index>(lead)),
                    values[t][lead].get<double>(), 1e-6);
  }
}

TEST(Dicom, WhatCannotBeReadIsSaid) {
  const Writer writer;
  const std::string whole = writer.file(writer.samples());
  expect_error([&] { parse_dicom(writer.file(writer.samples().substr(0, 8)), "a.dcm"); },
               {"a.dcm: 8 bytes of samples"});
  expect_error([&] { parse_dicom(writer.file(writer.samples(), "MB"), "a.dcm"); }, {"stored as 'MB'"});
  expect_error([&] { parse_dicom(whole.substr(0, whole.size() - 20), "a.dcm"); }, {"a.dcm: truncated"});
  expect_error([&] { parse_dicom(whole.substr(0, whole.find("20200512") + 14), "a.dcm"); }, {"no waveform"});
  std::string jpeg = whole;
  jpeg.replace(jpeg.find("1.2.840.10008.1.2.1"), 19, "1.2.840.10008.1.2.9");
  expect_error([&] { parse_dicom(jpeg, "a.dcm"); }, {"transfer syntax '1.2.840.10008.1.2.9'"});
  for (std::size_t size = 133; size < whole.size(); ++size)
    EXPECT_THROW(parse_dicom(whole.substr(0, size), "a"), Error);
}

using Names = std::vector<std::string>;
const Names kLimbLeads = {"I", "II", "III", "aVR", "aVL", "aVF"}, kChestLeads = {"V1", "V2", "V3", "V4", "V5", "V6"};

TEST(Dicom, DerivedGroupsAreReadOnlyWhereThereAreNoOthers) {
  const Writer w;
  const auto rows = [&](const std::vector<std::string>& groups) {
    return parse_dicom(w.file_of(groups), "a.dcm").signal.rows();
  };
  const std::string median = w.group(kLimbLeads, 600, "DERIVED"), rhythm = w.group(kLimbLeads, 5000, "ORIGINAL");
  EXPECT_EQ(rows({median, rhythm}), 5000);
  EXPECT_EQ(rows({rhythm, median}), 5000);
  EXPECT_EQ(rows({median, w.group(kLimbLeads, 5000)}), 5000) << "of unknown originality";
  EXPECT_EQ(rows({median}), 600);
  EXPECT_TRUE(parse_dicom(w.file_of({median, rhythm}), "a.dcm").others.empty());
}

TEST(Dicom, GroupsOfTheSameTimeAreOneRecording) {
  const Writer w;
  const auto leads = [&](const std::vector<std::string>& groups) {
    return parse_dicom(w.file_of(groups), "a.dcm").leads.size();
  };
  const auto others = [&](const std::vector<std::string>& groups) {
    const auto found = parse_dicom(w.file_of(groups), "a.dcm").others;
    return found.empty() ? std::string() : found.front().name;
  };
  const std::string limbs = w.group(kLimbLeads, 5000), chest = w.group(kChestLeads, 5000);
  EXPECT_EQ(leads({limbs, chest}), 12U);
  EXPECT_EQ(others({limbs, chest}), "");
  EXPECT_EQ(leads({limbs, w.group(kChestLeads, 4000)}), 6U);
  EXPECT_EQ(others({limbs, w.group({"V1", "V2"}, 4000)}), "Lead V1, Lead V2 of another waveform of 8 s");
  EXPECT_EQ(leads({limbs, w.group(kLimbLeads, 5000)}), 6U) << "the same leads again";
  // One after the other: too short for leads recorded at once, or said so.
  const std::vector<std::string> split = {w.group({"I", "II", "III"}, 1250), w.group({"aVR", "aVL", "aVF"}, 1250),
                                          w.group({"V1", "V2", "V3"}, 1250), w.group({"V4", "V5", "V6"}, 1250)};
  EXPECT_EQ(leads(split), 3U);
  EXPECT_EQ(parse_dicom(w.file_of(split), "a.dcm").others.size(), 3U);
  EXPECT_EQ(leads({w.group(kLimbLeads, 5000, "", "0"), w.group(kChestLeads, 5000, "", "10000")}), 6U);
  EXPECT_EQ(leads({w.group(kLimbLeads, 1250, "", "0"), w.group(kChestLeads, 1250, "", "0")}), 12U);
}

TEST(Dicom, TheGroupWithMostEcgIsRead) {
  const testing::LogCapture log;
  const Writer w;
  const auto read = [&](const std::vector<std::string>& groups) { return parse_dicom(w.file_of(groups), "a.dcm"); };
  const Names all = {"I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"};
  const std::string rhythm = w.group(all, 5000);
  for (const std::string& first : {w.group({"ABP"}, 5000), w.group({"Heart sound"}, 50000), w.group(all, 600),
                                   w.group({"Fp1", "Fp2", "O1"}, 50000)}) {
    const ecg::Recording recording = read({first, rhythm});
    EXPECT_EQ(recording.leads.size(), 12U);
    EXPECT_EQ(recording.signal.rows(), 5000);
    EXPECT_EQ(recording.others.size(), 1U);
  }
  EXPECT_EQ(read({w.group(all, 600), w.group({"II"}, 5000)}).leads, Names{"Lead II"}) << "a beat is no rhythm";
  // Twelve leads one after the other beside a strip: that is longest.
  const ecg::Recording strip =
      read({w.group({"I", "II", "III"}, 1250, "", "0"), w.group({"aVR", "aVL", "aVF"}, 1250, "", "2500"),
            w.group({"V1", "V2", "V3"}, 1250, "", "5000"), w.group({"V4", "V5", "V6"}, 1250, "", "7500"),
            w.group({"II"}, 5000, "", "0")});
  EXPECT_EQ(strip.leads, Names{"Lead II"});
  ASSERT_EQ(strip.others.size(), 4U);
  EXPECT_EQ(strip.others[3].name, "Lead V4, Lead V5, Lead V6 of another waveform of 2.5 s");
  EXPECT_TRUE(log.warnings.empty());
  EXPECT_EQ(read({w.group(kLimbLeads, 4000), w.group(kChestLeads, 4000)}).leads.size(), 12U);
  EXPECT_TRUE(log.warned("a.dcm: waveforms of 8 s each without times"));
}

TEST(Dicom, ZerosAfterTheLastElementAreNoElement) {
  const Writer writer;
  const std::string whole = writer.file(writer.samples());
  for (const std::size_t zeros : {1U, 3U, 8U, 500U})
    EXPECT_EQ(parse_dicom(whole + std::string(zeros, '\0'), "a.dcm").leads.size(), 3U) << zeros;
  expect_error([&] { parse_dicom(whole + "12", "a.dcm"); }, {"a.dcm: truncated"});
}

// The preamble of 128 bytes and "DICM", but no transfer syntax.
TEST(Dicom, FilesWithoutMetaInformation) {
  for (const bool explicit_vr : {true, false}) {
    const Writer writer{explicit_vr, false};
    std::string bytes = writer.file(writer.samples());
    const std::size_t meta = bytes.find(writer.element(0x0008002A, "DT", "20200512123359"));
    bytes.erase(132, meta - 132);
    EXPECT_EQ(parse_dicom(bytes, "a.dcm").signal(0, 0), 10);
  }
}

TEST(Dicom, FilesWithoutPreamble) {
  for (const Writer& writer : {Writer{true, false}, Writer{false, false}, Writer{true, true}}) {
    const std::string whole = writer.file(writer.samples()).substr(132);
    const std::string meta = Writer().element(0x00020000, "UL", Writer().number(28, 4));
    EXPECT_TRUE(is_dicom(meta + whole));
    EXPECT_EQ(parse_dicom(meta + whole, "a.dcm").signal(0, 0), 10);
    if (writer.big_endian) continue;
    // Without meta information, too.
    const std::string bare = writer.element(0x00080016, "UI", std::string("1.2.840.10008.5.1.4.1.1.9.1.1") + '\0') +
                             whole.substr(whole.find(writer.number(0x002A0008, 4)));
    EXPECT_TRUE(is_dicom(bare));
    EXPECT_EQ(parse_dicom(bare, "a.dcm").signal(0, 0), 10);
  }
  EXPECT_FALSE(is_dicom(std::string("\x08\0\x16\0\xFF\xFF\xFF\x7F........", 16)));
  EXPECT_FALSE(is_dicom(std::string("\x08\0\x17\0UI..........", 16)));
  EXPECT_FALSE(is_dicom("time,I,II\n0,1,2\n3,4,5\n"));
}

}  // namespace
}  // namespace cardiograd::data
