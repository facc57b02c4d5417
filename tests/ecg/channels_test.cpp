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
  for (const char* name :
       {"",           "ABP",   "ART",      "PLETH",  "RESP",   "Resp (nasal)", "EEG Fpz-Cz", "C4-A1",    "Fp1",
        "O2-A1",      "EMG",   "EOG(L)",   "marker", "Status", "HR",           "foot GSR",   "SO2",      "CO2",
        "noise1",     "label", "signal 0", "time",   "T",      "CS12",         "CS90",       "ECG_Rate", "ECG_R_Peaks",
        "EcgQuality", "SpO2",  "patient",  "Event",  "vent",   "LOC",          "ROC",        "chin"})
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

std::string others_of(const std::vector<Channel>& channels) {
  return others_text(choose_ecg_channels(channels).others);
}

TEST(Channels, ElectrodesOfAnEegAreNoChestLeads) {
  using Names = std::vector<std::string>;
  const std::vector<Channel> sleep = {{"ECG", "mV"}, {"C3", "mV"}, {"C4", "mV"}, {"O1", "mV"}, {"EMG", "mV"}};
  EXPECT_EQ(leads_of(sleep), Names{"ECG"});
  EXPECT_EQ(
      others_of(sleep),
      "C3 (taken for an EEG electrode), C4 (taken for an EEG electrode), O1 (no name of an ECG lead), EMG (no name "
      "of an ECG lead)");
  EXPECT_EQ(leads_of({{"EKG", "uV"}, {"C3-C4", "uV"}, {"c1", "uV"}}), Names{"EKG"});
  EXPECT_EQ(leads_of({{"ECG", "uV"}, {"C1", "uV"}, {"C2", "uV"}, {"C3", "uV"}, {"Cz", "uV"}}), Names{"ECG"});
  EXPECT_EQ(leads_of({{"C3", "uV"}, {"C4", "uV"}}), Names{});
  const std::vector<Channel> chest = {{"I", "mV"},  {"II", "mV"}, {"C1", "mV"}, {"C2", "mV"},
                                      {"C3", "mV"}, {"C4", "mV"}, {"C5", "mV"}, {"C6", "mV"}};
  EXPECT_EQ(leads_of(chest).size(), 8U);
  std::vector<Channel> twelve;
  for (const char* name : {"I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"})
    twelve.push_back({name, "mV"});
  twelve.push_back({"C3", "mV"});
  EXPECT_EQ(leads_of(twelve).size(), 12U);
  EXPECT_EQ(others_of(twelve), "C3 (taken for an EEG electrode)");
}

// As NeuroKit names its columns, and others.
TEST(Channels, WhatIsComputedFromAnEcgIsNone) {
  using Names = std::vector<std::string>;
  std::vector<Channel> columns = {{"ECG_Raw", "mV"}, {"ECG_Clean", "mV"}};
  for (const char* name :
       {"ECG_Rate", "ECG_Quality", "ECG_R_Peaks", "ECG_P_Onsets", "ECG_T_Offsets", "ECG_Phase_Atrial",
        "ECG_Phase_Completion_Ventricular", "ecg_rpeak", "ecgquality", "EKG beats", "ECG lead off"})
    columns.push_back({name, "mV"});
  EXPECT_EQ(leads_of(columns), Names{"ECG_Raw"});
  const std::string others = others_of(columns);
  EXPECT_NE(others.find("ECG_Clean (a filtered copy of another one)"), std::string::npos) << others;
  EXPECT_NE(others.find("ECG_R_Peaks (derived from an ECG)"), std::string::npos) << others;
  EXPECT_EQ(leads_of({{"ECG_Clean", "mV"}, {"ECG_Rate", "mV"}}), Names{"ECG_Clean"}) << "without the raw one";
  EXPECT_EQ(leads_of({{"ECG II filtered", "mV"}, {"ECG I", "mV"}}), (Names{"ECG II filtered", "ECG I"}));
  EXPECT_EQ(leads_of({{"ECG I", "mV"}, {"ECG I filtered", "mV"}}), Names{"ECG I"});
  EXPECT_EQ(leads_of({{"ECG_Rate", "mV"}, {"value", "mV"}}), Names{"value"});
}

TEST(Channels, AxesAndDigitsBesideAnEcgAreNoLeads) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(leads_of({{"ECG", "mV"}, {"x", "mV"}, {"Y", "mV"}, {"Z", "mV"}}), Names{"ECG"});
  EXPECT_EQ(leads_of({{"x", "mV"}, {"y", "mV"}, {"z", "mV"}}).size(), 3U);
  EXPECT_EQ(leads_of({{"I", "mV"}, {"II", "mV"}, {"vx", "mV"}, {"vy", "mV"}, {"vz", "mV"}}).size(), 5U);
  EXPECT_EQ(leads_of({{"X", "mV"}, {"I", "mV"}, {"V1", "mV"}}), (Names{"I", "V1"}))
      << "numbers of rows, as R calls them";
  EXPECT_EQ(leads_of({{"MLII", "mV"}, {"x", "mV"}, {"y", "mV"}, {"z", "mV"}}), Names{"MLII"});
  EXPECT_EQ(leads_of({{"ECG", "mV"}, {"PPG", "mV"}, {"V", "mV"}}), Names{"ECG"});
  EXPECT_EQ(leads_of({{"ECG", "mV"}, {"V", "mV"}, {"I", "mV"}}), Names{"ECG"}) << "voltage and current";
  const std::vector<Channel> digital = {{"EKG", "mV"}, {"D1", "mV"}, {"D2", "mV"}};
  EXPECT_EQ(leads_of(digital), Names{"EKG"});
  EXPECT_EQ(others_of(digital), "D1 (ambiguous beside an ECG), D2 (ambiguous beside an ECG)");
  EXPECT_EQ(leads_of({{"D1", "mV"}, {"D2", "mV"}}).size(), 2U);
  EXPECT_EQ(leads_of({{"ECG", "mV"}, {"II", "mV"}, {"V", "mV"}}).size(), 3U) << "among leads";
}

TEST(EcgChannels, WhatIsComputedOrOfAnotherSensorIsNoEcg) {
  for (const char* name : {"ECG_Resp", "ECG_PPG", "ECG_mask", "ECG threshold", "ECG_baseline", "ECG noise",
                           "EcgEnvelope", "ECG_template", "ECG_diff", "ECG gain"}) {
    EXPECT_FALSE(is_ecg_name(name)) << name;
    EXPECT_EQ(leads_of({{"ECG", "mV"}, {name, "mV"}}), std::vector<std::string>{"ECG"}) << name;
  }
  for (const char* name : {"ECG", "ECG 1", "ECG_Raw", "ECG II", "ECG-lead", "EKG chest"})
    EXPECT_TRUE(is_ecg_name(name)) << name;
}

TEST(EcgChannels, NamesInOtherAlphabets) {
  for (const char* name : {"导联 V7", "V8导联", "MLII 誘導", "Kanal MLII", "\u2160"})
    EXPECT_TRUE(is_ecg_name(name)) << name;
  for (const char* name : {"导联", "CH A", "raw s", "Signal E", "Channel X", "raw", "signal 1"})
    EXPECT_FALSE(is_ecg_name(name)) << name;
  EXPECT_EQ(leads_of({{"I_raw", "mV"}, {"II_raw", "mV"}}), (std::vector<std::string>{"I_raw", "II_raw"}));
  EXPECT_EQ(leads_of({{"I_raw", "mV"}, {"I", "mV"}, {"II_raw", "mV"}, {"lead II", "mV"}}),
            (std::vector<std::string>{"I", "lead II"}));
}

}  // namespace
}  // namespace cardiograd::ecg
