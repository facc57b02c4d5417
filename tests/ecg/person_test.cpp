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

TEST(Person, IsFemaleOnlyWhereThatIsKnown) {
  EXPECT_TRUE((Person{.age = 50, .sex = kFemale}.female()));
  EXPECT_FALSE((Person{.age = 50, .sex = kMale}.female()));
  EXPECT_FALSE(Person{}.female());
}

}  // namespace
}  // namespace cardiograd::ecg
