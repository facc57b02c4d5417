#include "ecg/twelve_leads.h"

#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/philox.h"
#include "ecg/leads.h"
#include "tests/common/expect_error.h"

namespace cardiograd::ecg {
namespace {

using cardiograd::testing::expect_error;

// I, II and V1-V6 are free; the other limb leads follow from Einthoven and Goldberger.
Recording all_leads() {
  Recording recording{"r", 100, {}, {}, Eigen::ArrayXXd(7, 12), {}};
  for (std::size_t lead = 0; lead < kStandardLeadCount; ++lead) {
    recording.leads.emplace_back(kStandardLeads[lead]);
    recording.units.emplace_back("mV");
    for (Eigen::Index t = 0; t < 7; ++t)
      recording.signal(t, static_cast<Eigen::Index>(lead)) = std::sin(static_cast<double>(t * 13 + lead * 7));
  }
  auto& s = recording.signal;
  s.col(2) = s.col(1) - s.col(0);
  s.col(3) = -(s.col(0) + s.col(1)) / 2;
  s.col(4) = s.col(0) - s.col(1) / 2;
  s.col(5) = s.col(1) - s.col(0) / 2;
  return recording;
}

Recording only(const std::vector<std::size_t>& leads) {
  const Recording all = all_leads();
  Recording some{"r", 100, {}, {}, Eigen::ArrayXXd(7, static_cast<Eigen::Index>(leads.size())), {}};
  for (std::size_t i = 0; i < leads.size(); ++i) {
    some.leads.push_back(all.leads[leads[i]]);
    some.units.push_back(all.units[leads[i]]);
    some.signal.col(static_cast<Eigen::Index>(i)) = all.signal.col(static_cast<Eigen::Index>(leads[i]));
  }
  return some;
}

// Any two of the six limb leads give the other four.
TEST(TwelveLeads, EveryPairOfLimbLeadsGivesTheOthers) {
  const Recording all = all_leads();
  for (std::size_t a = 0; a < 6; ++a) {
    for (std::size_t b = 0; b < 6; ++b) {
      if (a == b) continue;
      const TwelveLeads twelve = twelve_leads(only({11, b, 10, 6, 7, 8, a, 9}));
      EXPECT_TRUE(twelve.missing.empty());
      EXPECT_EQ(twelve.derived.size(), 4U);
      EXPECT_TRUE((twelve.recording.signal - all.signal).abs().maxCoeff() <= 1e-12) << a << " " << b;
    }
  }
}

TEST(TwelveLeads, SaysHowALeadWasDerived) {
  const TwelveLeads twelve = twelve_leads(only({0, 1, 6, 7, 8, 9, 10, 11}));
  ASSERT_EQ(twelve.derived.size(), 4U);
  EXPECT_EQ(twelve.derived[0].lead, "III");
  EXPECT_EQ(twelve.derived[0].formula, "II - I");
  EXPECT_EQ(twelve.derived[1].formula, "-0.5 I - 0.5 II");
  EXPECT_EQ(twelve.derived[2].formula, "I - 0.5 II");
  EXPECT_EQ(twelve.derived[3].formula, "II - 0.5 I");
}

TEST(TwelveLeads, NothingIsDerivedWhereAllAreThereOrTooFewOrWithoutAScale) {
  EXPECT_TRUE(twelve_leads(all_leads()).derived.empty());
  const TwelveLeads one = twelve_leads(only({1, 6, 7, 8, 9, 10, 11}));
  EXPECT_TRUE(one.derived.empty());
  EXPECT_EQ(one.missing, (std::vector<std::string>{"I", "III", "aVR", "aVL", "aVF"}));
  EXPECT_EQ(twelve_leads(only({0, 1, 6, 7, 8, 9, 10})).missing, (std::vector<std::string>{"V6"}));
  Recording standardized = only({0, 1, 6, 7, 8, 9, 10, 11});
  for (std::string& unit : standardized.units) unit = "z";
  EXPECT_EQ(twelve_leads(standardized).missing.size(), 4U);
}

TEST(TwelveLeads, NamesUnitsAndOtherSignals) {
  Recording recording = all_leads();
  const Eigen::ArrayXXd expected = recording.signal;
  const std::vector<std::string> names = {"Lead I", "ECG II", "DIII",   "AVR", "MDC_ECG_LEAD_AVL", "avf", "Lead C1",
                                          "EKG V2", "V 3",    "ecg_v4", "v5",  "Lead-V6"};
  recording.leads = names;
  recording.units[4] = "uV";
  recording.signal.col(4) *= 1000;
  recording.units[6] = "V";
  recording.signal.col(6) /= 1000;
  recording.leads.emplace_back("MLII");
  recording.units.emplace_back("bpm");
  recording.signal.conservativeResize(7, 13);
  recording.signal.col(12).setConstant(60);
  const TwelveLeads twelve = twelve_leads(recording);
  EXPECT_TRUE(twelve.missing.empty());
  EXPECT_TRUE(twelve.derived.empty());
  EXPECT_EQ(twelve.unused, std::vector<std::string>{"MLII"});
  EXPECT_EQ(twelve.recording.units[11], "mV");
  EXPECT_TRUE((twelve.recording.signal - expected).abs().maxCoeff() <= 1e-12);
}

TEST(TwelveLeads, ContradictionsAreErrors) {
  Recording recording = all_leads();
  recording.leads[7] = "Lead C1";
  expect_error([&] { twelve_leads(recording); }, {"r: lead V1 is there twice, as 'V1' and 'Lead C1'"});
  recording = all_leads();
  recording.units[3] = "z";
  expect_error([&] { twelve_leads(recording); }, {"lead aVR is in 'z'", "in 'mV'"});
}

// Each lead is rounded once: it is the double nearest to the exact sum.
TEST(TwelveLeads, CompletesTheIndependentLeads) {
  Eigen::ArrayXXd eight(50, 8);
  PhiloxStream random(3);
  for (Eigen::Index t = 0; t < eight.rows(); ++t)
    for (Eigen::Index lead = 0; lead < 8; ++lead) eight(t, lead) = random.normal();
  const Eigen::ArrayXXd twelve = complete_leads(eight);
  ASSERT_EQ(twelve.cols(), 12);
  for (Eigen::Index t = 0; t < eight.rows(); ++t) {
    const double one = eight(t, 0), two = eight(t, 1);
    const double expected[6] = {one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2};
    for (Eigen::Index lead = 0; lead < 6; ++lead) EXPECT_EQ(twelve(t, lead), expected[lead]) << lead;
    for (Eigen::Index lead = 6; lead < 12; ++lead) EXPECT_EQ(twelve(t, lead), eight(t, lead - 4)) << lead;
  }
}

TEST(TwelveLeads, AnyLeadsAreFoundByName) {
  const Recording all = all_leads();
  const std::vector<std::string> standard(kStandardLeads.begin(), kStandardLeads.end());
  EXPECT_TRUE((named_leads(all, standard).recording.signal == twelve_leads(all).recording.signal).all());
  Recording few = all;
  few.leads = {"DII", "I", "MLII"};
  few.units = {"mV", "uV", "uV"};
  few.signal = all.signal.leftCols(3).eval();
  const std::vector<std::string> wanted = {"mlii", "III", "II", "V9"};
  const TwelveLeads found = named_leads(few, wanted);
  EXPECT_EQ(found.recording.leads, wanted);
  EXPECT_EQ(found.missing, std::vector<std::string>{"V9"});
  ASSERT_EQ(found.derived.size(), 1U);
  EXPECT_EQ(found.derived[0].formula, "II - I");
  EXPECT_TRUE(found.unused.empty());
  const auto& signal = found.recording.signal;
  EXPECT_TRUE((signal.col(0) - few.signal.col(2) / 1000).abs().maxCoeff() <= 1e-12);
  EXPECT_TRUE((signal.col(1) - (few.signal.col(0) - few.signal.col(1) / 1000)).abs().maxCoeff() <= 1e-12);
  EXPECT_TRUE((signal.col(2) == few.signal.col(0)).all());
  EXPECT_TRUE(signal.col(3).isNaN().all());
}

// A recording without any standard lead has nothing to bring to a unit.
TEST(TwelveLeads, OtherSignalsAloneAreNoLeads) {
  const Recording other{"r", 100, {"RESP"}, {"l"}, Eigen::ArrayXXd::Ones(7, 1), {}};
  const TwelveLeads twelve = twelve_leads(other);
  EXPECT_EQ(twelve.missing.size(), 12U);
  EXPECT_EQ(twelve.unused, std::vector<std::string>{"RESP"});
  EXPECT_TRUE(twelve.recording.signal.isNaN().all());
}

TEST(TwelveLeads, AnInvertedLeadIsDerivedAnew) {
  const Recording all = all_leads();
  for (const char* name : {"-aVR", "ECG -aVR", "Lead -aVR", "aVR-"}) {
    Recording cabrera = all;
    cabrera.leads[3] = name;
    cabrera.signal.col(3) *= -1;
    const TwelveLeads twelve = twelve_leads(cabrera);
    EXPECT_EQ(twelve.derived.size(), 1U) << name;
    EXPECT_EQ(twelve.unused, std::vector<std::string>{name});
    EXPECT_TRUE((twelve.recording.signal - all.signal).abs().maxCoeff() <= 1e-12) << name;
  }
}

TEST(TwelveLeads, ChestLeadsMayBeCalledC) {
  const Recording all = all_leads();
  Recording german = all;
  for (std::size_t i = 6; i < 12; ++i) german.leads[i][0] = 'C';
  EXPECT_TRUE((twelve_leads(german).recording.signal == all.signal).all());
  Recording more = all;
  more.leads.emplace_back("C3");
  more.units.emplace_back("mV");
  more.signal.conservativeResize(7, 13);
  more.signal.col(12).setConstant(9);
  const TwelveLeads twelve = twelve_leads(more);
  EXPECT_EQ(twelve.unused, std::vector<std::string>{"C3"});
  EXPECT_TRUE((twelve.recording.signal == all.signal).all());
}

}  // namespace
}  // namespace cardiograd::ecg
