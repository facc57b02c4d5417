// Damaged input of every kind: each parser must return something or throw Error, and touch no memory but its own. The
// preset asan makes the second half count.

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include <gtest/gtest.h>

#include "base/philox.h"
#include "data/csv.h"
#include "data/dicom.h"
#include "data/ecg_xml.h"
#include "data/edf.h"
#include "data/ptbxl.h"
#include "data/scp_codes.h"
#include "data/scp_ecg.h"
#include "data/signal_csv.h"
#include "data/wfdb.h"
#include "data/wfdb_annotation.h"
#include "data/wfdb_flac.h"
#include "tests/common/temporary_folder.h"
#include "tests/data/edf_builder.h"
#include "tests/data/helpers.h"

namespace cardiograd::data {
namespace {

using cardiograd::testing::TemporaryFolder;

// One to four changes: a byte replaced, a piece removed, a piece doubled, a digit put in.
std::string damaged(std::string text, PhiloxStream& random) {
  const std::uint32_t changes = 1 + random.below(4);
  for (std::uint32_t change = 0; change < changes && !text.empty(); ++change) {
    const std::size_t at = random.below(static_cast<std::uint32_t>(text.size()));
    const std::size_t size = random.below(12);
    switch (random.below(4)) {
      case 0:
        text[at] = static_cast<char>(random.below(256));
        break;
      case 1:
        text.erase(at, size);
        break;
      case 2:
        text.insert(at, text.substr(at, size));
        break;
      default:
        text.insert(at, 1, "0123456789-+/(:x'\"{\n"[random.below(20)]);
        break;
    }
  }
  return text;
}

// Runs `parse` on many damaged versions of `text`; both outcomes must occur, else the damage is too little or too much.
void expect_only_errors(const std::string& text, int times, const std::function<void(const std::string&)>& parse) {
  PhiloxStream random(11);
  int failed = 0;
  for (int i = 0; i < times; ++i) {
    const std::string bad = damaged(text, random);
    try {
      parse(bad);
    } catch (const Error&) {
      ++failed;
    }
  }
  EXPECT_GT(failed, 0);
  EXPECT_LT(failed, times);
}

TEST(DamagedInput, Headers) {
  expect_only_errors(
      "rec 2 360/1000(5) 650 12:33:59 12/05/2020\nrec.dat 16x3:2+24 1000.5(-7)/uV 12 1024 -3 -11371 0 lead a\n"
      "rec.dat 16+24 200 11 1024\n# age: 61\n",
      20000, [](const std::string& text) { parse_wfdb_header(text, "r.hea"); });
}

TEST(DamagedInput, Annotations) {
  TemporaryFolder folder;
  write_wfdb_annotations(folder / "a",
                         {250, {{5, 1, 1, 2, 3, "text"}, {5000000, 28, 0, 0, 0, "(AFIB"}, {7, 5, 0, 1, 0, ""}}});
  expect_only_errors(read_file(folder / "a"), 20000,
                     [](const std::string& text) { parse_wfdb_annotations(text, "a"); });
}

TEST(DamagedInput, Tables) {
  expect_only_errors(
      "ecg_id,patient_id,age,sex,scp_codes,strat_fold,filename_lr\n1,2,56.0,1,\"{'NORM': 100.0, 'SR': None}\",3,r/1\n"
      "2,2,300,0,{},10,r/2\n",
      20000, [](const std::string& text) { parse_ptbxl_database(text, "d.csv"); });
  expect_only_errors("a,\"b\",c\n1,\"2\n\",3\n4,5,6\n", 20000,
                     [](const std::string& text) { CsvTable::parse(text, "t.csv"); });
  expect_only_errors("{'NORM': 100.0, \"SR\": None, '1AVB': 0}", 20000,
                     [](const std::string& text) { parse_scp_codes(text); });
}

TEST(DamagedInput, Records) {
  TemporaryFolder folder;
  const testing::LogCapture log;
  const auto golden = testing::golden_folder() / "wfdb";
  for (const char* name : {"format212", "frames", "format24"}) {
    for (const auto& entry : std::filesystem::directory_iterator(golden))
      std::filesystem::copy(entry.path(), folder / entry.path().filename().string(),
                            std::filesystem::copy_options::overwrite_existing);
    const auto header = folder / (std::string(name) + ".hea");
    const std::string text = read_file(header);
    expect_only_errors(text, 300, [&](const std::string& bad) {
      std::ofstream(header, std::ios::binary) << bad;
      read_wfdb(header);
    });
  }
}

TEST(DamagedInput, EdfFiles) {
  cardiograd::testing::EdfFile file;
  file.kind = "EDF+D";
  file.records = "3";
  file.channels = {{.label = "I", .per_record = "2"}, cardiograd::testing::edf_annotations({"+0", "+1", "+2"})};
  file.channels[0].records.assign(3, cardiograd::testing::edf_samples({1, -2}));
  const std::string good = file.bytes();
  // Insertions and removals spoil the length, which is found at once: here bytes change in place.
  PhiloxStream random(12);
  int failed = 0;
  constexpr int kTimes = 20000;
  for (int i = 0; i < kTimes; ++i) {
    std::string bad = good;
    for (std::uint32_t change = 0; change <= random.below(3); ++change)
      bad[random.below(static_cast<std::uint32_t>(bad.size()))] = "0123456789-+. \x14\xFFIE"[random.below(18)];
    try {
      parse_edf(bad, "a.edf");
    } catch (const Error&) {
      ++failed;
    }
  }
  EXPECT_GT(failed, 0);
  EXPECT_LT(failed, kTimes);
  PhiloxStream cuts(13);
  for (int i = 0; i < 2000; ++i) {
    try {
      parse_edf(damaged(good, cuts), "a.edf");
    } catch (const Error&) {
    }
  }
}

TEST(DamagedInput, SignalTables) {
  expect_only_errors("time,I (uV),II\n0,1.5,\n0.002,nan,-3e2\n0.004,7,8\n0.006,7,8\n", 20000,
                     [](const std::string& text) { parse_signal_csv(text, "a.csv"); });
}

TEST(DamagedInput, TextTablesAndXml) {
  const testing::LogCapture log;
  const auto expect_tables = [](const std::string& text, std::optional<double> rate) {
    expect_only_errors(
        text, 5000, [rate](const std::string& bad) { parse_signal_csv(bad, "a.csv", {.rate = rate, .unit = "mV"}); });
  };
  expect_tables("Device;X\ntime (ms);I;II [uV];label\n0;0,5;-3;N\n4;1;4;N\n8;2;5;N\n", std::nullopt);
  expect_tables("lead,unit,0,1,2\nI,mV,0.1,0.2,0.3\nII,mV,-1,2,-3\n", 250);
  expect_tables("Elapsed time|I\n'seconds'|'mV'\n0:00.000|1\n0:00.004|2\n0:00.008|3\n", std::nullopt);
  expect_only_errors(
      "<RestingECG><Waveform><SampleBase>500</SampleBase><LeadData><LeadID>II</LeadID><LeadAmplitudeUnitsPerBit>4.88"
      "</LeadAmplitudeUnitsPerBit><WaveFormData>AQD//wCA</WaveFormData></LeadData></Waveform></RestingECG>",
      5000, [](const std::string& bad) { parse_ecg_xml(bad, "a.xml"); });
  const auto corpus = testing::golden_folder() / "../../../fuzz/corpus";
  expect_only_errors(read_file(corpus / "ecg_xml/philips"), 2000,
                     [](const std::string& bad) { parse_ecg_xml(bad, "a.xml"); });
  const std::string flac = read_file(testing::golden_folder() / "wfdb/format516.flac");
  PhiloxStream random(13);
  for (int i = 0; i < 2000; ++i) {
    try {
      decode_flac(damaged(flac, random), 16, 1000, "a.flac");
    } catch (const Error&) {  // Nearly always: the stream has a checksum of its samples.
    }
  }
}

TEST(DamagedInput, DicomAndScpEcg) {
  const auto corpus = testing::golden_folder() / "../../../fuzz/corpus";
  expect_only_errors(read_file(testing::golden_folder() / "dicom/twelve.dcm"), 2000,
                     [](const std::string& bad) { parse_dicom(bad, "a.dcm"); });
  for (const char* name : {"plain", "huffman", "table"}) {
    expect_only_errors(read_file(corpus / "scp_ecg" / name), 3000,
                       [](const std::string& bad) { parse_scp_ecg(bad, "a.scp"); });
  }
}

}  // namespace
}  // namespace cardiograd::data
