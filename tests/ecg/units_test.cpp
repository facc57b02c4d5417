#include "ecg/units.h"

#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/common/expect_error.h"

namespace cardiograd::ecg {
namespace {

using cardiograd::testing::expect_error;

TEST(Units, SpellingsOfVoltages) {
  EXPECT_EQ(canonical_unit("mV"), "mV");
  EXPECT_EQ(canonical_unit("mv"), "mV");
  EXPECT_EQ(canonical_unit("MV"), "mV");
  EXPECT_EQ(canonical_unit("uV"), "uV");
  EXPECT_EQ(canonical_unit("\xC2\xB5V"), "uV");
  EXPECT_EQ(canonical_unit("\xCE\xBCv"), "uV");
  EXPECT_EQ(canonical_unit("v"), "V");
  EXPECT_EQ(canonical_unit("z"), "z");
  EXPECT_EQ(canonical_unit("mmHg"), "mmHg");
  EXPECT_EQ(canonical_unit("kV"), "kV");
  EXPECT_EQ(millivolts_per_unit("mv"), 1.0);
  EXPECT_EQ(millivolts_per_unit("uV"), 1e-3);
  EXPECT_EQ(millivolts_per_unit("V"), 1e3);
  EXPECT_FALSE(millivolts_per_unit("z").has_value());
  EXPECT_EQ(canonical_unit("\xB5V"), "uV") << "Latin-1";
  EXPECT_EQ(canonical_unit("nv"), "nV");
  EXPECT_EQ(canonical_unit(""), "");
  EXPECT_EQ(millivolts_per_unit("nV"), 1e-6);
  for (const char* unit : {"mVolt", "mvolts", "MILLIVOLTS", "Millivolt", "milliV"})
    EXPECT_EQ(canonical_unit(unit), "mV") << unit;
  for (const char* unit :
       {"uVolt", "uVolts", "microV", "microvolts", "MICROVOLT", "\xC2\xB5Volt", "\xCE\xBCvolts", "\xB5Volts"})
    EXPECT_EQ(canonical_unit(unit), "uV") << unit;
  for (const char* unit : {"volt", "Volts"}) EXPECT_EQ(canonical_unit(unit), "V") << unit;
  EXPECT_EQ(canonical_unit("nanovolts"), "nV");
  for (const char* unit : {"kilovolts", "revolts", "mvs", "volt/s"}) EXPECT_EQ(canonical_unit(unit), unit);
}

TEST(Units, TheCommonUnit) {
  const auto of = [](const std::vector<std::string>& units) { return common_unit(units); };
  EXPECT_EQ(of({"mV", "mV"}), "mV");
  EXPECT_EQ(of({"V", "uV", "mv"}), "mV");
  EXPECT_EQ(of({"uV"}), "mV");
  EXPECT_EQ(of({"z", "z"}), "z");
  EXPECT_EQ(of({}), "");
  EXPECT_FALSE(of({"mV", "z"}).has_value());
  EXPECT_FALSE(of({"mmHg", "mV"}).has_value());
}

Recording three_leads(const std::vector<std::string>& units) {
  Recording recording{"r", 100, {"I", "II", "V1"}, units, Eigen::ArrayXXd(2, 3), {}};
  recording.signal << 1, 2000, 0.003, std::nan(""), -1, 0;
  return recording;
}

TEST(Units, LeadsComeToMillivolts) {
  Recording recording = three_leads({"mV", "uV", "V"});
  to_common_unit(recording);
  EXPECT_EQ(recording.units, (std::vector<std::string>{"mV", "mV", "mV"}));
  EXPECT_EQ(recording.signal(0, 0), 1);
  EXPECT_TRUE(std::isnan(recording.signal(1, 0))) << "a gap stays a gap";
  EXPECT_DOUBLE_EQ(recording.signal(0, 1), 2);
  EXPECT_DOUBLE_EQ(recording.signal(1, 1), -0.001);
  EXPECT_DOUBLE_EQ(recording.signal(0, 2), 3);
}

TEST(Units, OtherAlphabets) {
  for (const char* unit : {"мкВ", "微伏", "マイクロボルト"}) EXPECT_EQ(canonical_unit(unit), "uV") << unit;
  EXPECT_EQ(canonical_unit("мВ"), "mV");
  EXPECT_EQ(canonical_unit("В"), "В");
}

TEST(Units, OtherUnitsStayAsTheyAre) {
  Recording recording = three_leads({"z", "z", "z"});
  to_common_unit(recording);
  EXPECT_EQ(recording.units, (std::vector<std::string>{"z", "z", "z"}));
  EXPECT_EQ(recording.signal(0, 1), 2000);
}

TEST(Units, MixedUnitsAreNamedAndNothingChanges) {
  Recording recording = three_leads({"uV", "V", "mmHg"});
  expect_error([&] { to_common_unit(recording); }, {"r: lead V1 is in 'mmHg', lead I in 'uV'"});
  EXPECT_EQ(recording.units[0], "uV");
  EXPECT_EQ(recording.signal(0, 0), 1);
  expect_error([&] { require_common_unit(recording.units, recording.leads, "other"); }, {"other: lead V1"});
}

}  // namespace
}  // namespace cardiograd::ecg
