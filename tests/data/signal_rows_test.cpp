// Fields beside the samples in rows that are leads.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "data/signal_csv.h"
#include "tests/data/helpers.h"

namespace cardiograd::data {
namespace {

constexpr int kSamples = 60;
const std::vector<std::string> kNames = {"I", "II", "III", "V1"};

// In hundredths, so that they are written exactly: one sharp beat in each lead.
double sample(std::size_t lead, int i) {
  const int beat = i % 30 == 12 ? 90 : 0;
  return 0.01 * (((i * 7 + static_cast<int>(lead) * 5) % 11) - 5 + beat * (static_cast<int>(lead) + 1));
}

// Rows of leads, with what stands before and behind their samples; "{}" is the number of the row from 1.
std::string table(const std::string& header, const std::string& before, const std::string& behind, char separator = ',',
                  const std::string& name_before = "") {
  std::string text = header;
  for (std::size_t lead = 0; lead < kNames.size(); ++lead) {
    text += name_before + kNames[lead] + fmt::format(fmt::runtime(before), lead + 1);
    for (int i = 0; i < kSamples; ++i) text += fmt::format("{}{:.2f}", separator, sample(lead, i));
    text += fmt::format(fmt::runtime(behind), lead + 1) + "\n";
  }
  return text;
}

std::string header(const std::string& begin, const std::string& prefix, const std::string& end = "") {
  std::string text = begin;
  for (int i = 0; i < kSamples; ++i) text += fmt::format(",{}{}", prefix, i);
  return text + end + "\n";
}

// What is left aside; the samples must be those of sample().
std::vector<std::string> read(const std::string& text, double rate = 250, const std::string& unit = "mV") {
  const ecg::Recording recording = parse_signal_csv(text, "a.csv");
  EXPECT_EQ(recording.leads, kNames) << text.substr(0, 80);
  EXPECT_EQ(recording.rate, rate) << text.substr(0, 80);
  EXPECT_EQ(recording.units, std::vector<std::string>(kNames.size(), unit)) << text.substr(0, 80);
  EXPECT_EQ(recording.signal.rows(), kSamples) << text.substr(0, 80);
  for (std::size_t lead = 0; lead < kNames.size() && recording.signal.rows() == kSamples; ++lead)
    for (int i = 0; i < kSamples; ++i)
      EXPECT_NEAR(recording.signal(i, static_cast<Eigen::Index>(lead)), sample(lead, i), 1e-9) << text.substr(0, 80);
  std::vector<std::string> names;
  for (const ecg::LeftAside& other : recording.others)
    if (other.reason == "no samples") names.push_back(other.name);
  return names;
}

TEST(SignalRows, AHeaderNamesTheFieldsBesideTheSamples) {
  using Names = std::vector<std::string>;
  const testing::LogCapture log;
  EXPECT_EQ(read(table(header("lead,unit,fs", "s"), ",uV,250", ""), 250, "uV"), (Names{"unit", "fs"}));
  EXPECT_EQ(read(table(header("lead,sampling_rate (Hz),number", ""), ",250,{}", "")),
            (Names{"sampling_rate (Hz)", "number"}));
  EXPECT_EQ(read(table(header("lead", "sample_", ",fs,checksum"), "", ",250,{}7")), (Names{"checksum", "fs"}));
  EXPECT_EQ(read(table(header("record,age,lead,gain,fs", "t", ",offset"), ",1,250", ",0", ',', "r7,63,")),
            (Names{"gain", "fs", "offset"}));
  EXPECT_TRUE(log.warnings.empty()) << log.warnings[0];
  read(table(header("lead,gain,fs", "s"), ",200,250", ""));
  EXPECT_TRUE(log.warned("a.csv: gain is not used: samples are taken as they stand"));
}

TEST(SignalRows, WithoutAHeaderTheirValuesTell) {
  const std::string rate = "fs = 250\n";
  for (const char* before : {",5000", ",7,0", ",mV,200", ",1000,0,mV", ",{}", ",uV ref,12"}) {
    const testing::LogCapture log;
    read(rate + table("", before, ""));
    EXPECT_TRUE(log.warned("a.csv: taken for no samples: '")) << before;
  }
  read(rate + table("", "", ",5000"));
  read(rate + table("", ",200", ",mV"));
  read("fs = 250\n" + table("", ";5000;uV", "", ';'), 250, "uV");
  // Numbers above names and all are no names of fields: R's, and pandas' without names.
  std::string numbers = "V1,V2";
  for (int i = 0; i < kSamples; ++i) numbers += fmt::format(",V{}", i + 3);
  read(rate + numbers + "\n" + table("", ",5000", ""));
  std::string times = "time,s";
  for (int i = 0; i < kSamples; ++i) times += fmt::format(",{:.3f}", i * 0.004);
  read(times + "\n" + table("", ",uV", ""), 250, "uV");
}

TEST(SignalRows, SamplesStay) {
  const std::string rate = "fs = 250\n";
  EXPECT_TRUE(read(rate + table("", "", "")).empty());
  EXPECT_TRUE(read(rate + table(header("lead", ""), "", "")).empty());
  // All leads may begin with zeros, or with what is missing.
  std::string zeros = rate;
  for (const std::string& name : kNames) {
    zeros += name;
    for (int i = 0; i < 30; ++i) zeros += i < 20 ? (i % 2 == 0 ? ",0" : ",NA") : fmt::format(",{}", i % 4);
    zeros += "\n";
  }
  EXPECT_EQ(parse_signal_csv(zeros, "a.csv").signal.rows(), 30);
}

}  // namespace
}  // namespace cardiograd::data
