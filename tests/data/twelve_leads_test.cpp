#include "data/twelve_leads.h"

#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "data/leads.h"
#include "data/person.h"
#include "data/resample_recording.h"
#include "tests/data/helpers.h"

namespace cardiograd::data {
namespace {

using testing::expect_error;

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
  const std::vector<std::string> names = {"Lead I", "ECG II", "DIII",   "AVR", "MDC_ECG_LEAD_AVL", "avf", "C1",
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
  recording.leads[7] = "C1";
  expect_error([&] { twelve_leads(recording); }, {"r: lead V1 is there twice, as 'V1' and 'C1'"});
  recording = all_leads();
  recording.units[3] = "z";
  expect_error([&] { twelve_leads(recording); }, {"lead aVR is in 'z'", "in 'mV'"});
}

TEST(StandardLead, OtherNamesAreNone) {
  for (const char* name : {"", "MLII", "-aVR", "V7", "V1R", "II2", "signal 0", "EEG C3-A2", "ECG", "aV", "X",
                           "\xCE\xBC"
                           "V1"})
    EXPECT_FALSE(standard_lead(name).has_value()) << name;
  EXPECT_EQ(standard_lead("d2"), std::optional<std::size_t>(1));
  EXPECT_EQ(standard_lead("L3"), std::optional<std::size_t>(2));
}

TEST(Person, CommentsOfManyKinds) {
  const auto expect = [](const std::vector<std::string>& comments, double age, double sex) {
    const Person person = person_of(comments);
    EXPECT_TRUE(std::isnan(age) ? std::isnan(person.age) : person.age == age) << comments.front();
    EXPECT_TRUE(std::isnan(sex) ? std::isnan(person.sex) : person.sex == sex) << comments.front();
  };
  const double unknown = std::nan("");
  expect({"Age: 45", "Sex: Male", "Dx: 164889003"}, 45, 0);
  expect({"<age>: 79", "<sex>: F", "<diagnoses>:"}, 79, 1);
  expect({"<age>: 42 <sex>: M <diagnoses> none"}, 42, 0);
  expect({"age: 81", "sex: female"}, 81, 1);
  expect({"69 M 1085 1629 x1", "Aldomet, Inderal"}, 69, 0);
  expect({"Age: 92", "Gender: f"}, 90, 1);
  expect({"Age: 300"}, 90, unknown);
  expect({"Age: NaN", "Sex: Unknown"}, unknown, unknown);
  expect({"Age: -3"}, unknown, unknown);
  expect({"Age: 131"}, unknown, unknown);
  expect({"Age:", "Sex"}, unknown, unknown);
  expect({"Average 50 M"}, unknown, unknown);
  EXPECT_TRUE(std::isnan(person_of({}).age));
}

// A sine far below both half rates keeps its shape up to the ends, whatever the rates.
TEST(ResampleRecording, SinesKeepTheirShape) {
  for (const double rate : {250.0, 360.0, 500.0, 1000.0, 257.0, 128.0, 97.7, 2000.0}) {
    const auto samples = static_cast<Eigen::Index>(10 * rate);
    Recording recording{"r", rate, {"I", "II"}, {"mV", "mV"}, Eigen::ArrayXXd(samples, 2), {}};
    for (Eigen::Index t = 0; t < samples; ++t) {
      const double s = static_cast<double>(t) / rate;
      recording.signal(t, 0) = 3 + std::sin(6.283185307179586 * 3 * s);
      recording.signal(t, 1) = std::cos(6.283185307179586 * 11 * s);
    }
    const Recording result = at_rate(recording, 100);
    EXPECT_EQ(result.rate, 100);
    ASSERT_EQ(result.signal.rows(), static_cast<Eigen::Index>(std::ceil(static_cast<double>(samples) * 100 / rate)))
        << rate;
    for (Eigen::Index t = 0; t < result.signal.rows(); ++t) {
      const double s = static_cast<double>(t) / 100;
      const double tolerance = t < 10 || t + 10 >= result.signal.rows() ? 0.12 : 0.012;
      EXPECT_TRUE(std::abs(result.signal(t, 0) - 3 - std::sin(6.283185307179586 * 3 * s)) <= tolerance)
          << rate << " " << t;
      EXPECT_TRUE(std::abs(result.signal(t, 1) - std::cos(6.283185307179586 * 11 * s)) <= 3 * tolerance)
          << rate << " " << t;
    }
  }
}

TEST(ResampleRecording, GapsStayGaps) {
  Recording recording{"r", 500, {"I"}, {"mV"}, Eigen::ArrayXXd::Constant(5000, 1, 2.0), {}};
  recording.signal.block(1000, 0, 100, 1).setConstant(std::nan(""));
  const Recording result = at_rate(recording, 100);
  EXPECT_EQ(result.signal.isNaN().count(), 20);
  EXPECT_TRUE(std::isnan(result.signal(200, 0)) && std::isnan(result.signal(219, 0)));
  EXPECT_TRUE(std::abs(result.signal(199, 0) - 2) <= 1e-9);
}

TEST(ResampleRecording, RatesThatCannotBe) {
  Recording recording{"r", 1e9, {"I"}, {"mV"}, Eigen::ArrayXXd::Zero(10, 1), {}};
  expect_error([&] { at_rate(recording, 100); }, {"resampling from 1000000000 to 100 Hz"});
  recording.rate = 1e-9;
  expect_error([&] { at_rate(recording, 100); }, {"to 100 Hz"});
}

}  // namespace
}  // namespace cardiograd::data
