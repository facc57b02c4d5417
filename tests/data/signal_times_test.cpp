#include "data/signal_times.h"

#include <cmath>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "data/signal_csv.h"
#include "tests/data/helpers.h"

namespace cardiograd::data {
namespace {

using testing::expect_error;

// The rate of a table of these times under this name.
double rate_at(const std::vector<std::string>& times, const std::string& name = "time") {
  std::string text = "\"" + name + "\",I\n";
  for (std::size_t i = 0; i < times.size(); ++i) text += fmt::format("{},{}\n", times[i], i % 3);
  return parse_signal_csv(text, "a.csv").rate;
}

TEST(SignalTimes, StepsOfOneWithoutAUnitAreNumbersOfSamples) {
  for (const char* name : {"time", "t", "timestamp"})
    expect_error([&] { rate_at({"0", "1", "2", "3"}, name); }, {"a.csv: the sampling rate is unknown", name, "by 1"});
  expect_error([] { rate_at({"1", "2", "3"}); }, {"as numbers of samples do"});
  EXPECT_EQ(rate_at({"0", "1", "2", "3"}, "time (ms)"), 1000);
  EXPECT_EQ(rate_at({"1700000000000", "1700000000001", "1700000000002"}), 1000) << "milliseconds since 1970";
  EXPECT_EQ(parse_signal_csv("fs=250\ntime,I\n0,1\n1,2\n2,3\n", "a.csv").rate, 250);
  EXPECT_EQ(parse_signal_csv("time,I\n0,1\n1,2\n2,3\n", "a.csv", {.rate = 250.0}).rate, 250);
}

// In other orders, the recording would last months.
TEST(SignalTimes, TheOrderOfADateIsToldByMidnight) {
  EXPECT_EQ(rate_at({"03/05/2023 11:59:59.996 PM", "03/06/2023 12:00:00.000 AM", "03/06/2023 12:00:00.004 AM"}), 250);
  EXPECT_EQ(rate_at({"03/05/2023 23:59:59.996", "04/05/2023 00:00:00.000", "04/05/2023 00:00:00.004"}), 250);
  EXPECT_EQ(rate_at({"05.03.23 23:59:59.996", "06.03.23 00:00:00.000", "06.03.23 00:00:00.004"}), 250);
  EXPECT_EQ(rate_at({"23-03-05 23:59:59.996", "23-03-06 00:00:00.000", "23-03-06 00:00:00.004"}), 250);
  expect_error(
      [] {
        rate_at({"03/05/23 11:00:00.000", "03/05/23 11:00:00.004", "03/05/23 11:00:00.008", "03/08/23 11:00:00"});
      },
      {"are missing"});
}

TEST(SignalTimes, MonthsByNameAndDurations) {
  for (const char* date : {"05-Mar-2023", "Mar 05 2023", "5 March 2023", "2023 Mar 5", "2023-mar-05"})
    EXPECT_EQ(rate_at({fmt::format("{} 23:59:58.000", date), fmt::format("{} 23:59:58.004", date)}), 250) << date;
  EXPECT_EQ(rate_at({"\"Mar 5, 2023 23:59:59.996\"", "\"Mar 6, 2023 00:00:00.000\""}), 250);
  EXPECT_EQ(rate_at({"0 days 23:59:59.996000", "1 days 00:00:00", "1 days 00:00:00.004000"}), 250);
  EXPECT_EQ(rate_at({"-1 days +23:59:59.996", "0 days 00:00:00", "0 days 00:00:00.004"}), 250);
  expect_error([] { rate_at({"05-Foo-2023 23:59:58.000", "05-Foo-2023 23:59:58.004"}); }, {"found '05-Foo-2023"});
}

TEST(SignalTimes, AnIndexWithoutANameMayBeTheTimes) {
  const auto rate = [](const std::string& text) { return parse_signal_csv(text, "a.csv").rate; };
  EXPECT_EQ(rate(",I\n2020-01-01 00:00:00.000,1\n2020-01-01 00:00:00.004,2\n"), 250);
  EXPECT_EQ(rate(",I\n0.0,1\n0.004,2\n0.008,3\n"), 250);
  EXPECT_EQ(rate(",0.0,0.004,0.008\nI,1,2,3\nII,4,5,6\n"), 250);
  EXPECT_EQ(rate("lead,0.0,0.004,0.008\nI,1,2,3\nII,4,5,6\n"), 250);
  expect_error([&] { rate(",I\n0,1\n2,2\n4,3\n"); }, {"there is no column 'time'"});
  expect_error([&] { rate(",I\n0.5,1\n0.1,2\n0.7,3\n"); }, {"there is no column 'time'"});
  expect_error([&] { rate(",I\n10:00:00.000,1\n10:00:00.004,2\n10:00:00.008,2\n10:00:01.000,3\n"); }, {"are missing"});
  EXPECT_EQ(parse_signal_csv(",time,I\n0.5,0,1\n0.7,0.004,2\n", "a.csv").rate, 250);
}

// A clock that is fast by `drift` at first and slow by as much in the end.
std::vector<std::string> drifting(double drift, int left_out) {
  constexpr int kRows = 60'000;
  std::vector<std::string> times;
  double time = 0;
  for (int i = 0; i < kRows; ++i, time += (i < kRows / 2 ? 1 + drift : 1 - drift) / 128)
    if (i != left_out) times.push_back(fmt::format("{:.6f}", time));
  return times;
}

TEST(SignalTimes, ClocksMayDriftOverHoursAndNoSampleMayBeMissing) {
  EXPECT_EQ(rate_at(drifting(2e-4, -1)), 128);
  expect_error([] { rate_at(drifting(2e-4, 45'000)); }, {"a.csv:45002:", "0.00781 s are missing"});
  expect_error([] { rate_at(drifting(0, 59'998)); }, {"a.csv:60000:", "are missing"});
  expect_error([] { rate_at(drifting(1e-2, -1)); }, {"not evenly spaced"});
}

}  // namespace
}  // namespace cardiograd::data
