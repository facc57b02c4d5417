// Names of columns in text tables.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "data/signal_table.h"

namespace cardiograd::data {
namespace {

void expect_name(const std::string& text, const std::string& name, const std::string& unit) {
  const ColumnName column = parse_column_name(text);
  EXPECT_EQ(column.name, name) << text;
  EXPECT_EQ(column.unit, unit) << text;
}

TEST(SignalNames, UnitsStandBehindOrBeforeANameInManyWays) {
  for (const char* text : {"II (mV)", "II[mV]", "II{mV}", "II_mV", "II/mV", "II mV", "II.mV", "II..mV.", "II-mV",
                           "II in mV", "II_in_mV", "II, mV", "II: mV", "mV_II", "mV II", "('II', 'mV')", "II.(mV)."})
    EXPECT_EQ(parse_column_name(text).unit, "mV") << text;
  for (const char* text : {"II (mV)", "II{mV}", "II.mV", "II..mV.", "II-mV", "II in mV", "mV_II", "('II', 'mV')"})
    EXPECT_EQ(parse_column_name(text).name, "II") << text;
  expect_name("I in \xC2\xB5V", "I", "\xC2\xB5V");
  expect_name("aVR- (uV)", "aVR-", "uV");
  expect_name("aVR - uV", "aVR", "uV");
  expect_name("b'V1'", "V1", "");
  expect_name("('ecg', 'V1')", "ecg V1", "");
  // What is no unit, or no name beside one.
  for (const char* text : {"V1-V2", "RA-LL", "mV", "MLII.V", "II.x", "uV_offset"}) expect_name(text, text, "");
}

TEST(SignalNames, NamesOfTimes) {
  for (const char* text :
       {"clock", "clock time", "Clock_Time", "date_time", "UTC time", "time_utc", "Local time", "Uhrzeit", "Hora",
        "timestamp_ms", "clock_ms", "clockms", "wall clock (ms)", "device_timestamp_us"})
    EXPECT_TRUE(time_column(parse_column_name(text)).is_time) << text;
  for (const char* text : {"clock_ms", "clockms", "timestamp_ms", "elapsed_ms", "clock [ms]"})
    EXPECT_EQ(time_column(parse_column_name(text)).seconds, 1e-3) << text;
  for (const char* text : {"date", "clockwise", "local", "phone", "start_time"})
    EXPECT_FALSE(time_column(parse_column_name(text)).is_time) << text;
}

TEST(SignalNames, OfRsDefaultNamesNoneIsLeftOut) {
  using Names = std::vector<std::string>;
  EXPECT_TRUE(are_default_names(Names{"V1", "V2", "v3"}));
  EXPECT_FALSE(are_default_names(Names{"V1"}));
  EXPECT_TRUE(are_default_names(Names{"V2", "V3"})) << "the first has got a name";
  EXPECT_FALSE(are_default_names(Names{"V3", "V4"}));
  EXPECT_FALSE(are_default_names(Names{"V1", "V2", "V4"}));
  EXPECT_FALSE(are_default_names(Names{"I", "V1", "V2"}));
}

}  // namespace
}  // namespace cardiograd::data
