#include "data/signal_layout.h"

#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "data/signal_csv.h"
#include "tests/data/helpers.h"

namespace cardiograd::data {
namespace {

using testing::expect_error;

// Two leads of three samples, however they are written.
void expect_two_leads(const std::string& text, const std::vector<std::string>& leads = {"I", "II"},
                      std::optional<double> rate = 250) {
  ecg::Recording recording;
  ASSERT_NO_THROW(recording = parse_signal_csv(text, "a.txt", {.rate = rate, .unit = "mV"})) << text;
  EXPECT_EQ(recording.leads, leads) << text;
  EXPECT_EQ(recording.rate, 250) << text;
  ASSERT_EQ(recording.signal.rows(), 3) << text;
  ASSERT_EQ(recording.signal.cols(), 2) << text;
  const std::vector<double> expected = {0.125, -0.5, 1, 0.25, 2, -1.5};
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_EQ(recording.signal(static_cast<Eigen::Index>(i / 2), static_cast<Eigen::Index>(i % 2)), expected[i])
        << text;
}

TEST(SignalLayout, LeadsBetweenBlanks) {
  expect_two_leads("I II\n0.125 -0.5\n1 0.25\n2 -1.5\n");
  expect_two_leads("    I    II\n0.125  -0.5\n    1  0.25\n    2  -1.5\n");
  expect_two_leads("MLII V5\n0.125 -0.5\n1 0.25\n2 -1.5\n", {"MLII", "V5"});
  EXPECT_EQ(parse_signal_csv("Lead I,Lead II\n1,2\n3,4\n", "a.csv", {.rate = 250.0}).leads.size(), 2U);
  EXPECT_EQ(parse_signal_csv("ECG I\n1\n3\n", "a.csv", {.rate = 250.0}).leads, std::vector<std::string>{"ECG I"});
}

// As numpy.savetxt writes them.
TEST(SignalLayout, NamesBehindACommentMark) {
  expect_two_leads("# I II\n0.125 -0.5\n1 0.25\n2 -1.5\n");
  expect_two_leads("# I,II\n0.125,-0.5\n1,0.25\n2,-1.5\n");
  expect_two_leads("%I\tII\n0.125\t-0.5\n1\t0.25\n2\t-1.5\n");
  expect_two_leads("// time;I;II\n0;0,125;-0,5\n0,004;1;0,25\n0,008;2;-1,5\n", {"I", "II"}, std::nullopt);
  expect_two_leads("# fs = 250 Hz\n#I II\n0.125 -0.5\n1 0.25\n2 -1.5\n", {"I", "II"}, std::nullopt);
  expect_two_leads("#,I,II\n1,0.125,-0.5\n2,1,0.25\n3,2,-1.5\n");
}

TEST(SignalLayout, NamesWithBlanksBetweenBlanks) {
  expect_two_leads(
      "  sample #     MLII       V5\n       0    0.125     -0.5\n       1        1     0.25\n"
      "       2        2     -1.5\n",
      {"MLII", "V5"});
  for (const char* units : {"   hh:mm:ss.mmm     (mV)      (mV)\n", "        seconds     (mV)      (mV)\n"})
    expect_two_leads(
        fmt::format("   Elapsed time     MLII       V5\n{}   0:00.000    0.125   -0.5\n   0:00.004   1   0.25\n"
                    "   0:00.008    2    -1.5\n",
                    units),
        {"MLII", "V5"}, std::nullopt);
}

// As R (write.table) and pandas (to_string) write them.
TEST(SignalLayout, RowsMayHaveNames) {
  expect_two_leads("\"I\" \"II\"\n\"1\" 0.125 -0.5\n\"2\" 1 0.25\n\"3\" 2 -1.5\n");
  expect_two_leads("\"I\"\t\"II\"\n\"a\"\t0.125\t-0.5\n\"b\"\t1\t0.25\n\"c\"\t2\t-1.5\n");
  expect_two_leads("       I    II\n0  0.125  -0.5\n1      1  0.25\n2      2  -1.5\n");
  expect_error([] { parse_signal_csv("time,I\n0,0,5\n0.004,1,5\n0.008,2,5\n", "a.csv"); }, {"3 fields, expected 2"});
  EXPECT_EQ(parse_signal_csv("II\n0,125\n1,5\n2,5\n", "a.csv", {.rate = 250.0}).signal(0, 0), 0.125);
}

TEST(SignalLayout, LeadsInRowsBehindANumberAndBetweenBlanks) {
  expect_two_leads("I 0.125 1 2\nII -0.5 0.25 -1.5\n");
  std::string first = "0,I", second = "1,II", head = "id,lead";
  for (int i = 0; i < 20; ++i) {
    first += fmt::format(",{}", 2 * i);
    second += fmt::format(",{}", -i);
    head += fmt::format(",{:.3f}", i * 0.004);
  }
  for (const std::string& text :
       {fmt::format("{}\n{}\n", first, second), fmt::format("{}\n{}\n{}\n", head, first, second)}) {
    const ecg::Recording recording = parse_signal_csv(text, "a.csv", {.rate = 250.0});
    EXPECT_EQ(recording.leads, (std::vector<std::string>{"I", "II"}));
    ASSERT_EQ(recording.signal.rows(), 20);
    EXPECT_EQ(recording.signal(0, 1), 0);
    EXPECT_EQ(recording.signal(19, 1), -19);
  }
  EXPECT_EQ(parse_signal_csv(head + "\n" + first + "\n" + second + "\n", "a.csv").rate, 250);
  EXPECT_EQ(parse_signal_csv("time,beat,value\n0,V,1\n0.004,V,2\n", "a.csv").leads, std::vector<std::string>{"value"});
}

// Some way into the lines, names stand in neighboring ones.
TEST(SignalLayout, MarksOfBeatsAreNoNamesOfRows) {
  for (const char* second : {"", "V", "N", "aVR"}) {
    std::string text = "time,ch1,ch2,ch3,ch4,mark,ch5,ch6,ch7,ch8,ch9,ch10,ch11\n";
    for (int i = 0; i < 30; ++i)
      text += fmt::format("{},1,2,3,4,{},5,6,7,8,9,10,{}\n", i * 0.004, i == 4 ? "V" : i == 20 ? second : "", i % 7);
    EXPECT_EQ(parse_signal_csv(text, "a.csv").signal.rows(), 30) << second;
  }
}

TEST(SignalLayout, LongTablesAreRefusedAsSuch) {
  expect_error([] { parse_signal_csv("lead,time,value\nI,0,1\nI,0.004,2\nII,0,3\n", "a.csv"); },
               {"a.csv:1: a row for each lead and time"});
  expect_error([] { parse_signal_csv("# note\nsample;channel;uV\n0;I;1\n0;II;2\n1;I;3\n", "a.csv"); },
               {"a.csv:2: a row for each lead and time"});
}

}  // namespace
}  // namespace cardiograd::data
