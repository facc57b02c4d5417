#include "ecg/channels.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/common/expect_error.h"

namespace cardiograd::ecg {
namespace {

TEST(Channels, NamesOfEcgLeads) {
  // As public collections spell them.
  for (const char* name : {"I",
                           "ii",
                           "aVR",
                           "-aVR",
                           "V1",
                           "c4",
                           "DII",
                           "MLII",
                           "ML2",
                           "MLI",
                           "MV2",
                           "MCL1",
                           "mod.V1",
                           "CM5",
                           "CC5",
                           "CS5",
                           "V2-V3",
                           "V1-V2",
                           "V",
                           "V4R",
                           "V7",
                           "D4",
                           "Vx",
                           "vz",
                           "ECG",
                           "ECG1",
                           "ecg_2",
                           "ECG lead V",
                           "EKG",
                           "EKG R1-R2",
                           "lead II",
                           "Lead V5 (mod)",
                           "RA-LL",
                           "LA-RA",
                           "E-S",
                           "A-S",
                           "A-I",
                           "x",
                           "MDC_ECG_LEAD_III",
                           "II+",
                           "ECG LL-RA"})
    EXPECT_TRUE(is_ecg_name(name)) << name;
  for (const char* name : {"",     "ABP",   "ART",     "PLETH",  "RESP",     "Resp (nasal)", "EEG Fpz-Cz", "C4-A1",
                           "Fp1",  "O2-A1", "EMG",     "EOG(L)", "marker",   "Status",       "HR",         "foot GSR",
                           "SO2",  "CO2",   "noise1",  "label",  "signal 0", "time",         "T",          "CS12",
                           "CS90", "SpO2",  "patient", "Event",  "vent",     "LOC",          "ROC",        "chin"})
    EXPECT_FALSE(is_ecg_name(name)) << name;
}

std::vector<std::string> leads_of(const std::vector<Channel>& channels) {
  std::vector<std::string> names;
  for (const std::size_t i : choose_ecg_channels(channels).leads) names.push_back(channels[i].name);
  return names;
}

TEST(Channels, WhatIsRecordedBesideAnEcgIsLeftAside) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(leads_of({{"MCL1", "mV"}, {"ABP", "mmHg"}, {"RESP", "mV"}}), (Names{"MCL1"}));
  EXPECT_EQ(leads_of({{"II", "mV"}, {"V", "mV"}, {"PLETH", "NU"}, {"RESP", "NU"}}), (Names{"II", "V"}));
  EXPECT_EQ(leads_of({{"II", "uV"}, {"marker", "V"}}), (Names{"II"}));
  EXPECT_EQ(leads_of({{"EEG Fpz-Cz", "uV"}, {"ECG", "uV"}, {"EMG chin", "uV"}}), (Names{"ECG"}));
  EXPECT_EQ(leads_of({{"I", "mV"}, {"II", "mmHg"}}), (Names{"I"}));
  // Without the name of a lead, whatever may be one.
  EXPECT_EQ(leads_of({{"Abdomen_1", "uV"}, {"Direct_1", "uV"}, {"Resp", "uV"}}), (Names{"Abdomen_1", "Direct_1"}));
  EXPECT_EQ(leads_of({{"signal 0", "mV"}, {"signal 1", "mmHg"}}), (Names{"signal 0"}));
  // Standardized signals have no unit of voltage.
  EXPECT_EQ(leads_of({{"I", "z"}, {"II", "z"}}), (Names{"I", "II"}));
  EXPECT_EQ(leads_of({{"I", "adu"}, {"II", "adu"}, {"PLETH", "adu"}}), (Names{"I", "II"}));
  EXPECT_EQ(leads_of({{"ABP", "mmHg"}, {"PLETH", "NU"}}), Names{});
}

TEST(Channels, LeadsAtOneRate) {
  const auto choice = choose_ecg_channels(
      std::vector<Channel>{{"II", "mV", 250}, {"RESP", "mV", 125}, {"V", "mV", 250}, {"aVR", "mV", 125}});
  EXPECT_EQ(choice.leads, (std::vector<std::size_t>{0, 2}));
  EXPECT_EQ(choice.rate, 250);
  EXPECT_EQ(others_text(choice.others), "RESP (no name of an ECG lead), aVR (at 125 Hz)");
  EXPECT_EQ(choose_ecg_channels(std::vector<Channel>{{"I", "mV", 100}, {"II", "mV", 500}}).rate, 500);
}

TEST(Channels, NoLeadIsAnError) {
  const auto none = choose_ecg_channels(std::vector<Channel>{{"ABP", "mmHg"}, {"PLETH", "NU"}});
  cardiograd::testing::expect_error([&] { require_leads(none, "r.edf"); },
                                    {"r.edf: no ECG among its signals: ABP (unit mmHg), PLETH (unit NU)"});
  cardiograd::testing::expect_error([] { require_leads(choose_ecg_channels({}), "r.edf"); }, {"there are none"});
}

TEST(Channels, TheOthersAreNamedWithTheReason) {
  const auto choice =
      choose_ecg_channels(std::vector<Channel>{{"II", "mV"}, {"ABP", "mmHg"}, {"PLETH", ""}, {"x1", "V"}});
  EXPECT_EQ(others_text(choice.others), "ABP (unit mmHg), PLETH (without unit), x1 (no name of an ECG lead)");
  EXPECT_EQ(others_text({}), "");
}

}  // namespace
}  // namespace cardiograd::ecg
