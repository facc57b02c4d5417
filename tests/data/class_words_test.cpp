#include "data/class_words.h"

#include <gtest/gtest.h>

#include "data/scp_codes.h"
#include "data/synthetic/scp_statements.h"

namespace cardiograd::data {
namespace {

TEST(ClassWords, EveryClassOfPtbxlHasThem) {
  const ScpTable table = ScpTable::parse(synthetic::scp_statements_csv(), "scp_statements.csv");
  for (const Task task : {Task::kSuper, Task::kSub})
    for (const std::string& name : table.class_names(task)) EXPECT_FALSE(class_meaning(name).empty()) << name;
}

TEST(ClassWords, OthersStandAlone) {
  EXPECT_EQ(class_meaning("mine"), "");
  EXPECT_EQ(class_in_words("mine", Task::kSuper), "mine");
  EXPECT_EQ(class_in_words("MI", Task::kSuper), "MI (myocardial infarction)");
  EXPECT_EQ(class_in_words("PMI", Task::kOwn), "PMI");  // a column of one's own table, whatever it is about
}

}  // namespace
}  // namespace cardiograd::data
