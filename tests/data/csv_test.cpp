#include "data/csv.h"

#include <chrono>
#include <string>

#include <gtest/gtest.h>

#include "tests/common/peak_memory.h"
#include "tests/common/temporary_folder.h"
#include "tests/data/helpers.h"

namespace cardiograd::data {
namespace {

using cardiograd::testing::peak_memory;
using cardiograd::testing::TemporaryFolder;
using testing::expect_error;

CsvTable parse(const std::string& text) {
  return CsvTable::parse(text, "t.csv");
}

TEST(Csv, QuotesCommasAndBlanks) {
  const CsvTable table = parse("a,b,c\n1, two ,\"x, \"\"y\"\"\nz\"\n3,,\n");
  EXPECT_EQ(table.columns(), (std::vector<std::string>{"a", "b", "c"}));
  ASSERT_EQ(table.rows(), 2U);
  EXPECT_EQ(table.cell(0, 0), "1");
  EXPECT_EQ(table.cell(0, 1), " two ") << "blanks belong to the field";
  EXPECT_EQ(table.cell(0, 2), "x, \"y\"\nz");
  EXPECT_EQ(table.cell(1, 2), "");
  EXPECT_EQ(table.place(0), "t.csv:2");
  EXPECT_EQ(table.place(1), "t.csv:4") << "the row before has two lines";
}

TEST(Csv, ByteOrderMarkCrlfBlankLinesAndMissingLastLineEnd) {
  const CsvTable table = parse(
      "\xEF\xBB\xBF"
      "a,b\r\n\r\n1,2\r\n\n3,\"4\r\n5\"");
  EXPECT_EQ(table.columns()[0], "a");
  ASSERT_EQ(table.rows(), 2U);
  EXPECT_EQ(table.cell(0, 1), "2");
  EXPECT_EQ(table.place(0), "t.csv:3");
  EXPECT_EQ(table.cell(1, 1), "4\r\n5");
  EXPECT_EQ(table.place(1), "t.csv:5");
}

TEST(Csv, ABlankLineWithinQuotesBelongsToTheField) {
  const CsvTable table = parse("a,b\n\"\n\nx\",1\n2,3\n");
  ASSERT_EQ(table.rows(), 2U);
  EXPECT_EQ(table.cell(0, 0), "\n\nx");
  EXPECT_EQ(table.place(0), "t.csv:2");
  EXPECT_EQ(table.place(1), "t.csv:5");
}

TEST(Csv, MalformedRowsNameTheLine) {
  expect_error([] { parse("a,b\n1,2\n\n3\n"); }, {"t.csv:4", "1 fields, expected 2"});
  expect_error([] { parse("a,b\n1,2,3\n"); }, {"t.csv:2", "3 fields, expected 2"});
  expect_error([] { parse("a,b\n1,2\n3,x\"y\n"); }, {"t.csv:3", "quote within a field"});
  expect_error([] { parse("a,b\n1,\"2\n3\" 4,\n"); }, {"t.csv:3", "quote within a field"});
  expect_error([] { parse("a,b\n1,2\n3,\"4\n5,6\n"); }, {"t.csv:3", "never closed"});
  expect_error([] { parse(""); }, {"t.csv", "empty"});
  expect_error([] { parse("\n\n"); }, {"t.csv", "empty"});
  expect_error([] { parse("sep=;\na;b\n1;2\n3;x\"y\n"); }, {"t.csv:4", "quote within a field"});
  expect_error([] { parse("a,b,a\n"); }, {"t.csv:1", "two columns", "'a'"});
}

TEST(Csv, ColumnsByName) {
  const CsvTable few = parse("MI,NORM,file\n1,0,a\n");
  try {
    few.column("path");
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "t.csv: no column 'path'");
    EXPECT_EQ(error.hint(), "The columns are MI, NORM, file.");
  }
  const CsvTable table = parse("ecg_id,strat_fold,age,height,weight,nurse,site,device,report\n1,2,3,4,5,6,7,8,9\n");
  EXPECT_EQ(table.column("age"), 2U);
  EXPECT_FALSE(table.find_column("sex").has_value());
  try {
    table.column("stratfold");
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "t.csv: no column 'stratfold'");
    EXPECT_EQ(error.hint(), "The nearest existing column is 'strat_fold'.");
  }
}

TEST(Csv, Numbers) {
  const CsvTable table = parse("a,b\n1.5,\nx,2 \n");
  EXPECT_EQ(table.number(0, 0), 1.5);
  EXPECT_FALSE(table.number(0, 1).has_value());
  expect_error([&] { table.number(1, 0); }, {"t.csv:3", "column 'a'", "'x'"});
  expect_error([&] { table.number(1, 1); }, {"column 'b'", "'2 '"});
}

TEST(Csv, FilesThatAreNone) {
  TemporaryFolder folder;
  expect_error([&] { CsvTable::read(folder / "none.csv"); }, {"none.csv"});
  expect_error([&] { CsvTable::read(folder.path()); }, {"not a regular file"});
  expect_error([&] { CsvTable::read("/dev/zero"); }, {"not a regular file"});
}

// What csv_cell writes is what CsvTable reads.
TEST(CsvCell, IsQuotedWhereItMustBe) {
  EXPECT_EQ(csv_cell("plain 1.5"), "plain 1.5");
  EXPECT_EQ(csv_cell(""), "");
  EXPECT_EQ(csv_cell("a,b"), "\"a,b\"");
  for (const std::string text : {"a,b", "say \"no\"", "two\nlines", "carriage\rreturn", "\"", ","}) {
    const CsvTable table = CsvTable::parse("x,y\n" + csv_cell(text) + ",1\n", "t.csv");
    EXPECT_EQ(table.cell(0, 0), text);
  }
}

// Short cells are not boxed one by one: with the text itself, five bytes for each of its own.
TEST(Csv, MemoryIsInProportion) {
  std::string text = "path,MI,NORM,STTC,CD,HYP\n";
  for (int i = 0; i < 500'000; ++i) text += std::to_string(i) + ",0,1,0,0,1\n";
  std::size_t rows = 0;
  const auto peak = peak_memory([&] { rows = parse(text).rows(); });
  EXPECT_EQ(rows, 500'000U);
  if (!peak) GTEST_SKIP() << "the system does not tell what a process takes";
  EXPECT_LT(static_cast<double>(*peak), 4.0 * static_cast<double>(text.size()));
}

TEST(Csv, DroppedCellsLeaveTheOthersAsTheyAre) {
  const CsvTable table = parse("a,,b,\n1, ,two,\t\n\n3,,\"4,5\", ,\n ,,x\n");
  EXPECT_EQ(table.columns(), (std::vector<std::string>{"a", "b"}));
  ASSERT_EQ(table.rows(), 3U);
  EXPECT_EQ(table.cell(0, 1), "two");
  EXPECT_EQ(table.cell(1, 0), "3");
  EXPECT_EQ(table.cell(1, 1), "4,5");
  EXPECT_EQ(table.cell(2, 0), " ");
  EXPECT_EQ(table.place(2), "t.csv:5");
}

// Time in proportion to the size: 100,000 columns, and a pair of equal names among them.
TEST(Csv, ManyColumns) {
  std::string header, row;
  for (int i = 0; i < 100'000; ++i) {
    header += "c" + std::to_string(i) + ",";
    row += "1,";
  }
  const auto start = std::chrono::steady_clock::now();
  const CsvTable table = CsvTable::parse(header + "last\n" + row + "2\n", "wide.csv");
  EXPECT_EQ(table.columns().size(), 100'001U);
  EXPECT_EQ(table.cell(0, table.column("last")), "2");
  expect_error([&] { CsvTable::parse(header + "c7\n" + row + "2\n", "wide.csv"); },
               {"wide.csv:1", "two columns are called 'c7'"});
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  EXPECT_LT(seconds, 5.0);  // some hundredths of a second on an idle machine; 40 when each was compared with each
}

TEST(Csv, WhatSpreadsheetsLeaveBehind) {
  for (const char* text : {"a,b,,\n1,2,,\n,,,\n3,4,,\n,,,\n", "a,b\n1,2,,\n3,4,\n", "sep=,\na,b,\n1,2\n3,4\n",
                           "\"sep=;\"\r\na;b\r\n1;2\r\n3;4\r\n", "a,,b\n1,,2\n3, ,4\n"}) {
    const CsvTable table = parse(text);
    EXPECT_EQ(table.columns(), (std::vector<std::string>{"a", "b"})) << text;
    ASSERT_EQ(table.rows(), 2U) << text;
    EXPECT_EQ(table.cell(1, 1), "4") << text;
  }
  EXPECT_EQ(parse("sep=,\na\n1\n").place(0), "t.csv:3");
  EXPECT_EQ(parse(",a\n0,1\n").columns().size(), 2U) << "a column without name, but with values";
  EXPECT_EQ(parse("a,b,,\n1,2,,x\n").columns(), (std::vector<std::string>{"a", "b", ""}));
  expect_error([] { parse("a,b,\n1,,\n2\n"); }, {"t.csv:3", "1 fields, expected 2"});
}

TEST(Csv, Utf16) {
  std::string little = "\xFF\xFE", big = "\xFE\xFF";
  for (const char c : std::string("a,b\n1,2\n")) {
    little += {c, '\0'};
    big += {'\0', c};
  }
  for (const std::string& text :
       {little, big, little.substr(2) + little.substr(10) + little.substr(10) + little.substr(10)})
    EXPECT_EQ(parse(text).cell(0, 1), "2");
  EXPECT_EQ(parse(std::string("\xFF\xFE\x3D\xD8\x00\xDE\n\0"
                              "1\0",
                              10))
                .columns()[0],
            "\xF0\x9F\x98\x80");
}

TEST(Csv, BarsSeparateWhereNothingElseDoes) {
  EXPECT_EQ(parse("a|b\n1|2\n").columns(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(parse("a|b;c\n1;2\n").columns(), (std::vector<std::string>{"a|b", "c"}));
  EXPECT_EQ(parse("  \n\na;b\n1,5;2\n").number(0, 0), 1.5) << "blank lines before the names";
  expect_error([] { parse("Title;;\na;b;c\n1;2;3\n"); }, {"t.csv:1: columns have no name, column 3 among them"});
}

TEST(Csv, FilesOfOtherKindsAreNamed) {
  TemporaryFolder folder;
  const auto refused = [&](const std::string& content, const char* part, const char* hint) {
    write_file(folder / "t.csv", content);
    expect_error([&] { CsvTable::read(folder / "t.csv"); }, {"t.csv: ", part});
    try {
      CsvTable::read(folder / "t.csv");
    } catch (const Error& error) {
      EXPECT_NE(error.hint().find(hint), std::string::npos) << error.hint();
    }
  };
  refused("PK\x03\x04.....[Content_Types].xml xl/workbook.xml", "an Excel workbook", "Save the table as CSV");
  refused("PAR1....", "Parquet", "to_csv(index=False)");
  refused("[{\"path\": \"a\"}]", "JSON", "Save the table as CSV");
  refused("<html><body>404</body></html>", "an HTML page", "Save the table as CSV");
  refused("BZh91AY", "compressed with bzip2", "Unpack it and give the table in it.");
  refused("version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a Git LFS pointer", "git lfs pull");
  refused(std::string("\x01\x02\x03\x04", 4), "a file of an unknown kind", "Save the table as CSV");
  // "a,b\n1,2\n", compressed.
  write_file(
      folder / "t.csv.gz",
      std::string("\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\x4b\xd4\x49\xe2\x32\xd4\x31\xe2\x02\x00\x7b\x07\x97\x0a\x08"
                  "\x00\x00\x00",
                  28));
  EXPECT_EQ(CsvTable::read(folder / "t.csv.gz").cell(0, 1), "2");
}

}  // namespace
}  // namespace cardiograd::data
