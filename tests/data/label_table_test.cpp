#include "data/label_table.h"

#include <cmath>
#include <initializer_list>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/common/temporary_folder.h"
#include "tests/data/helpers.h"

namespace cardiograd::data {
namespace {

using testing::expect_error;

LabelTable parse(const std::string& text, const std::vector<std::string>& classes = {}) {
  return parse_label_table(text, "own.csv", classes);
}

TEST(LabelTable, EveryOtherColumnIsAClass) {
  const LabelTable table = parse("AF,path,sex,age,LBBB,fold\n1,a.edf,F,64,0,2\n0,b/c,m,300,1,7\n0,d,,,0,7\n");
  EXPECT_EQ(table.class_names, (std::vector<std::string>{"AF", "LBBB"}));
  ASSERT_EQ(table.rows.size(), 3U);
  EXPECT_EQ(table.rows[0].labels, (std::vector<std::uint8_t>{1, 0}));
  EXPECT_EQ(table.rows[1].labels, (std::vector<std::uint8_t>{0, 1}));
  EXPECT_EQ(table.rows[0].person.age, 64);
  EXPECT_EQ(table.rows[0].person.sex, ecg::kFemale);
  EXPECT_EQ(table.rows[1].person.age, ecg::kAgeOver89);
  EXPECT_EQ(table.rows[1].person.sex, ecg::kMale);
  EXPECT_TRUE(std::isnan(table.rows[2].person.age) && std::isnan(table.rows[2].person.sex));
  EXPECT_EQ(table.rows[1].path, "b/c");
  EXPECT_EQ(table.rows[1].fold, 7);
  EXPECT_EQ(table.rows[1].line, 3);
  EXPECT_FALSE(table.drawn_folds);
  EXPECT_EQ(parse("path,AF,note,LBBB\na,1,why,0\n", {"LBBB", "AF"}).rows[0].labels, (std::vector<std::uint8_t>{0, 1}));
}

// A patient keeps its fold in every table, and all records of one are in it.
TEST(LabelTable, FoldsAreDrawnByPatient) {
  std::string text = "path,patient,AF\n";
  for (int i = 0; i < 300; ++i) text += fmt::format("r{},p{},1\n", i, i % 100);
  const LabelTable table = parse(text);
  EXPECT_TRUE(table.drawn_folds && table.by_patient);
  std::set<int> folds;
  for (int i = 0; i < 300; ++i) {
    const int fold = table.rows[static_cast<std::size_t>(i)].fold;
    EXPECT_EQ(fold, drawn_fold(fmt::format("p{}", i % 100), 0));
    folds.insert(fold);
  }
  EXPECT_EQ(folds, (std::set<int>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
  EXPECT_EQ(parse("path,AF\na.hea,1\n").rows[0].fold, drawn_fold("a", 0));
  std::vector<int> counts(kDrawnFolds);
  int moved = 0;
  for (int i = 0; i < 10000; ++i) {
    const std::string name = std::to_string(i);
    ++counts[static_cast<std::size_t>(drawn_fold(name, 0) - 1)];
    moved += drawn_fold(name, 0) != drawn_fold(name, 1) ? 1 : 0;
  }
  for (const int count : counts) EXPECT_NEAR(count, 1000, 150);  // five standard deviations
  EXPECT_NEAR(moved, 9000, 150);
}

TEST(LabelTable, NamesWhatCannotBe) {
  const auto refused = [](const std::string& text, std::initializer_list<std::string_view> parts) {
    expect_error([&] { parse(text); }, parts);
  };
  refused("ecg,AF\na,1\n", {"own.csv: no column 'path'"});
  refused("path,age\na,1\n", {"own.csv: no column is a class"});
  refused("path,AF\n", {"own.csv: no records"});
  refused("path,AF\na,1\nb,\n", {"own.csv:3: column 'AF': found '', expected 0 or 1"});
  refused("path,AF\na,yes\n", {"own.csv:2", "found 'yes'"});
  refused("path,AF\na,1\nb,0\n./a.hea,1\n",
          {"1 of 3 rows", "own.csv:4: './a.hea' is there twice, before at own.csv:2"});
  refused("path,AF\na,1\na,0\na,1\n",
          {"2 of 3 rows", "own.csv:3: 'a' is there twice", "; own.csv:4: 'a' is there twice, before at own.csv:2"});
  refused("path,AF\n,1\n", {"own.csv:2: column 'path' is empty"});
  refused("path,sex,AF\na,X,1\n", {"own.csv:2: column 'sex': found 'X'"});
  refused("path,age,AF\na,-1,1\n", {"own.csv:2: column 'age': found -1"});
  refused("path,fold,AF\na,0,1\n", {"own.csv:2: column 'fold': found '0'"});
  refused("path,patient,fold,AF\na,p,1,1\nb,p,2,0\n",
          {"own.csv:3: patient 'p' is in fold 2, and in fold 1 at own.csv:2"});
  refused("path,\"a,b\"\nx,1\n", {"column 2, 'a,b', cannot be a class"});
  refused("path,AF,\na,1,1\n", {"column 3, '', cannot be a class: its name is empty"});
  refused("path, AF\nx,1\n", {"own.csv: column 2, ' AF', cannot be a class: its name begins with a blank"});
  refused("path,AF \nx,1\n", {"column 2, 'AF ', cannot be a class: its name ends with a blank"});
  refused("path,\"A\nF\"\nx,1\n", {"column 2, 'A F', cannot be a class: its name has a line break"});
  refused("path,A\x1b[31mF\nx,1\n", {"column 2, 'A\\x1b[31mF', cannot be a class: its name has a control character"});
  refused("path,A\xff\nx,1\n", {"column 2, 'A\\xff', cannot be a class: its name is not UTF-8"});
  expect_error([] { parse("path,AF,LBBB \na,1,0\n", {"LBBB "}); }, {"column 3, 'LBBB ', cannot be a class"});
  expect_error([] { parse("path,AF\na,1\n", {"AFL"}); }, {"own.csv: no column 'AFL'"});
  expect_error([] { parse("path,age,AF\na,1,1\n", {"age"}); }, {"'age', cannot be a class"});
}

TEST(LabelTable, AsPandasAndSpreadsheetsWriteIt) {
  const LabelTable table = parse("path,sex,AF,LBBB,,\na,1.0,0.0,1.0,,\nb,0.0,1.0,0,,\nc,nan,1,1.00,,\n,,,,,\n");
  ASSERT_EQ(table.rows.size(), 3U);
  EXPECT_EQ(table.rows[0].labels, (std::vector<std::uint8_t>{0, 1}));
  EXPECT_EQ(table.rows[2].labels, (std::vector<std::uint8_t>{1, 1}));
  EXPECT_EQ(table.rows[0].person.sex, ecg::kFemale);
  EXPECT_EQ(table.rows[1].person.sex, ecg::kMale);
  EXPECT_TRUE(std::isnan(table.rows[2].person.sex));
  EXPECT_EQ(parse("path,AF,LBBB\na,True,False\n").rows[0].labels, (std::vector<std::uint8_t>{1, 0}));
  EXPECT_EQ(parse("path,AF,LBBB\na,FALSE,TRUE\n").rows[0].labels, (std::vector<std::uint8_t>{0, 1}));
  EXPECT_EQ(parse("sep=;\npath;AF\na;1,0\n").rows[0].labels, (std::vector<std::uint8_t>{1}));
  expect_error([] { parse("path,AF\na,0.5\n"); }, {"own.csv:2: column 'AF': found '0.5'"});
  expect_error([] { parse("path,AF\na,nan\n"); }, {"own.csv:2: column 'AF': found 'nan'"});
}

// Other spellings of a patient do not hide that it is in two folds, and what is not known is no patient.
TEST(LabelTable, PatientsAreTheSameHoweverSpelled) {
  for (const char* other : {"p7 ", "P7", " p7"})
    expect_error([&] { parse(fmt::format("path,patient,fold,AF\na,p7,1,1\nb,{},2,0\n", other)); },
                 {"own.csv:3: patient 'p7' is in fold 2, and in fold 1"});
  expect_error([] { parse("path,patient,fold,AF\na,7,1,1\nb,7.0,2,0\n"); }, {"patient '7' is in fold 2"});
  EXPECT_EQ(parse("path,patient,AF\na,P7,1\nb,p7 ,0\n").rows[1].fold, drawn_fold("P7", 0));
  const LabelTable table = parse("path,patient,age,sex,fold,AF\na,NA,NA,unknown,1,1\nb,nan,None,?,2,0\nc,-,-,,3,0\n");
  for (const LabelRow& row : table.rows) EXPECT_TRUE(std::isnan(row.person.age) && std::isnan(row.person.sex));
  EXPECT_EQ(parse("path,patient,AF\na,NA,1\nb,NA,0\n").rows[1].fold, drawn_fold("b", 0));
}

TEST(LabelTable, RepeatedRecordsCanBeLeftOut) {
  const testing::LogCapture log;
  const LabelTable table = parse_label_table("path,fold,AF\na,1,1\nb,1,0\na.hea,1,1\nc,1,1\nc,1,0\nd,2,1\n./d,1,1\n",
                                             "own.csv", {}, 0, true);
  ASSERT_EQ(table.rows.size(), 2U);  // c and d contradict each other
  EXPECT_EQ(table.rows[0].path, "a");
  EXPECT_EQ(table.rows[1].path, "b");
  EXPECT_TRUE(log.warned("3 of 7 rows are of a record that has one already: own.csv:4: 'a.hea' is there twice"));
  EXPECT_TRUE(log.warned("2 of these records, whose rows have other labels or folds"));
  expect_error([] { parse_label_table("path,AF\na,1\na,0\n", "own.csv", {}, 0, true); },
               {"own.csv: no record is left"});
}

TEST(LabelTable, OtherNamesOfItsColumns) {
  for (const char* name : {"patient_id", "PatientID", "Patient", "subject", "Subject ID"}) {
    const testing::LogCapture log;
    const LabelTable table = parse(fmt::format("Path,{},Age,Gender,AF\na,p1,64,F,1\nb,p1,64,F,0\n", name), {"AF"});
    EXPECT_TRUE(table.by_patient) << name;
    EXPECT_EQ(table.rows[0].fold, table.rows[1].fold) << name;
    EXPECT_EQ(table.rows[0].person.age, 64) << name;
    EXPECT_EQ(table.rows[0].person.sex, ecg::kFemale) << name;
    EXPECT_TRUE(log.informed(fmt::format("column '{}' is taken for 'patient'", name))) << name;
  }
  EXPECT_EQ(parse("path,patient,subject_id,AF\na,p,q,1\n", {"AF"}).rows[0].fold, drawn_fold("p", 0));
  for (const char* name : {"filename", "File Name", "file", "Record"})
    EXPECT_EQ(parse(fmt::format("{},AF\na.hea,1\n", name)).rows[0].path, "a.hea") << name;
  expect_error([] { parse("file,record,AF\na,b,1\n"); }, {"own.csv: two columns may be the path: 'file' and 'record'"});
  EXPECT_EQ(parse("path,strat_fold,AF\na,7,1\n", {"AF"}).rows[0].fold, 7);
  EXPECT_EQ(parse("path,subject,AF\na,1,0\n", {"subject"}).class_names, (std::vector<std::string>{"subject"}));
  expect_error([] { parse("path,patient_id,subject,AF\na,p,q,1\n", {"AF"}); },
               {"own.csv: two columns may be the patient: 'patient_id' and 'subject'"});
  expect_error([] { parse("path,Patient,Fold,AF\na,p,1,1\nb,p,2,0\n"); }, {"own.csv:3: patient 'p' is in fold 2"});
}

TEST(LabelTable, BackslashesAreSlashes) {
  expect_error([] { parse("path,AF\na/b,1\na\\b,0\n"); }, {"own.csv:3: 'a\\b' is there twice"});
  EXPECT_EQ(parse("path,AF\na\\b.hea,1\n").rows[0].fold, drawn_fold("a/b", 0));
}

TEST(LabelTable, CommentsAreReadOver) {
  const LabelTable table =
      parse("# labels, of 2024\n#\npath;patient;AF\na;1;1\n# b;2;1\nc;3;0\n\"#d\";\"4\n# no comment\";0\n# end\n");
  ASSERT_EQ(table.rows.size(), 3U);
  EXPECT_EQ(table.class_names, std::vector<std::string>{"AF"});
  EXPECT_EQ(table.rows[1].path, "c");
  EXPECT_EQ(table.rows[1].line, 6);
  EXPECT_EQ(table.rows[2].path, "#d");
  // As numpy.savetxt writes names.
  EXPECT_EQ(parse("# path,AF,LBBB\na,1,0\n").class_names, (std::vector<std::string>{"AF", "LBBB"}));
  EXPECT_EQ(parse("# of path, made today\npath,AF\na,1\n").class_names, std::vector<std::string>{"AF"});
  EXPECT_EQ(parse("path|AF\na|1\n").rows[0].path, "a");
}

TEST(LabelTable, FilesOfOtherKindsAreNamed) {
  cardiograd::testing::TemporaryFolder folder;
  for (const auto& [content, kind] : {std::pair("PK\x03\x04 xl/workbook.xml", "an Excel workbook"),
                                      std::pair("PAR1", "Parquet"), std::pair("{\"path\": [\"a\"]}", "JSON")}) {
    write_file(folder / "own.csv", content);
    expect_error([&] { read_label_table(folder / "own.csv"); }, {"own.csv: ", kind, "expected a table as text (CSV)"});
  }
}

TEST(LabelTable, HintsSayWhatHelps) {
  const auto hint = [](const std::string& text) {
    try {
      parse(text);
    } catch (const Error& error) {
      return error.hint();
    }
    return std::string();
  };
  EXPECT_EQ(hint("path,fold,AF\na,x,1\n"), "Correct the row.") << "an empty fold is refused, too";
  EXPECT_EQ(hint("path,fold,AF\na,,1\n"), "Correct the row.");
  EXPECT_EQ(hint("path,age,AF\na,x,1\n"), "Correct the row, or leave the field empty.");
}

}  // namespace
}  // namespace cardiograd::data
