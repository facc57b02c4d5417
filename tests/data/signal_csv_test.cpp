#include "data/signal_csv.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/common/peak_memory.h"
#include "tests/data/helpers.h"

namespace cardiograd::data {
namespace {

using cardiograd::testing::peak_memory;
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

// The first that says one; where a line above the table contradicts it, a warning.
TEST(SignalCsv, OfSeveralColumnsOfTimesOneGivesTheRate) {
  for (const char* head : {"Timestamp,Elapsed (ms)\n", "Index,time (ms)\n"}) {
    std::string text = std::string(head);
    text.insert(text.size() - 1, ",I,II");
    for (int i = 0; i < 40; ++i)
      text += text.starts_with('T') ? fmt::format("23:59:55,{},{},1\n", 2 * i, i % 7)
                                    : fmt::format("{},{},{},1\n", i, 2 * i, i % 7);
    EXPECT_EQ(parse_signal_csv(text, "a.csv").rate, 500) << head;
  }
  const testing::LogCapture log;
  EXPECT_EQ(parse_signal_csv("fs,500\ntime,I,II\n0,1,2\n0.004,3,4\n0.008,3,5\n", "a.csv").rate, 250);
  EXPECT_TRUE(log.warned("a.csv: the times are those of 250 Hz, and a line before them says 500 Hz"));
}

TEST(SignalCsv, CommentsBetweenAndBehindTheRowsAreNone) {
  const ecg::Recording recording =
      parse("time,I,II\n0,1,2\n# a pause, said twice, here, now\n0.01,#NV,4\n0.02,-1.#IND,6\n% end\n// of file\n");
  ASSERT_EQ(recording.signal.rows(), 3);
  EXPECT_EQ(recording.signal(2, 1), 6);
  EXPECT_TRUE(std::isnan(recording.signal(1, 0)) && std::isnan(recording.signal(2, 0)));
  expect_error([] { parse("time,I,II\n0,1,2\nend\n"); }, {"a.csv:3", "1 fields, expected 3"});
}

TEST(SignalCsv, MillisecondsAndRoundedTimes) {
  EXPECT_EQ(parse("Time (ms),I\n10,1\n14,1\n18,1\n").rate, 250);
  EXPECT_EQ(parse("time_ms,I\n10,1\n14,1\n18,1\n").rate, 250);
  std::string text = "t,I\n";
  for (int i = 0; i < 361; ++i) text += fmt::format("{:.3f},{}\n", i / 360.0, i % 7);
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
  expect_error([] { parse("time,I\n0,1\n"); }, {"found 1 sample, expected at least 2 to tell the rate"});
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

// The same two leads, 250 Hz, in many hands.
void expect_two_leads(const std::string& text, const SignalCsvOptions& options = {}) {
  const ecg::Recording recording = parse(text, options);
  EXPECT_EQ(recording.rate, 250) << text;
  EXPECT_EQ(recording.leads, (std::vector<std::string>{"I", "II"})) << text;
  ASSERT_EQ(recording.signal.rows(), 4) << text;
  const std::vector<double> expected = {0.125, -0.5, 1, 0.25, 2, -1.5, 3, 0};
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_EQ(recording.signal(static_cast<Eigen::Index>(i / 2), static_cast<Eigen::Index>(i % 2)), expected[i])
        << text;
}

TEST(SignalCsv, Separators) {
  expect_two_leads("time;I;II\n0;0.125;-0.5\n0.004;1;0.25\n0.008;2;-1.5\n0.012;3;0\n");
  expect_two_leads("time;I;II\n0;0,125;-0,5\n0,004;1;0,25\n0,008;2;-1,5\n0,012;3;0\n");
  expect_two_leads("time\tI\tII\n0\t0.125\t-0.5\n0.004\t1\t0.25\n0.008\t2\t-1.5\n0.012\t3\t0\n");
  expect_two_leads("time\tI\tII\n0\t0,125\t-0,5\n0,004\t1\t0,25\n0,008\t2\t-1,5\n0,012\t3\t0\n");
  expect_two_leads("time|I|II\n0|0.125|-0.5\n0.004|1|0.25\n0.008|2|-1.5\n0.012|3|0\n");
  expect_two_leads("  time    I     II\n 0     0.125 -0.5\n 0.004 1      0.25\n 0.008 2     -1.5 \n 0.012 3      0\n");
  expect_two_leads("\"time\";\"I\";\"II\"\n0;\"0,125\";-0,5\n0,004;1;0,25\n0,008;2;-1,5\n0,012;3;0\n");
  expect_two_leads("time,I,II,\n0,0.125,-0.5,\n0.004,1,0.25,\n0.008,2,-1.5,\n0.012,3,0,\n");
  EXPECT_EQ(parse("II\n0,125\n1,5\n", {.rate = 250.0}).signal(0, 0), 0.125);
  EXPECT_EQ(parse("t;II\n1.000;1.234,5\n1.004;0\n").signal(0, 0), 1234.5);
}

TEST(SignalCsv, Encodings) {
  const std::string text = "time,I,II\n0,0.125,-0.5\n0.004,1,0.25\n0.008,2,-1.5\n0.012,3,0\n";
  std::string little, big;
  for (const char c : text) {
    little += {c, '\0'};
    big += {'\0', c};
  }
  expect_two_leads("\xFF\xFE" + little);
  expect_two_leads("\xFE\xFF" + big);
  expect_two_leads(little);
  expect_two_leads(big);
  std::string carriage = text;
  std::replace(carriage.begin(), carriage.end(), '\n', '\r');
  expect_two_leads(carriage);
  EXPECT_EQ(parse("time,I (\xB5V)\n0,1\n0.004,2\n").units[0], "uV") << "Latin-1";
}

TEST(SignalCsv, LinesBeforeTheNamesAndUnitsBelowThem) {
  const std::string rows = "0,0.125,-0.5\n0.004,1,0.25\n0.008,2,-1.5\n0.012,3,0\n";
  expect_two_leads("# exported 2024\n\ntime,I,II\n" + rows);
  expect_two_leads("Device,X 12\nPatient: a \"quoted\" name\nLead,2\ntime,I,II\n" + rows);
  expect_two_leads("sep=,\ntime,I,II\n" + rows);
  expect_two_leads("time,I,II\ns,mV,mV\n" + rows);
  // As rdsamp -c -v writes.
  expect_two_leads("'Elapsed time','I','II'\n'seconds','mV','mV'\n" + rows);
  const ecg::Recording units = parse("t,I,II\n[ms],[uV],[mV]\n0,1,2\n4,3,4\n");
  EXPECT_EQ(units.rate, 250);
  EXPECT_EQ(units.units, (std::vector<std::string>{"uV", "mV"}));
  const ecg::Recording words = parse("time,I,II\nseconds,millivolts,Microvolts\n0,1,2\n0.004,3,4\n");
  EXPECT_EQ(words.units, (std::vector<std::string>{"mV", "uV"}));
  EXPECT_EQ(parse("time,I (microvolts),II_volts\n0,1,2\n0.004,3,4\n").units, (std::vector<std::string>{"uV", "V"}));
  expect_error([] { parse("Device;X\nTime;I\n0;1\n0,004;oops\n"); }, {"a.csv:4: column 'I': found 'oops'"});
}

TEST(SignalCsv, ColumnsThatAreNoLeadsAreLeftAsideUnread) {
  expect_two_leads(
      ",time,label,I,note,II,note,temperature\n0,0,NORM,0.125,,-0.5,x,high\n1,0.004,AFIB,1,,0.25,y,1\n"
      "2,0.008,,2,,-1.5,,\n3,0.012,N,3,a;b,0,,3\n");
  const ecg::Recording recording = parse("time,I,label,PLETH (NU)\n0,1,NORM,0\n0.004,2,NORM,0\n");
  ASSERT_EQ(recording.others.size(), 2U);
  EXPECT_EQ(recording.others[0].name, "label");
  EXPECT_EQ(recording.others[1].name, "PLETH");
  EXPECT_TRUE(parse(",time,I,\n0,0,1,\n1,0.004,2,\n").others.empty()) << "columns without a name";
  // Without the name of a lead, whatever has numbers.
  EXPECT_EQ(parse("time,value,label\n0,1,N\n0.004,2,N\n").leads, std::vector<std::string>{"value"});
  expect_error([] { parse("time,label\n0,N\n0.004,N\n"); }, {"a.csv: no column but the time and label"});
}

TEST(SignalCsv, WordsUnderTheNameOfALeadAreNoLead) {
  expect_two_leads("time,I,II,V,ECG\n0,0.125,-0.5,N,ok\n0.004,1,0.25,V,ok\n0.008,2,-1.5,,\n0.012,3,0,N,ok\n");
  const ecg::Recording recording = parse("time,I,V\n0,1,N\n0.004,2,V\n");
  ASSERT_EQ(recording.others.size(), 1U);
  EXPECT_EQ(recording.others[0].name, "V");
  expect_error([] { parse("time,I,V\n0,1,N\n0.004,2,3\n"); }, {"a.csv:2: column 'V': found 'N'"});
  expect_error([] { parse("time,V\n0,N\n0.004,V\n"); }, {"a.csv:2: column 'V': found 'N'"});
}

TEST(SignalCsv, TimesInOtherUnits) {
  const auto rate = [](const std::string& name, const std::vector<std::string>& times) {
    std::string text = "\"" + name + "\",I\n";
    for (const std::string& time : times) text += time + ",1\n";
    return parse(text).rate;
  };
  for (const char* name : {"Time (us)", "time_us", "t [\xC2\xB5s]", "Timestamp (us)", "Time in us", "microseconds"})
    EXPECT_EQ(rate(name, {"0", "4000", "8000"}), 250) << name;
  for (const char* name : {"Timestamp (ms)", "Time_ms", "time ms", "timeMs", "t/ms", "Elapsed time (ms)", "Zeit [ms]"})
    EXPECT_EQ(rate(name, {"8", "12", "16"}), 250) << name;
  EXPECT_EQ(rate("time (ns)", {"1700000000000000000", "1700000000004000000", "1700000000008000000"}), 250);
  EXPECT_EQ(rate("time (min)", {"0", "0.000066666667", "0.000133333333"}), 250);
  EXPECT_EQ(rate("time (h)", {"0", "0.0000011111111", "0.0000022222222"}), 250);
  EXPECT_EQ(rate("timestamp", {"1700000000.000", "1700000000.004", "1700000000.008"}), 250);
  EXPECT_EQ(rate("time", {"0:00.000", "0:00.004", "0:00.008"}), 250);
  EXPECT_EQ(rate("Time", {"23:59:59.996", "00:00:00.000", "00:00:00.004"}), 250);
  EXPECT_EQ(rate("timestamp", {"2024-02-29T23:59:59.996Z", "2024-03-01T00:00:00.000Z", "2024-03-01T00:00:00.004Z"}),
            250);
  EXPECT_EQ(rate("time", {"[00:00:00.000 01/05/2024]", "[00:00:00.004 01/05/2024]"}), 250);
  for (const char* name : {"unix_time", "ts", "elapsed", "rel_time", "sample_time", "Time since start (s)", "Tempo",
                           "Tijd (s)", "Czas", "时间(s)", "Время, с"})
    EXPECT_EQ(rate(name, {"0", "0.004", "0.008"}), 250) << name;
  for (const char* name : {"epoch_ms", "sensor timestamp [ms]", "Time (ms since start)", "time (1/1000 s)"})
    EXPECT_EQ(rate(name, {"0", "4", "8"}), 250) << name;
  EXPECT_EQ(rate("time (0.1 ms)", {"0", "40", "80"}), 250);
  for (const char* name : {"time_hour", "time (hr)", "time (hrs)", "hours"})
    EXPECT_EQ(rate(name, {"0", "0.0000011111111", "0.0000022222222"}), 250) << name;
  EXPECT_EQ(rate("Zeit (Minuten)", {"0", "0.000066666667", "0.000133333333"}), 250);
  EXPECT_EQ(rate("time_d", {"0", "0.0000000462962963", "0.0000000925925926"}), 250);
  for (const char* name : {"hr", "minute", "start_time"})
    expect_error([&] { rate(name, {"0", "0.004", "0.008"}); }, {"there is no column 'time'"});
  const testing::LogCapture log;
  EXPECT_EQ(rate("timestamp", {"0", "4", "8"}), 250);
  EXPECT_TRUE(log.warned("their steps of 4 are taken for milliseconds"));
  expect_error([&] { rate("time (ticks)", {"0", "4"}); }, {"a.csv: the time's unit 'ticks' is not known"});
  expect_error([&] { rate("time", {"0:00.000", "later"}); }, {"a.csv:3: column 'time': found 'later'"});
}

TEST(SignalCsv, LeadsInRows) {
  expect_two_leads("I,0.125,1,2,3\nII,-0.5,0.25,-1.5,0\n", {.rate = 250.0});
  expect_two_leads("time,0,0.004,0.008,0.012\nI,0.125,1,2,3\nII,-0.5,0.25,-1.5,0\n");
  expect_two_leads("lead;0;1;2;3\nI;0,125;1;2;3\nII;-0,5;0,25;-1,5;0\n", {.rate = 250.0});
  expect_two_leads("I,mV,0.125,1,2,3\nII,mV,-0.5,0.25,-1.5,0\n", {.rate = 250.0});
  EXPECT_EQ(parse("I,1,2,3\n", {.rate = 250.0}).signal.rows(), 3);
  expect_error([] { parse("I,0,1,2\nII,0,1,x\n", {.rate = 250.0}); }, {"a.csv:2: column 'II': found 'x'"});
  expect_error([] { parse("I,0,1,2\nII,0,1\n", {.rate = 250.0}); },
               {"a.csv:2: malformed CSV row: 3 fields, expected 4"});
}

TEST(SignalCsv, SeparatorsBehindLeadsInRowsAreNoSamples) {
  expect_two_leads("I,0.125,1,2,3,\nII,-0.5,0.25,-1.5,0,\n", {.rate = 250.0});
  expect_two_leads("time,0,0.004,0.008,0.012,,\nI,0.125,1,2,3,,\nII,-0.5,0.25,-1.5,0,,\n");
  const ecg::Recording missing = parse("I,1,2,,\nII,1,2,3,\n", {.rate = 250.0});
  ASSERT_EQ(missing.signal.rows(), 3);
  EXPECT_TRUE(std::isnan(missing.signal(2, 0)));
}

TEST(SignalCsv, AnAssumedUnitThatNoHeartHasIsWarnedOf) {
  const auto table = [](const std::string& head, double scale) {
    std::string text = head;
    for (int i = 0; i < 1000; ++i) text += fmt::format("{},{}\n", i * 0.004, i % 200 == 0 ? scale : 0);
    return text;
  };
  const auto warned = [](const std::string& text) {
    const testing::LogCapture log;
    parse(text);
    return log.warned("no unit is given and mV is assumed");
  };
  EXPECT_TRUE(warned(table("time,I\n", 700)));
  EXPECT_TRUE(warned(table("time,I\n", 0.0007))) << "volts";
  EXPECT_FALSE(warned(table("time,I\n", 0.7)));
  EXPECT_FALSE(warned(table("time,I (uV)\n", 700)));
  EXPECT_FALSE(warned(table("Unit,uV\ntime,I\n", 700)));
}

TEST(SignalCsv, ManyColumns) {
  std::string header = "time,II", first = "0,1", second = "0.004,2", third = "0.008,3";
  for (int i = 0; i < 100'000; ++i) {
    header += ",c" + std::to_string(i);
    for (std::string* row : {&first, &second, &third}) *row += ",7";
  }
  const auto start = std::chrono::steady_clock::now();
  const ecg::Recording recording =
      parse_signal_csv(header + "\n" + first + "\n" + second + "\n" + third + "\n", "wide.csv");
  EXPECT_EQ(recording.leads.front(), "II");
  EXPECT_EQ(recording.signal.rows(), 3);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  EXPECT_LT(seconds, 10.0);  // tenths on an idle machine
}

// Whatever the layout, cells go from the text into the samples: eight bytes for each sample and each time, and a part
// of the text where it is of another encoding.
TEST(SignalCsv, MemoryIsInProportion) {
  constexpr int kRows = 100'000;
  std::string columns = "time;I;II\n", blanks = "time I II\n", rows, watch = "Sample Rate,500\nLead,Lead I\n", utf16;
  std::string times = "time", first = "I", second = "II";
  for (int i = 0; i < kRows; ++i) {
    const std::string time = fmt::format("{:.3f}", i * 0.002), value = fmt::format("{:.3f}", i % 100 * 0.001);
    columns += fmt::format("{};{};-1.5\n", time, value);
    blanks += fmt::format("{}  {}  -1.5\n", time, value);
    times += "," + time;
    first += "," + value;
    second += ",-1.5";
    watch += value + "\n";
  }
  rows = times + "\n" + first + "\n" + second + "\n";
  for (const char c : columns) utf16 += {c, '\0'};
  for (const std::string* text : {&columns, &blanks, &rows, &watch, &utf16}) {
    std::ptrdiff_t samples = 0;
    const auto peak = peak_memory([&] { samples = parse(*text).signal.rows(); });
    EXPECT_EQ(samples, kRows);
    if (!peak) GTEST_SKIP() << "the system does not tell what a process takes";
    EXPECT_LT(static_cast<double>(*peak), 2.5 * static_cast<double>(text->size())) << text->substr(0, 20);
  }
}

TEST(SignalCsv, BlankRowsCountBetweenOthersOnly) {
  const ecg::Recording recording = parse("I,II\n1,2\n,\n\n , \n3,4\n,\n,,,\n,\n", {.rate = 250.0});
  ASSERT_EQ(recording.signal.rows(), 4);
  EXPECT_TRUE(std::isnan(recording.signal(1, 0)) && std::isnan(recording.signal(2, 1)));
  EXPECT_EQ(recording.signal(0, 1), 2);
  EXPECT_EQ(recording.signal(3, 0), 3);
  expect_error([] { parse("I,II,V1\n1,2,3\n,\n4,5,6\n", {.rate = 250.0}); },
               {"a.csv:3: malformed CSV row: 2 fields, expected 3"});
  EXPECT_EQ(parse("I,II,V1\n1,2,3\n4,5,6\n,\n", {.rate = 250.0}).signal.rows(), 2);
}

// Rows of a time and 1, 2, ...
std::string rows_at(const std::vector<std::string>& times) {
  std::string text = "time,I\n";
  for (std::size_t i = 0; i < times.size(); ++i) text += fmt::format("{},{}\n", times[i], i % 5);
  return text;
}

TEST(SignalCsv, OneColumnBehindLinesThatSayWhatItIs) {
  const std::string head = "Name,A B\nDate of Birth,1. Jan 1960\nSymptoms,\nDevice,\"Watch5,1\"\n";
  for (const std::string& text :
       {head + "Sample Rate,512 hertz\n\n\nLead,Lead I\nUnit,\xC2\xB5V\n\n-10.757\n-3.984\n9\n",
        head + "Abtastrate,512 Hertz\nAbleitung,Ableitung I\nEinheit,\xB5V\n\n-10,757\n-3,984\n9\n",
        std::string("fs: 512\nchannel: I\nunit: uV\n-10.757\n-3.984\n9\n")}) {
    const ecg::Recording recording = parse(text);
    EXPECT_EQ(recording.rate, 512) << text;
    EXPECT_EQ(recording.leads, std::vector<std::string>{"I"}) << text;
    EXPECT_EQ(recording.units, std::vector<std::string>{"uV"}) << text;
    ASSERT_EQ(recording.signal.rows(), 3) << text;
    EXPECT_EQ(recording.signal(0, 0), -10.757) << text;
    EXPECT_EQ(recording.signal(2, 0), 9) << text;
  }
  EXPECT_EQ(parse("Lead,Lead II\n1\n2\n3\n", {.rate = 100.0}).leads, std::vector<std::string>{"II"});
  expect_error([] { parse("Lead,Lead II\n1\n2\n3\n"); }, {"sampling rate is unknown"});
  expect_error([] { parse("Sample Rate,512 hertz\nLead,Lead I\n1\n2\n3\noops\n"); }, {"a.csv:6", "found 'oops'"});
  EXPECT_EQ(parse("Sample Rate,250\nLead,I\ntime,I\n0,1\n0.004,2\n").signal(1, 0), 2) << "a table of two columns";
}

TEST(SignalCsv, AGapIsNamedWhereItIs) {
  const auto times_without = [](int from, int to) {
    std::vector<std::string> times;
    for (int i = 0; i < 1000; ++i)
      if (i < from || i >= to) times.push_back(fmt::format("{:.2f}", i * 0.01));
    return rows_at(times);
  };
  expect_error([&] { parse(times_without(800, 801)); }, {"a.csv:802: time 8.01 s after 7.99 s: 0.01 s are missing"});
  expect_error([&] { parse(times_without(500, 510)); }, {"a.csv:502: time 5.1 s after 4.99 s: 0.1 s are missing"});
  expect_error([&] { parse(times_without(1, 400)); }, {"a.csv:3: time 4 s after 0 s: 3.99 s are missing"});
  std::vector<std::string> coarse, back;
  for (int i = 0; i < 1000; ++i) coarse.push_back(fmt::format("{:.1f}", i * 0.01));
  expect_error([&] { parse(rows_at(coarse)); }, {"too coarse for the sampling rate"});
  for (int i = 0; i < 100; ++i) back.push_back(fmt::format("{:.2f}", (i == 50 ? 45 : i) * 0.01));
  expect_error([&] { parse(rows_at(back)); }, {"a.csv:52: time 0.45 s after 0.49 s: the time goes back"});
}

TEST(SignalCsv, ClockTimesAsProgramsWriteThem) {
  for (const std::vector<std::string>& times : std::vector<std::vector<std::string>>{
           {"2024-05-01T12:00:00.000+00:00", "2024-05-01T12:00:00.004+00:00", "2024-05-01T12:00:00.008+00:00"},
           {"2024-05-01 12:00:00.000+0200", "2024-05-01 12:00:00.004+0200", "2024-05-01 12:00:00.008+0200"},
           {"2024-05-01 12:00:00.000 UTC", "2024-05-01 12:00:00.004 UTC", "2024-05-01 12:00:00.008 UTC"},
           {"2024-10-27 02:59:59.996 +0200", "2024-10-27 02:00:00.000 +0100", "2024-10-27 02:00:00.004 +0100"},
           {"11:59:59.996 AM", "12:00:00.000 PM", "12:00:00.004 PM"},
           {"11:59:59.996 p.m.", "12:00:00.000 a.m.", "12:00:00.004 a.m."},
           {"12:00:00:000", "12:00:00:004", "12:00:00:008"},
           {"20240501T120000.000", "20240501T120000.004", "20240501T120000.008"},
           {"20240531T235959.996Z", "20240601T000000.000Z", "20240601T000000.004Z"},
           {"05/21/2024 23:59:59.996", "05/22/2024 00:00:00.000", "05/22/2024 00:00:00.004"},
           {"\"12:00:00,000\"", "\"12:00:00,004\"", "\"12:00:00,008\""}})
    EXPECT_EQ(parse(rows_at(times)).rate, 250) << times[0];
  std::vector<std::string> excel, matlab;
  for (int i = 0; i < 500; ++i) {
    excel.push_back(fmt::format("{:.11f}", 45413.5 + i * 0.004 / 86400));
    matlab.push_back(fmt::format("{:.17g}", 739373.5 + i * 0.004 / 86400));
  }
  EXPECT_EQ(parse(rows_at(excel)).rate, 250);
  EXPECT_EQ(parse(rows_at(matlab)).rate, 250);
  for (const char* bad : {"12:00:00:5", "13:00:00 PM", "20241301T120000", "12:00:00+x"})
    expect_error(
        [&] {
          parse(rows_at({"12:00:00.000", bad}));
        },
        {"a.csv:3: column 'time': found '" + std::string(bad)});
}

TEST(SignalCsv, MarksOfMissingSamples) {
  for (const char* mark : {"-", "--", "NA", "n/a", "#N/A", "null", "NULL", "None", "?", "NaN", "<NA>", "#NV", "#DIV/0!",
                           ".", "*", "n.a.", "---"}) {
    const ecg::Recording recording = parse(fmt::format("time,value,I\n0,{0},{0}\n0.004,1,{0}\n0.008,2,3\n", mark));
    EXPECT_EQ(recording.leads, std::vector<std::string>{"I"}) << mark;
    EXPECT_TRUE(std::isnan(recording.signal(0, 0)) && std::isnan(recording.signal(1, 0))) << mark;
    EXPECT_EQ(recording.signal(2, 0), 3) << mark;
    EXPECT_EQ(parse(fmt::format("time,value\n0,{}\n0.004,1\n0.008,2\n", mark)).signal.rows(), 3) << mark;
  }
  for (const char* bad : {"Inf", "missing", "x"})
    expect_error([&] { parse(fmt::format("time,I\n0,1\n0.004,{}\n", bad)); }, {"a.csv:3: column 'I': found"});
  expect_error([] { parse("time,I\n0,1\nNA,1\n0.004,2\n"); }, {"a.csv:3: the time is missing"});
}

TEST(SignalCsv, UnitsInBrackets) {
  for (const char* units : {"hh:mm:ss.mmm,(uV),(uV)", ",(uV),(uV)", "-,[uV],[uV]", "[hh:mm:ss],(uV),uV"}) {
    const ecg::Recording recording = parse(fmt::format("Elapsed time,I,II\n{}\n0:00.000,1,2\n0:00.004,3,4\n", units));
    EXPECT_EQ(recording.units, (std::vector<std::string>{"uV", "uV"})) << units;
    EXPECT_EQ(recording.rate, 250) << units;
    EXPECT_EQ(recording.signal.rows(), 2) << units;
  }
}

TEST(SignalCsv, NumbersAsSpreadsheetsWriteThem) {
  expect_two_leads("time,I,II\n0,0.125,-0.5\n0.004,1,0.25\n0.008,2,-1.5\n0.012,3,0\n,,\n,,\n");
  expect_two_leads(
      "time,I,II\n\"0,000\",\"0,125\",\"-0,5\"\n\"0,004\",1,\"0,25\"\n\"0,008\",2,\"-1,5\"\n\"0,012\",3,0\n");
  expect_two_leads("time,I,II\n0,0.125,\u22120.5\n0.004,1,0.25\n0.008,2,\u22121.5\n0.012,3,0\n");
  expect_two_leads("time\u00A0,I,II\n0,0.125\u00A0,-0.5\n0.004,\u00A01,0.25\n0.008,2,-1.5\n0.012,3,0\n");
  const auto refused = [](const std::string& text, const char* found) {
    try {
      parse(text);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(found), std::string::npos) << error.what();
      EXPECT_NE(error.hint().find("thousands separators"), std::string::npos) << error.hint();
    }
  };
  refused("time,I (uV)\n0.000,9\n0.004,\"1,305\"\n0.008,7\n", "a.csv:3: column 'I': found '1,305'");
  refused("time\tI (uV)\n0.000\t9\n0.004\t1,305\n0.008\t7\n", "a.csv:3: column 'I': found '1,305'");
  refused("time;I (uV)\n0,000;9,5\n0,004;1.305\n0,008;7\n", "a.csv:3: column 'I': found '1.305'");
  refused("time,I (uV)\n0.000,9\n0.004,1 305\n0.008,7\n", "a.csv:3: column 'I': found '1 305'");
  refused("time,I (uV)\n0.000,9\n0.004,\"1,305.5\"\n0.008,7\n", "found '1,305.5'");
}

// Columns as NeuroKit writes them, and those of an accelerometer and a battery.
TEST(SignalCsv, WhatIsBesideAnEcgIsNotReadAsLeads) {
  for (const char* names :
       {"ECG,ECG_Quality,ECG_R_Peaks", "ECG,x,y", "ECG,X,Z", "ECG,PPG,V", "ECG,D1,D2", "ECG,ECG_Clean,ECG_Rate"}) {
    const ecg::Recording recording = parse(std::string("time,") + names + "\n0,0.5,60,1\n0.004,1,61,0\n");
    EXPECT_EQ(recording.leads, std::vector<std::string>{"ECG"}) << names;
    EXPECT_EQ(recording.others.size(), 2U) << names;
    EXPECT_EQ(recording.signal(1, 0), 1);
  }
}

// Rows of time, a counter and a lead.
std::string counted(const std::string& names, int first = 0, int rows = 20) {
  std::string text = names + "\n";
  for (int i = 0; i < rows; ++i) text += fmt::format("{},{},{}\n", i * 0.004, first + i, i % 7);
  return text;
}

TEST(SignalCsv, AColumnThatCountsTheRowsIsNoLead) {
  for (const char* name : {"i", "V1", "x", "D1", "ecg_i"}) {
    const ecg::Recording recording = parse(counted(fmt::format("time,{},II", name)));
    EXPECT_EQ(recording.leads, std::vector<std::string>{"II"}) << name;
    ASSERT_EQ(recording.others.size(), 1U) << name;
    EXPECT_EQ(recording.others[0].reason, "counts the rows") << name;
  }
  EXPECT_EQ(parse(counted("time,i,I", 731)).leads, std::vector<std::string>{"I"}) << "beside the lead I";
  EXPECT_EQ(parse(counted("s,no,mV\ntime,i,II").substr(8)).leads, std::vector<std::string>{"II"});
  EXPECT_EQ(parse(counted("time,I,II", 0, 7)).leads.size(), 2U) << "too few rows to tell";
  EXPECT_EQ(parse(counted("time,I,II") + "0.08,19,1\n").leads.size(), 2U);
  expect_error([] { parse(counted("time,i,temp")); }, {"a.csv", "no ECG among its signals"});
}

TEST(SignalCsv, NamesThatRGivesAreNoChestLeads) {
  const auto named = [](int columns, const std::string& first, bool times) {
    std::string text = first;
    for (int i = 1; i <= columns; ++i) text += fmt::format("{}V{}", text.empty() ? "" : ",", i);
    text += "\n";
    for (int row = 0; row < 20; ++row) {
      if (!first.empty()) text += fmt::format("{},", row * 0.004);
      for (int i = 0; i < columns; ++i)
        text += fmt::format("{}{}", i == 0 ? "" : ",", times && i == 0 ? row * 0.004 : (row * (i + 2)) % 7);
      text += "\n";
    }
    return text;
  };
  const auto refused = [](const std::string& text, const char* part) {
    expect_error([&] { parse(text, {.rate = 250.0}); }, {"a.csv:1: the columns are called V1 to V", part});
  };
  refused(named(13, "", true), "V13, and the first one goes up evenly");
  refused(named(12, "", false), "V12, with no limb lead beside them");
  refused(named(8, "time", false), "as R calls columns without names");
  expect_error([&] { parse("time" + named(12, "", false).substr(2), {.rate = 250.0}); }, {"are called V2 to V12"});
  refused(named(3, "", true), "V3, and the first one goes up evenly");
  EXPECT_EQ(parse(named(6, "", false), {.rate = 250.0}).leads.size(), 6U);
  EXPECT_EQ(parse(named(9, "I", false), {.rate = 250.0}).leads.size(), 10U);
}

}  // namespace
}  // namespace cardiograd::data
