#include "data/signal_csv.h"

#include <cmath>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/data/helpers.h"

namespace cardiograd::data {
namespace {

using testing::expect_error;

ecg::Recording parse(const std::string& text, const SignalCsvOptions& options = {}) {
  return parse_signal_csv(text, "a.csv", options);
}

TEST(SignalCsv, TimeColumnGivesTheRate) {
  const ecg::Recording recording = parse("time,I,II (uV)\n0,0.5,-3\n0.002,,4e2\n0.004,nan,+7\n");
  EXPECT_EQ(recording.rate, 500);
  EXPECT_EQ(recording.leads, (std::vector<std::string>{"I", "II"}));
  EXPECT_EQ(recording.units, (std::vector<std::string>{"mV", "uV"}));
  ASSERT_EQ(recording.signal.rows(), 3);
  EXPECT_EQ(recording.signal(0, 0), 0.5);
  EXPECT_TRUE(std::isnan(recording.signal(1, 0)));
  EXPECT_TRUE(std::isnan(recording.signal(2, 0)));
  EXPECT_EQ(recording.signal(1, 1), 400);
  EXPECT_EQ(recording.signal(2, 1), 7);
}

TEST(SignalCsv, MillisecondsAndRoundedTimes) {
  EXPECT_EQ(parse("Time (ms),I\n10,1\n14,1\n18,1\n").rate, 250);
  EXPECT_EQ(parse("time_ms,I\n10,1\n14,1\n18,1\n").rate, 250);
  std::string text = "t,I\n";
  for (int i = 0; i < 361; ++i) text += fmt::format("{:.3f},{}\n", i / 360.0, i);
  EXPECT_EQ(parse(text).rate, 360);
}

TEST(SignalCsv, TheOptionGoesBeforeTheTimeColumn) {
  EXPECT_EQ(parse("I,V1\n1,2\n3,4\n", {.rate = 250.0, .unit = "uV"}).units[1], "uV");
  EXPECT_EQ(parse("time,I\n0,2\n1,4\n", {.rate = 250.0}).rate, 250);
}

TEST(SignalCsv, SpacesByteOrderMarkAndCarriageReturns) {
  const ecg::Recording recording = parse("\xEF\xBB\xBFtime, I , II [mV]\r\n0, 1 ,2\r\n0.01, 3 ,4\r\n");
  EXPECT_EQ(recording.leads, (std::vector<std::string>{"I", "II"}));
  EXPECT_EQ(recording.signal(1, 0), 3);
}

TEST(SignalCsv, NoHeaderIsNamedAsSuch) {
  expect_error([] { parse("0,0.5,-3\n0.002,1,4\n"); }, {"a.csv:1: no header", "'0,0.5,-3'"});
  expect_error([] { parse("0.5,0.5\n1,4\n"); }, {"a.csv:1: no header"});
  expect_error([] { parse("1e-3,nan\n1,4\n"); }, {"a.csv:1: no header"});
}

TEST(SignalCsv, WordsAmongTheNumbersAreNamedWithTheirLine) {
  expect_error([] { parse("time,I\n0,1\n0.002,high\n0.004,2\n"); }, {"a.csv:3: column 'I': found 'high'"});
  expect_error([] { parse("time,I\n0,1\nsoon,1\n0.004,2\n"); }, {"a.csv:3: column 'time': found 'soon'"});
  expect_error([] { parse("time,I\n0,1\n0.002,1 mV\n"); }, {"a.csv:3: column 'I': found '1 mV'"});
  expect_error([] { parse("time,I\n0,1\n0.002,inf\n"); }, {"a.csv:3: column 'I': found 'inf'"});
}

TEST(SignalCsv, ColumnsAndRowsThatCannotBe) {
  expect_error([] { parse(""); }, {"a.csv: empty"});
  expect_error([] { parse("time,I\n"); }, {"a.csv: no samples"});
  expect_error([] { parse("time\n0\n1\n"); }, {"a.csv: no column but the time"});
  expect_error([] { parse("I,II\n1,2\n3,4\n"); }, {"sampling rate is unknown"});
  expect_error([] { parse("time,I,I\n0,1,2\n"); }, {"a.csv:1: two columns are called 'I'"});
  expect_error([] { parse("time,I\n0,1,2\n"); }, {"a.csv:2: malformed CSV row: 3 fields, expected 2"});
  expect_error([] { parse("time,I\n0,1\n"); }, {"1 samples are too few to tell the rate"});
}

TEST(SignalCsv, TimesThatDoNotAdvanceEvenly) {
  expect_error([] { parse("time,I\n0,1\n0,1\n0,1\n"); }, {"the time does not advance"});
  expect_error([] { parse("time,I\n2,1\n1,1\n0,1\n"); }, {"the time does not advance"});
  expect_error([] { parse("time,I\n0,1\n,1\n0.004,2\n"); }, {"a.csv:3: the time is missing"});
  std::string text = "time,I\n";
  for (int i = 0; i < 500; ++i)
    if (i != 250) text += fmt::format("{},1\n", i * 0.002);
  expect_error([&] { parse(text); }, {"a.csv:252: time 0.502 s", "not evenly spaced"});
}

}  // namespace
}  // namespace cardiograd::data
