#include "data/class_distribution.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "tests/common/temporary_folder.h"
#include "tests/common/test_data.h"

namespace cardiograd::data {
namespace {

TEST(ClassDistribution, ARecordCountsOnceInEachClass) {
  const cardiograd::testing::TemporaryFolder folder;
  write_file(folder / "scp_statements.csv",
             ",diagnostic,diagnostic_class,diagnostic_subclass\n"
             "NORM,1,NORM,NORM\nIMI,1,MI,IMI\nILMI,1,MI,IMI\nAMI,1,MI,AMI\nPMI,1,MI,PMI\nSR,,,\n");
  PtbxlDatabase database;
  for (const char* codes :
       {"{'NORM': 100, 'SR': 0}", "{'IMI': 50, 'ILMI': 0, 'AMI': None}", "{'SR': 0}", "{'AMI': 1}"}) {
    PtbxlRow row;
    row.statements = parse_scp_codes(codes);
    database.rows.push_back(row);
  }
  const ClassDistribution result = class_distribution(database, ScpTable::read(folder / "scp_statements.csv"));
  EXPECT_EQ(result.records, 4);
  EXPECT_EQ(result.unlabeled, 1);
  ASSERT_EQ(result.superclasses.size(), 2U);
  const SuperclassCount& mi = result.superclasses[0];
  EXPECT_EQ(mi.name, "MI");
  EXPECT_EQ(mi.records, 2);
  ASSERT_EQ(mi.subclasses.size(), 3U);
  EXPECT_EQ(mi.subclasses[0].name, "AMI");
  EXPECT_EQ(mi.subclasses[0].records, 2);
  EXPECT_EQ(mi.subclasses[1].name, "IMI");
  EXPECT_EQ(mi.subclasses[1].records, 1);  // two statements, one record
  EXPECT_EQ(mi.subclasses[2].records, 0);
  EXPECT_EQ(result.superclasses[1].records, 1);
}

TEST(ClassDistribution, OfRealRecordsIsWhatTheirDescriptionSays) {
  CARDIOGRAD_NEED_DATA("ptbxl_filtered");
  const auto folder = cardiograd::testing::data_folder() / "ptbxl_filtered";
  const ClassDistribution result = class_distribution(read_ptbxl_database(folder / "ptbxl_database.csv"),
                                                      ScpTable::read(folder / "scp_statements.csv"));
  EXPECT_EQ(result.records, 1819);
  ASSERT_EQ(result.superclasses.size(), 5U);
  const std::vector<std::pair<std::string, std::int64_t>> expected{
      {"CD", 462}, {"HYP", 193}, {"MI", 262}, {"NORM", 964}, {"STTC", 527}};
  std::size_t subclasses = 0;
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(result.superclasses[i].name, expected[i].first);
    EXPECT_EQ(result.superclasses[i].records, expected[i].second);
    subclasses += result.superclasses[i].subclasses.size();
  }
  EXPECT_EQ(subclasses, 23U);
}

}  // namespace
}  // namespace cardiograd::data
