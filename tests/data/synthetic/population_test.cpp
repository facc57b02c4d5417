#include "data/synthetic/population.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.h"
#include "data/synthetic/statements.h"

namespace cardiograd::data::synthetic {
namespace {

using Counts = std::map<std::string, double>;

Counts class_counts(const std::vector<PlannedRecord>& records, Task task, int fold = 0) {
  Counts counts;
  for (const PlannedRecord& record : records) {
    if (fold != 0 && record.fold != fold) continue;
    std::set<std::string> classes;
    for (const std::string& code : record.statements) classes.emplace(scp_table().class_of(code, task));
    for (const std::string& name : classes) counts[name] += 1;
  }
  return counts;
}

const std::vector<PlannedRecord>& many() {
  static const std::vector<PlannedRecord> records = plan_population({.records = 20000, .seed = 4});
  return records;
}

TEST(SyntheticPopulation, TableHasPtbxlsStatements) {
  EXPECT_EQ(scp_table().codes(), 71U);
  EXPECT_EQ(scp_table().diagnostic_codes(), 44U);
  EXPECT_EQ(scp_table().class_names(Task::kSuper), (std::vector<std::string>{"CD", "HYP", "MI", "NORM", "STTC"}));
  EXPECT_EQ(scp_table().class_names(Task::kSub).size(), 23U);
  std::set<std::string> codes;
  for (const StatementEffect& effect : statement_effects()) {
    codes.emplace(effect.code);
    EXPECT_FALSE(scp_table().class_of(effect.code, Task::kSub).empty()) << effect.code;
  }
  EXPECT_EQ(codes.size(), 44U);
}

// Published counts of PTB-XL 1.0.3 (21,799 records).
TEST(SyntheticPopulation, SharesAreThoseOfPtbxl) {
  const Counts super = class_counts(many(), Task::kSuper);
  const Counts published = {{"NORM", 9514}, {"MI", 5469}, {"STTC", 5235}, {"CD", 4898}, {"HYP", 2649}};
  for (const auto& [name, count] : published) EXPECT_NEAR(super.at(name) / 20000, count / 21799, 0.02) << name;
  const Counts sub = class_counts(many(), Task::kSub);
  const Counts published_sub = {{"IMI", 3271},  {"AMI", 3078},   {"STTC", 2239},  {"LVH", 2132},    {"LAFB/LPFB", 1797},
                                {"ISC_", 1272}, {"IRBBB", 1118}, {"ISCA", 941},   {"_AVB", 823},    {"IVCD", 787},
                                {"NST_", 767},  {"CRBBB", 541},  {"CLBBB", 536},  {"LAO/LAE", 426}, {"ISCI", 397},
                                {"LMI", 201},   {"RVH", 126},    {"RAO/RAE", 99}, {"WPW", 79},      {"ILBBB", 77}};
  for (const auto& [name, count] : published_sub) {
    const double fraction = count / 21799;
    EXPECT_NEAR(sub.at(name) / 20000, fraction, 0.15 * fraction + 0.0025) << name;
  }
}

TEST(SyntheticPopulation, PatientsLieInOneFoldAndFoldsAreAlike) {
  std::map<std::int64_t, std::set<int>> folds;
  std::map<int, int> sizes;
  for (const PlannedRecord& record : many()) {
    folds[record.patient_id].insert(record.fold);
    ++sizes[record.fold];
  }
  for (const auto& [patient, own] : folds) EXPECT_EQ(own.size(), 1U) << patient;
  EXPECT_NEAR(20000.0 / static_cast<double>(folds.size()), 21799.0 / 18869, 0.03);
  ASSERT_EQ(sizes.size(), 10U);
  for (const auto& [fold, size] : sizes) EXPECT_NEAR(size, 2000, 40) << fold;
  const Counts all = class_counts(many(), Task::kSub);
  for (int fold = 1; fold <= 10; ++fold) {
    Counts own = class_counts(many(), Task::kSub, fold);
    for (const auto& [name, count] : all) EXPECT_NEAR(own[name], count / 10, 2.5 + 0.02 * count) << fold << name;
  }
}

TEST(SyntheticPopulation, AgesAndSexesAreThoseOfPtbxl) {
  double age[2] = {0, 0};
  double number[2] = {0, 0};
  double female = 0;
  for (const PlannedRecord& record : many()) {
    const bool normal = record.statements == std::vector<std::string>{"NORM"};
    age[normal] += record.person.age;
    number[normal] += 1;
    female += record.person.female();
    EXPECT_TRUE(record.person.age >= 17 && record.person.age <= 95);
  }
  EXPECT_NEAR(age[1] / number[1], 52.2, 1.5);
  EXPECT_NEAR(age[0] / number[0], 66, 2);
  EXPECT_NEAR(female / 20000, 0.479, 0.02);
}

TEST(SyntheticPopulation, NoRecordHasStatementsThatExcludeEachOther) {
  for (const PlannedRecord& record : many())
    for (const std::string& one : record.statements)
      for (const std::string& other : record.statements)
        if (&one != &other) {
          EXPECT_TRUE(compatible(one, other)) << one << " " << other;
        }
}

TEST(SyntheticPopulation, MinimumPerClassIsKept) {
  for (const Task task : {Task::kSuper, Task::kSub}) {
    const auto records = plan_population({.records = 900, .seed = 2, .task = task, .min_per_class = 12});
    EXPECT_EQ(records.size(), 900U);
    Counts counts = class_counts(records, task);
    for (const std::string& name : scp_table().class_names(task)) EXPECT_GE(counts[name], 12) << name;
  }
}

TEST(SyntheticPopulation, IsDeterministic) {
  const auto text = [](std::uint64_t seed) {
    std::string all;
    for (const PlannedRecord& r : plan_population({.records = 300, .seed = seed})) {
      all += std::to_string(r.patient_id) + " " + std::to_string(r.fold) + " " + std::to_string(r.person.age);
      for (const std::string& code : r.statements) all += code;
    }
    return all;
  };
  EXPECT_EQ(text(5), text(5));
  EXPECT_NE(text(5), text(6));
}

TEST(SyntheticPopulation, OneRecordIsAPopulation) {
  EXPECT_EQ(plan_population({.records = 1}).size(), 1U);
}

TEST(SyntheticPopulation, RefusesWhatCannotBe) {
  EXPECT_THROW(plan_population({.records = 0}), UsageError);
  EXPECT_THROW(plan_population({.records = -3}), UsageError);
  EXPECT_THROW(plan_population({.records = 1'000'001}), UsageError);
  EXPECT_THROW(plan_population({.records = 10, .min_per_class = -1}), UsageError);
  EXPECT_THROW(plan_population({.records = 20, .task = Task::kSub, .min_per_class = 5}), UsageError);
}

}  // namespace
}  // namespace cardiograd::data::synthetic
