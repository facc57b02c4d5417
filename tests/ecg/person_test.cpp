#include "ecg/person.h"

#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace cardiograd::ecg {
namespace {

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

void expect_age(const std::string& comment, double age) {
  const double found = person_of({comment}).age;
  EXPECT_TRUE(std::isnan(age) ? std::isnan(found) : std::abs(found - age) <= 1e-12) << comment << ": " << found;
}

TEST(Person, AgesOfChildrenAreInManyUnits) {
  expect_age("Age: 5 months", 5.0 / 12);
  expect_age("Age: 12 days", 12.0 / 365);
  expect_age("Age: 7 weeks", 7.0 / 52);
  expect_age("Age: 36 hrs", 36.0 / 8760);
  expect_age("Age: 56 years", 56);
  expect_age("<age>: 5 mo <sex>: F", 5.0 / 12);
  expect_age("Age: 3-months", 0.25);
  expect_age("Age: 2 years 3 months", 2.25);
  expect_age("Age: 2y 6m", 2.5);
  expect_age("Age (months): 18", 1.5);
  expect_age("age_days: 73", 0.2);
  expect_age("Age in weeks: 26", 0.5);
  expect_age("Age: 240 months", 20);
  // DICOM's age strings.
  expect_age("Age: 056Y", 56);
  expect_age("Age: 018M", 1.5);
  expect_age("Age: 026W", 0.5);
  expect_age("Age: 073D", 0.2);
  // Abbreviations, with a blank before them or not.
  expect_age("Age: 12 d", 12.0 / 365);
  expect_age("Age: 3 d.", 3.0 / 365);
  expect_age("Age: 7 w", 7.0 / 52);
  expect_age("Age: 36 h", 36.0 / 8760);
  expect_age("Age: 30 minutes", 30.0 / 525600);
  expect_age("Age: 90min", 90.0 / 525600);
  expect_age("Age: 6 mths", 0.5);
  expect_age("Age: 6 mnths", 0.5);
  expect_age("Age: 2 y", 2);
  expect_age("Age: 2 w 3 d", 2.0 / 52 + 3.0 / 365);
  expect_age("Age: 25M", 25.0 / 12);
  // A letter that begins a field is the height or the weight.
  expect_age("Age: 45, W: 70, H: 170", 45);
  expect_age("Age: 45 H: 170", 45);
  expect_age("Age: 45; D = 12", 45);
  expect_age("Age: 45 Dx: 164889003", 45);
}

// German, French, Spanish, Portuguese, Italian, Dutch.
TEST(Person, AgesAreInSixLanguages) {
  expect_age("Age: 12 Tage", 12.0 / 365);
  expect_age("Age: 5 Monate", 5.0 / 12);
  expect_age("Age: 3 Wochen", 3.0 / 52);
  expect_age("Age: 6 Std.", 6.0 / 8760);
  expect_age("Age: 1,5 Monate", 0.125);
  expect_age("Age: 10 jours", 10.0 / 365);
  expect_age("Age: 5 mois", 5.0 / 12);
  expect_age("Age: 56 ans", 56);
  expect_age("Age: 5 meses", 5.0 / 12);
  expect_age(
      "Age: 4 d\xC3\xAD"
      "as",
      4.0 / 365);
  expect_age("Age: 4 D\xC3\x8D\x41S", 4.0 / 365);
  expect_age("Age: 1 m\xC3\xAAs", 1.0 / 12);
  expect_age("Age: 7 a\xC3\xB1os", 7);
  expect_age("Age: 2 settimane", 2.0 / 52);
  expect_age("Age: 3 weken", 3.0 / 52);
  expect_age("Age: 4 dagen", 4.0 / 365);
  expect_age("Age: 5\xC2\xA0months", 5.0 / 12);  // a blank at which no line ends
}

TEST(Person, WhatIsNoUnitIsASexOrUnknown) {
  expect_age("Age: 42 M", 42);
  expect_age("Age: 5 sols", std::nan(""));
  expect_age("Age: 5sols", std::nan(""));
  expect_age("Age: 2000 months", std::nan(""));
  const Person infant = person_of({"11 months F x"});
  EXPECT_TRUE(std::abs(infant.age - 11.0 / 12) <= 1e-12);
  EXPECT_EQ(infant.sex, kFemale);
  EXPECT_EQ(person_of({"Sex: m\xC3\xA4nnlich"}).sex, kMale);
  EXPECT_EQ(person_of({"Sex: f\xC3\xA9minin"}).sex, kFemale);
  EXPECT_EQ(person_of({"Sex: weiblich"}).sex, kFemale);
}

// Neither in years nor in months without doubt, or in a unit that is not known here.
TEST(Person, DoubtfulAgesAreUnknown) {
  expect_age("Age: 5 m", std::nan(""));
  expect_age("Age: 18 M", std::nan(""));
  expect_age("Age: 12 xyz", std::nan(""));
  expect_age("Age: 5/9", std::nan(""));
  expect_age("Age: 40-50", std::nan(""));
  expect_age("Age (years): 5 M", 5);
  expect_age("Age: 25/M", 25);
  expect_age("Age: 5, m", 5);
  expect_age("Age: 56 Sex M", 56);
  expect_age("Age: 56 Male", 56);
  expect_age("Age: 2 years 6 m", 2.5);
}

TEST(Person, NotationsOfMonthsWeeksAndDays) {
  expect_age("Age: 3/12", 0.25);
  expect_age("Age: 13/52", 0.25);
  expect_age("Age: 5/7", 5.0 / 365);
  expect_age("Age: 2 3/12", 2.25);
  expect_age("Age: 2y3m", 2.25);
  expect_age("Age: 1y-6m", 1.5);
  expect_age("Age: 2y3", std::nan(""));
  expect_age("Age: 56 y.o.", 56);
  expect_age("Age: 56-year-old", 56);
  expect_age("Age: 12 dage", 12.0 / 365);
  expect_age("Age: 3 veckor", 3.0 / 52);
  expect_age("Age: 6 m\xC3\xA5neder", 0.5);
  expect_age("Age: 4 \xC3\xA5r", 4);
}

TEST(Person, AgesOfOthersAreNotTaken) {
  expect_age("Maternal age: 30", std::nan(""));
  expect_age("Comments: gestational age 38 weeks", std::nan(""));
  expect_age("bone_age: 12", std::nan(""));
  expect_age("paternal age: 41, Age: 3 days", 3.0 / 365);
  expect_age("Patient's age: 56", 56);
  expect_age("Sex: M Age: 45", 45);
  expect_age("ID 12 Age 45", 45);
  const Person child = person_of({"Mother's age: 30", "Bone age: 9", "Age: 7"});
  EXPECT_EQ(child.age, 7);
}

TEST(Person, OtherNamesOfFields) {
  expect_age("PatientAge: 056Y", 56);
  expect_age("Age at recording: 56", 56);
  expect_age("Age at onset: 30", std::nan(""));
  expect_age("AgeMonths: 6", 0.5);
  expect_age("Alter: 45", 45);
  expect_age("Edad: 45 a\xC3\xB1os", 45);
  expect_age("Idade = 45", 45);
  expect_age("Alter (Monate): 6", 0.5);
  expect_age("Alter nothing 45", std::nan(""));
  expect_age("aged", std::nan(""));
  const auto expect_sex = [](const std::string& comment, double sex) {
    EXPECT_EQ(person_of({comment}).sex, sex) << comment;
  };
  expect_sex("PatientSex: M", kMale);
  expect_sex("Sexo: Femenino", kFemale);
  expect_sex("Geschlecht: W", kFemale);
  expect_sex("Sex: woman", kFemale);
  expect_sex("Gender: boy", kMale);
  const Person both = person_of({"Age/Sex: 34/F"});
  EXPECT_EQ(both.age, 34);
  EXPECT_EQ(both.sex, kFemale);
}

TEST(Person, PhrasesAreReadWhereNoFieldSaysIt) {
  const Person man = person_of({"ECG of a 56-year-old man with angina"});
  EXPECT_EQ(man.age, 56);
  EXPECT_EQ(man.sex, kMale);
  expect_age("3-month-old infant", 0.25);
  expect_age("7 weeks old", 7.0 / 52);
  expect_age("a 2 year delay", std::nan(""));
  EXPECT_EQ(person_of({"3-month-old device", "Age: 70"}).age, 70);
}

TEST(Person, AgesFromDates) {
  EXPECT_EQ(age_comment("1951-05-02", "2002-05-01 10:11:12"), "Age: 50");
  EXPECT_EQ(age_comment("19510502", "20020502"), "Age: 51");
  EXPECT_EQ(age_comment("20020301", "20020410"), "Age: 40 days");
  EXPECT_EQ(age_comment("1951", "20020410"), "Age: 51");
  EXPECT_EQ(age_comment("2001", "20020410"), "");
  EXPECT_EQ(age_comment("19000101", "20200101"), "") << "stands for unknown";
  for (const char* none : {"", "unknown", "00000000", "19511502", "20030101", "195"})
    EXPECT_EQ(age_comment(none, "20020502"), "") << none;
  EXPECT_EQ(age_comment("19510502", ""), "");
}

TEST(Person, TheUnitOfTheAgeInAFieldOfItsOwn) {
  const auto age = [](const std::vector<std::string>& comments) { return person_of(comments).age; };
  EXPECT_DOUBLE_EQ(age({"Age: 7", "AgeUnit: Months", "Sex: M"}), 7.0 / 12);
  EXPECT_DOUBLE_EQ(age({"Age unit: months", "Age: 7"}), 7.0 / 12);
  EXPECT_DOUBLE_EQ(age({"Age: 12", "Age units: days"}), 12.0 / 365);
  EXPECT_DOUBLE_EQ(age({"PatientAge: 7 AgeUnits: MONTHS"}), 7.0 / 12);
  EXPECT_DOUBLE_EQ(age({"Age: 7", "patient_age_unit = M"}), 7.0 / 12);
  EXPECT_DOUBLE_EQ(age({"Alter: 26", "Alter Einheit: Wochen"}), 0.5);
  EXPECT_EQ(age({"Age: 60", "AgeUnit: Years"}), 60);
  EXPECT_EQ(age({"Age: 60", "AgeUnit: Y"}), 60);
  EXPECT_EQ(age({"Age: 60", "AgeUnit:", "Age unit: Sex: M"}), 60) << "an empty field";
  EXPECT_EQ(age({"Age: 60", "Gestational age unit: weeks"}), 60);
  EXPECT_EQ(age({"Age: 6 years", "AgeUnit: months"}), 6) << "a unit beside the number";
  EXPECT_DOUBLE_EQ(age({"AgeMonths: 6", "AgeUnit: x"}), 0.5);
  EXPECT_TRUE(std::isnan(age({"Age: 7", "AgeUnit: decades"})));
  EXPECT_EQ(person_of({"Age: 7", "AgeUnit: Months", "Sex: M"}).sex, kMale);
}

TEST(Person, IsFemaleOnlyWhereThatIsKnown) {
  EXPECT_TRUE((Person{.age = 50, .sex = kFemale}.female()));
  EXPECT_FALSE((Person{.age = 50, .sex = kMale}.female()));
  EXPECT_FALSE(Person{}.female());
}

}  // namespace
}  // namespace cardiograd::ecg
