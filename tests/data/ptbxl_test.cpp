#include "data/ptbxl.h"

#include <array>
#include <cmath>
#include <map>
#include <string>

#include <gtest/gtest.h>

#include "tests/common/temporary_folder.h"
#include "tests/common/test_data.h"
#include "tests/data/helpers.h"

namespace cardiograd::data {
namespace {

using cardiograd::testing::data_folder;
using testing::expect_error;

const std::string kHead = "ecg_id,patient_id,age,sex,scp_codes,strat_fold,filename_lr,filename_hr\n";

PtbxlDatabase parse(const std::string& rows) {
  return parse_ptbxl_database(kHead + rows, "ptbxl_database.csv");
}

TEST(Ptbxl, RowsAsWritten) {
  const auto database = parse(
      "1,15709.0,56.0,1,\"{'NORM': 100.0, 'SR': 0.0}\",3,records100/1_lr,records500/1_hr\n"
      "2,,300.0,0,{'NDT': None},10,r,\n"
      "3,7,,,{},1,r,r\n");
  ASSERT_EQ(database.rows.size(), 3U);
  EXPECT_TRUE(database.has_lr && database.has_hr);
  EXPECT_EQ(database.version, "");
  const auto& first = database.rows[0];
  EXPECT_EQ(first.ecg_id, 1);
  EXPECT_EQ(first.patient_id, 15709) << "version 1.0.1 writes it with a decimal point";
  EXPECT_EQ(first.person.age, 56);
  EXPECT_FALSE(first.age_over_89);
  EXPECT_EQ(first.person.sex, 1);
  EXPECT_EQ(first.fold, 3);
  EXPECT_EQ(first.statements.size(), 2U);
  EXPECT_EQ(first.filename_hr, "records500/1_hr");
  EXPECT_EQ(first.place, "ptbxl_database.csv:2");
  EXPECT_EQ(database.rows[1].person.age, 90) << "300 stands for over 89";
  EXPECT_TRUE(database.rows[1].age_over_89);
  EXPECT_FALSE(database.rows[1].patient_id.has_value());
  EXPECT_TRUE(database.rows[1].filename_hr.empty());
  EXPECT_TRUE(std::isnan(database.rows[2].person.age));
  EXPECT_TRUE(std::isnan(database.rows[2].person.sex));
}

TEST(Ptbxl, PatientsAndFilesOfSeveralFoldsAreNamed) {
  const auto database = parse(
      "1,5,56,1,{},1,a,A\n2,5,56,1,{},1,b,B\n3,6,56,1,{},2,c,\n4,5,56,1,{},3,d,D\n5,,56,1,{},4,a,E\n6,7,1,1,{},5,f,F\n"
      "7,5,56,1,{},6,g,\n8,7,56,1,{},7,h,F\n");
  ASSERT_EQ(database.leaks.size(), 2U);
  EXPECT_EQ(
      database.leaks[0].find("ptbxl_database.csv: 2 patients are in several folds, the first at ptbxl_database.csv:2 "
                             "in fold 1, ptbxl_database.csv:5 in fold 3"),
      0U)
      << database.leaks[0];
  EXPECT_EQ(database.leaks[1].find("ptbxl_database.csv: 2 files are in several folds"), 0U) << database.leaks[1];
  EXPECT_TRUE(parse("1,5,56,1,{},1,a,A\n2,NA,NA,unknown,{},2,b,B\n3,nan,None,?,{},3,c,C\n").leaks.empty());
}

// What spreadsheets and scripts make of the table.
TEST(Ptbxl, RowsAsOthersWriteThem) {
  const auto database = parse(
      "1,1,56.0,M,\"{'NORM': np.float64(100.0), 'SR': np.float32(0)}\",3,records100/1_lr.hea,records500/1_hr.dat\n"
      "2,1,56.0,F,{},3,a.b,r.mat\n3,1,56.0,female,{},3,r,r\n4,1,56.0,male,{},3,r,r\n");
  EXPECT_EQ(database.rows[0].statements.at(0).likelihood, 100);
  EXPECT_EQ(database.rows[0].filename_lr, "records100/1_lr");
  EXPECT_EQ(database.rows[0].filename_hr, "records500/1_hr");
  EXPECT_EQ(database.rows[1].filename_lr, "a.b");
  EXPECT_EQ(database.rows[1].filename_hr, "r");
  const double sexes[] = {ecg::kMale, ecg::kFemale, ecg::kFemale, ecg::kMale};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(database.rows[i].person.sex, sexes[i]) << i;
  const std::string text =
      "ecg_id;patient_id;age;sex;scp_codes;strat_fold;filename_lr;filename_hr\n"
      "1;1;56,5;1;{'NORM': 100.0, 'SR': 0.0};3;r;r\n";
  const auto excel = parse_ptbxl_database(text, "d.csv");
  EXPECT_EQ(excel.rows.at(0).person.age, 56.5);
  EXPECT_EQ(excel.rows[0].statements.size(), 2U);
}

TEST(Ptbxl, SexInAnyCase) {
  const auto database = parse("1,1,56,Male,{},3,r,r\n2,1,56,m,{},3,r,r\n3,1,56,f,{},3,r,r\n4,1,56,1.0,{},3,r,r\n");
  const double sexes[] = {ecg::kMale, ecg::kMale, ecg::kFemale, ecg::kFemale};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(database.rows[i].person.sex, sexes[i]) << i;
}

TEST(Ptbxl, BackslashesWhereTheRecordIsThere) {
  const cardiograd::testing::TemporaryFolder folder;
  write_file(folder / "1_lr.hea", "");
  const auto database = parse_ptbxl_database(kHead + "1,1,56,1,{},3,.\\1_lr.dat,x\\1_hr\n", folder / "d.csv");
  EXPECT_EQ(database.rows[0].filename_lr, "./1_lr");
  EXPECT_EQ(database.rows[0].filename_hr, "x\\1_hr");
  expect_error([] { parse("1,1,50,1,{},1,..\\r,r\n"); }, {":2", "'filename_lr'", "leaves the folder"});
}

TEST(Ptbxl, BadRowsNameLineAndColumn) {
  const auto expect_bad = [](const std::string& row, std::initializer_list<std::string_view> parts) {
    expect_error([&] { parse("9,1,50,1,{},1,r,r\n" + row + "\n"); }, parts);
  };
  expect_bad("x,1,50,1,{},1,r,r", {"ptbxl_database.csv:3", "ecg_id", "'x'"});
  expect_bad(",1,50,1,{},1,r,r", {":3", "ecg_id", "whole number"});
  expect_bad("1.5,1,50,1,{},1,r,r", {":3", "ecg_id", "whole number"});
  expect_bad("9,1,50,1,{},1,r,r", {":3", "ecg_id 9 occurs twice"});
  expect_bad("1,1,-1,1,{},1,r,r", {":3", "'age'", "-1"});
  expect_bad("1,1,200,1,{},1,r,r", {":3", "'age'", "200"});
  expect_bad("1,1,old,1,{},1,r,r", {":3", "'age'", "'old'"});
  expect_bad("1,1,50,2,{},1,r,r", {":3", "'sex'", "2"});
  expect_bad("1,1,50,1,NORM,1,r,r", {":3", "'scp_codes'", "Python dict"});
  expect_bad("17,1,50,1,\"{'SR': 0.0, 'SR': 100.0}\",1,r,r",
             {":3: record 17: column 'scp_codes': the code 'SR' is there twice"});
  expect_bad("17,1,50,1,{'SR': nan},1,r,r", {":3: record 17: column 'scp_codes': the likelihood of 'SR' is nan"});
  expect_bad("1,1,50,1,{},0,r,r", {":3", "'strat_fold'", "0"});
  expect_bad("1,1,50,1,{},,r,r", {":3", "'strat_fold'"});
  expect_bad("1,1,50,1,{},1,/etc/r,r", {":3", "'filename_lr'", "leaves the folder"});
  expect_bad("1,1,50,1,{},1,r,a/../../r", {":3", "'filename_hr'", "leaves the folder"});
  expect_bad("1,1,50,1,{},1,r", {":3", "7 fields, expected 8"});
  expect_error([] { parse_ptbxl_database("ecg_id,age,sex,scp_code,strat_fold\n", "d.csv"); },
               {"no column 'scp_codes'"});
}

TEST(Ptbxl, BothReleasedSizesAreRecognised) {
  std::string rows;
  for (int i = 1; i <= 21799; ++i) rows += std::to_string(i) + ",1,50,1,{},1,r,r\n";
  EXPECT_EQ(parse(rows).version, "1.0.3");
  for (int i = 21800; i <= 21837; ++i) rows += std::to_string(i) + ",1,50,1,{},1,r,r\n";
  EXPECT_EQ(parse(rows).version, "1.0.1");
}

struct ClassCounts {
  int all = 0;
  int training = 0;
  int validation = 0;
  int test = 0;
  bool operator==(const ClassCounts&) const = default;
};

struct TaskCounts {
  std::map<std::string, ClassCounts> classes;
  std::array<int, 11> labeled_by_fold{};
  std::map<std::size_t, int> cardinality;
};

TaskCounts count(const PtbxlDatabase& database, const ScpTable& table, Task task) {
  TaskCounts counts;
  const auto& names = table.class_names(task);
  for (const auto& row : database.rows) {
    const auto labels = table.labels(row.statements, task);
    std::size_t positives = 0;
    for (std::size_t c = 0; c < names.size(); ++c) {
      if (labels[c] == 0) continue;
      ++positives;
      auto& entry = counts.classes[names[c]];
      ++entry.all;
      ++(row.fold <= 8 ? entry.training : row.fold == 9 ? entry.validation : entry.test);
    }
    counts.labeled_by_fold[static_cast<std::size_t>(row.fold)] += positives > 0 ? 1 : 0;
    ++counts.cardinality[positives];
  }
  return counts;
}

// Verified elsewhere by counting the published splits of two other projects; version 1.0.3.
TEST(PtbxlRealData, CountsOfAllRecords) {
  CARDIOGRAD_NEED_DATA("ptbxl_labels_all.csv");
  const auto database = read_ptbxl_database(data_folder() / "ptbxl_labels_all.csv");
  const auto table = ScpTable::read(data_folder() / "ptbxl_raw/scp_statements.csv");
  EXPECT_EQ(database.version, "1.0.3");
  std::array<int, 11> folds{};
  int over_89 = 0;
  int female = 0;
  for (const auto& row : database.rows) {
    ++folds[static_cast<std::size_t>(row.fold)];
    over_89 += row.age_over_89 ? 1 : 0;
    female += row.person.sex == 1 ? 1 : 0;
  }
  EXPECT_EQ(folds, (std::array<int, 11>{0, 2175, 2181, 2192, 2174, 2174, 2173, 2176, 2173, 2183, 2198}));
  EXPECT_EQ(over_89, 293);
  EXPECT_EQ(female, 10445);
  const auto super = count(database, table, Task::kSuper);
  EXPECT_EQ(super.labeled_by_fold,
            (std::array<int, 11>{0, 2139, 2138, 2150, 2130, 2135, 2129, 2134, 2129, 2146, 2158}));
  EXPECT_EQ(super.cardinality, (std::map<std::size_t, int>{{0, 411}, {1, 16244}, {2, 4068}, {3, 919}, {4, 157}}));
  EXPECT_EQ(super.classes, (std::map<std::string, ClassCounts>{{"NORM", {9514, 7596, 955, 963}},
                                                               {"MI", {5469, 4379, 540, 550}},
                                                               {"STTC", {5235, 4186, 528, 521}},
                                                               {"CD", {4898, 3907, 495, 496}},
                                                               {"HYP", {2649, 2119, 268, 262}}}));
  const auto sub = count(database, table, Task::kSub);
  EXPECT_EQ(sub.cardinality,
            (std::map<std::size_t, int>{{0, 411}, {1, 15211}, {2, 4162}, {3, 1436}, {4, 475}, {5, 100}, {6, 4}}));
  EXPECT_EQ(
      sub.classes,
      (std::map<std::string, ClassCounts>{
          {"NORM", {9514, 7596, 955, 963}}, {"IMI", {3271, 2618, 326, 327}},  {"AMI", {3078, 2466, 306, 306}},
          {"STTC", {2239, 1792, 225, 222}}, {"LVH", {2132, 1708, 210, 214}},  {"LAFB/LPFB", {1797, 1437, 181, 179}},
          {"ISC_", {1272, 1019, 125, 128}}, {"IRBBB", {1118, 894, 112, 112}}, {"ISCA", {941, 756, 92, 93}},
          {"_AVB", {823, 658, 83, 82}},     {"IVCD", {787, 630, 78, 79}},     {"NST_", {767, 615, 75, 77}},
          {"CRBBB", {541, 432, 55, 54}},    {"CLBBB", {536, 428, 54, 54}},    {"LAO/LAE", {426, 341, 43, 42}},
          {"ISCI", {397, 318, 39, 40}},     {"LMI", {201, 161, 20, 20}},      {"RVH", {126, 102, 12, 12}},
          {"RAO/RAE", {99, 79, 10, 10}},    {"WPW", {79, 64, 7, 8}},          {"ILBBB", {77, 62, 7, 8}},
          {"SEHYP", {29, 24, 3, 2}},        {"PMI", {17, 13, 2, 2}}}));
}

TEST(PtbxlRealData, TheTwoParts) {
  CARDIOGRAD_NEED_DATA("ptbxl_filtered");
  const auto filtered = read_ptbxl_database(data_folder() / "ptbxl_filtered/ptbxl_database.csv");
  EXPECT_EQ(filtered.rows.size(), 1819U);
  EXPECT_FALSE(filtered.has_hr);
  const auto raw = read_ptbxl_database(data_folder() / "ptbxl_raw/ptbxl_database.csv");
  EXPECT_EQ(raw.rows.size(), 99U);
  int empty = 0;
  for (const auto& row : raw.rows) empty += row.filename_hr.empty() ? 1 : 0;
  EXPECT_EQ(empty, 1);
}

}  // namespace
}  // namespace cardiograd::data
