#include "ecg/leads.h"

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/common/expect_error.h"

namespace cardiograd::ecg {
namespace {

using cardiograd::testing::expect_error;

TEST(Leads, AnyOrderAndCase) {
  const std::vector<std::string> names = {"v6",  "VX", "AVL", "i",  "ii", "iii", "avr",
                                          "aVF", "V1", "v2",  "V3", "v4", "V5"};
  const auto positions = match_standard_leads(names, "r");
  EXPECT_EQ(positions, (std::array<std::size_t, 12>{3, 4, 5, 6, 2, 7, 8, 9, 10, 11, 12, 0}));
}

TEST(Leads, MissingAndDoubledLeadsAreNamed) {
  std::vector<std::string> names(kStandardLeads.begin(), kStandardLeads.end());
  auto doubled = names;
  doubled.push_back("avr");
  expect_error([&] { match_standard_leads(doubled, "rec.hea"); }, {"rec.hea", "lead aVR", "twice"});
  names.erase(names.begin() + 3);
  names.pop_back();
  expect_error([&] { match_standard_leads(names, "rec.hea"); }, {"rec.hea", "lead aVR, V6 missing", "V5"});
}

TEST(Leads, AreTheSameInAnyCase) {
  EXPECT_TRUE(same_lead("aVR", "AVR"));
  EXPECT_TRUE(same_lead("", ""));
  EXPECT_FALSE(same_lead("aVR", "aVRx"));
  EXPECT_FALSE(same_lead("I", "II"));
  EXPECT_FALSE(same_lead("C1", "V1")) << "other names of a lead are standard_lead's";
}

TEST(Leads, TheFirstOfThatNameIsFound) {
  const std::vector<std::string> names = {"II", "MLII", "ii", "v1"};
  EXPECT_EQ(find_lead(names, "ii"), std::optional<std::size_t>(0));
  EXPECT_EQ(find_lead(names, "V1"), std::optional<std::size_t>(3));
  EXPECT_FALSE(find_lead(names, "I").has_value());
  EXPECT_FALSE(find_lead({}, "I").has_value());
}

TEST(Leads, AreStandardInOrderAndSpelling) {
  std::vector<std::string> names(kStandardLeads.begin(), kStandardLeads.end());
  EXPECT_TRUE(are_standard_leads(names));
  names[3] = "AVR";
  EXPECT_FALSE(are_standard_leads(names));
  names[3] = "aVR";
  std::swap(names[0], names[1]);
  EXPECT_FALSE(are_standard_leads(names));
  std::swap(names[0], names[1]);
  names.emplace_back("V7");
  EXPECT_FALSE(are_standard_leads(names));
  names.resize(11);
  EXPECT_FALSE(are_standard_leads(names));
}

TEST(StandardLead, OtherNamesAreNone) {
  const std::string unit_and_name = std::string("\xCE\xBC") + "V1";  // Micro, then a name.
  EXPECT_FALSE(standard_lead(unit_and_name).has_value());
  for (const char* name : {"", "MLII", "-aVR", "V7", "V1R", "II2", "signal 0", "EEG C3-A2", "ECG", "aV", "X"})
    EXPECT_FALSE(standard_lead(name).has_value()) << name;
  EXPECT_EQ(standard_lead("d2"), std::optional<std::size_t>(1));
  EXPECT_EQ(standard_lead("L3"), std::optional<std::size_t>(2));
}

// Cabrera's -aVR is aVR upside down; a hyphen between two words only separates them.
TEST(StandardLead, TwoLeadsAreNoThird) {
  for (const char* name : {"I-II", "I/II", "II - I", "V1_V2", "ECG I-aVF"}) EXPECT_FALSE(standard_lead(name)) << name;
  EXPECT_EQ(standard_lead("ECG I"), 0U);
  EXPECT_EQ(standard_lead("a-VR"), 3U);
}

TEST(StandardLead, AMinusIsNoSeparator) {
  for (const char* name : {"-aVR", "ECG -aVR", "Lead -aVR", "MDC_ECG_LEAD_-aVR", "ECG aVR-", "aVR -", "ECG (-aVR)",
                           "ECG--aVR", "EKG -II", "V1-"})
    EXPECT_FALSE(standard_lead(name).has_value()) << name;
  for (const char* name : {"ECG-II", "Lead-II", "ECG - II", "ekg-ii", "II"})
    EXPECT_EQ(standard_lead(name), std::optional<std::size_t>(1)) << name;
  EXPECT_EQ(standard_lead("EKG-aVR"), std::optional<std::size_t>(3));
}

TEST(StandardLead, CIsAChestLeadOnlyAmongOthers) {
  using Names = std::vector<std::string>;
  EXPECT_TRUE(has_chest_leads_as_c(Names{"I", "II", "C1", "C2", "C3", "C4", "C5", "C6"}));
  EXPECT_TRUE(has_chest_leads_as_c(Names{"c2", "c4", "c5"}));
  EXPECT_FALSE(has_chest_leads_as_c(Names{"ECG", "C3", "C4"}));
  EXPECT_FALSE(has_chest_leads_as_c(Names{"ECG", "C3", "C4", "c4"})) << "one of them twice";
  EXPECT_FALSE(has_chest_leads_as_c(Names{"ECG", "C1", "C2", "C3", "C4", "Fz"}));
  EXPECT_FALSE(has_chest_leads_as_c(Names{"ECG", "C1", "C2", "C3", "EEG Fp1-M2"}));
  EXPECT_FALSE(has_chest_leads_as_c(Names{"V1", "V2", "C3", "C4", "C5"}));
  EXPECT_FALSE(has_chest_leads_as_c(Names{"Lead V1", "C3", "C4", "C5"}));
  using Leads = std::vector<std::optional<std::size_t>>;
  EXPECT_EQ(standard_leads(Names{"C3", "II", "Lead C4"}), (Leads{std::nullopt, 1, 9}));
  EXPECT_EQ(standard_leads(Names{"C3", "II", "C4", "C6"}), (Leads{8, 1, 9, 11}));
  EXPECT_TRUE(is_chest_or_eeg("C3-C4"));
  EXPECT_FALSE(is_chest_or_eeg("CM5"));
  EXPECT_FALSE(is_chest_or_eeg("C7"));
}

TEST(Leads, TheWordLeadInOtherLanguages) {
  EXPECT_EQ(standard_lead("D\xC3\xA9rivation I"), 0U);
  EXPECT_EQ(standard_lead("D\xE9rivation aVR"), 3U) << "Latin-1";
  EXPECT_EQ(standard_lead("Derivaci\xC3\xB3n V1"), 6U);
  EXPECT_EQ(standard_lead("Ableitung II"), 1U);
  EXPECT_FALSE(standard_lead("\xE5\xAF\xBC I"));
  EXPECT_EQ(without_accents("V\xC3\x89\xE8 \xC2\xB5"), "Vee \xC2\xB5");
}

TEST(Leads, TheSameLeadTwice) {
  using Names = std::vector<std::string>;
  EXPECT_FALSE(find_same_leads(Names{}).has_value());
  EXPECT_FALSE(find_same_leads(Names{"I", "II", "MLII", "C3", "C4"}).has_value());
  EXPECT_EQ(find_same_leads(Names{"I", "I"}), std::pair(std::size_t{0}, std::size_t{1}));
  EXPECT_EQ(find_same_leads(Names{"II", "aVR", "Lead II"}), std::pair(std::size_t{0}, std::size_t{2}));
  EXPECT_EQ(find_same_leads(Names{"V1", "MLII", "mlii"}), std::pair(std::size_t{1}, std::size_t{2}));
}

TEST(StandardLead, WordsAroundIt) {
  for (const char* name : {"CH_II",         "II lead", "Lead-II",     "Channel II", "Kanal II",     "II signal",
                           "II_raw",        "II_ecg",  "1: II",       "02_II",      "Afleiding II", "Odprowadzenie II",
                           "Derivasyon II", "\u2161",  "Lead \u2161", "\u2171",     "导联II",       "II导联",
                           "导联 II",       "导联-II", "II導聯",      "II誘導",     "리드 II",      "Отведение II"})
    EXPECT_EQ(standard_lead(name), 1U) << name;
  EXPECT_EQ(standard_lead("aVR导联"), 3U);
  EXPECT_EQ(standard_lead("ECG_Lead_V1"), 6U);
  for (const char* name : {"导联", "导联 -II", "CH 1", "12 lead ECG", "raw", "Ⅰ-Ⅱ", "Ⅳ", "II 2", "channel"})
    EXPECT_FALSE(standard_lead(name)) << name;
  EXPECT_TRUE(is_chest_or_eeg("CH C3"));
  EXPECT_FALSE(is_chest_or_eeg("Lead C3"));
}

}  // namespace
}  // namespace cardiograd::ecg
