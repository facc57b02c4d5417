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

TEST(Person, AgesOfChildrenAreInManyUnits) {
  const auto expect = [](const std::string& comment, double age) {
    const double found = person_of({comment}).age;
    EXPECT_TRUE(std::isnan(age) ? std::isnan(found) : std::abs(found - age) <= 1e-12) << comment << ": " << found;
  };
  expect("Age: 5 months", 5.0 / 12);
  expect("Age: 12 days", 12.0 / 365);
  expect("Age: 7 weeks", 7.0 / 52);
  expect("Age: 36 hrs", 36.0 / 8760);
  expect("Age: 56 years", 56);
  expect("<age>: 5 mo <sex>: F", 5.0 / 12);
  expect("Age: 3-months", 0.25);
  expect("Age: 2 years 3 months", 2.25);
  expect("Age: 2y 6m", 2.5);
  expect("Age (months): 18", 1.5);
  expect("age_days: 73", 0.2);
  expect("Age in weeks: 26", 0.5);
  expect("Age: 240 months", 20);
  // DICOM's age strings.
  expect("Age: 056Y", 56);
  expect("Age: 018M", 1.5);
  expect("Age: 026W", 0.5);
  expect("Age: 073D", 0.2);
  // No unit: a sex, or a word that is none.
  expect("Age: 42 M", 42);
  expect("Age: 5 sols", 5);
  expect("Age: 5sols", std::nan(""));
  expect("Age: 2000 months", std::nan(""));
  const Person infant = person_of({"11 months F x"});
  EXPECT_TRUE(std::abs(infant.age - 11.0 / 12) <= 1e-12);
  EXPECT_EQ(infant.sex, kFemale);
}

TEST(Person, IsFemaleOnlyWhereThatIsKnown) {
  EXPECT_TRUE((Person{.age = 50, .sex = kFemale}.female()));
  EXPECT_FALSE((Person{.age = 50, .sex = kMale}.female()));
  EXPECT_FALSE(Person{}.female());
}

}  // namespace
}  // namespace cardiograd::ecg
