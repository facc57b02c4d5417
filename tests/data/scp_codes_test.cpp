#include "data/scp_codes.h"

#include <chrono>
#include <string>

#include <gtest/gtest.h>

#include "tests/common/temporary_folder.h"
#include "tests/common/test_data.h"
#include "tests/data/helpers.h"

namespace cardiograd::data {
namespace {

using cardiograd::testing::data_folder;
using cardiograd::testing::TemporaryFolder;
using testing::expect_error;

TEST(ScpCodes, DictLiterals) {
  const auto statements = parse_scp_codes("{'NORM': 100.0, \"LAO/LAE\" : 0 ,\n '1AVB': None,}");
  ASSERT_EQ(statements.size(), 3U);
  EXPECT_EQ(statements[0].code, "NORM");
  EXPECT_EQ(statements[0].likelihood, 100.0);
  EXPECT_EQ(statements[1].code, "LAO/LAE");
  EXPECT_EQ(statements[1].likelihood, 0.0);
  EXPECT_EQ(statements[2].code, "1AVB");
  EXPECT_FALSE(statements[2].likelihood.has_value());
  EXPECT_TRUE(parse_scp_codes("{}").empty());
  EXPECT_TRUE(parse_scp_codes(" { } ").empty());
  EXPECT_EQ(parse_scp_codes("{'a\\'b': 1}")[0].code, "a'b");
}

TEST(ScpCodes, MalformedLiterals) {
  for (const std::string text : {"", "{", "['NORM']", "{'NORM'}", "{'NORM': }", "{'NORM': x}", "{'NORM': 1.0",
                                 "{'NORM: 1.0}", "{'NORM': 1.0} x", "{NORM: 1.0}", "{'A': 1.0 'B': 2.0}", "{,}",
                                 "{'A': np.float64(1.0}", "{'A': np.float64()}", "{'A': 1.0,, 'B': 1.0}"})
    expect_error([&] { parse_scp_codes(text); }, {"not a Python dict", "at character", "expected"});
  expect_error([] { parse_scp_codes("{'NORM': \n no}"); }, {"at character 12", "a number or None"});
}

TEST(ScpCodes, TaskNames) {
  EXPECT_EQ(task_of("super"), Task::kSuper);
  EXPECT_EQ(task_of("sub"), Task::kSub);
  EXPECT_EQ(task_name(Task::kSub), "sub");
  EXPECT_THROW(task_of("Super"), UsageError);
}

TEST(ScpTable, ClassesOfThePublishedTable) {
  CARDIOGRAD_NEED_DATA("ptbxl_raw/scp_statements.csv");
  const auto table = ScpTable::read(data_folder() / "ptbxl_raw/scp_statements.csv");
  EXPECT_EQ(table.codes(), 71U);
  EXPECT_EQ(table.diagnostic_codes(), 44U);
  EXPECT_EQ(table.class_names(Task::kSuper), (std::vector<std::string>{"CD", "HYP", "MI", "NORM", "STTC"}));
  EXPECT_EQ(table.class_names(Task::kSub),
            (std::vector<std::string>{"AMI",  "CLBBB",   "CRBBB",     "ILBBB",   "IMI",  "IRBBB", "ISCA", "ISCI",
                                      "ISC_", "IVCD",    "LAFB/LPFB", "LAO/LAE", "LMI",  "LVH",   "NORM", "NST_",
                                      "PMI",  "RAO/RAE", "RVH",       "SEHYP",   "STTC", "WPW",   "_AVB"}));
  using Labels = std::vector<std::uint8_t>;
  const auto super = [&](const char* literal) { return table.labels(parse_scp_codes(literal), Task::kSuper); };
  EXPECT_EQ(super("{'NORM': 100.0, 'SR': 0.0}"), (Labels{0, 0, 0, 1, 0}));
  EXPECT_EQ(super("{'IMI': 0.0, 'ASMI': None, 'LVH': 15.0}"), (Labels{0, 1, 1, 0, 0})) << "the likelihood is ignored";
  EXPECT_EQ(super("{'ABQRS': 100.0, 'AFIB': 0.0}"), (Labels{0, 0, 0, 0, 0})) << "form and rhythm statements";
  EXPECT_EQ(super("{'NOSUCH': 100.0}"), (Labels{0, 0, 0, 0, 0}));
  const auto sub = table.labels(parse_scp_codes("{'2AVB': 0.0, 'LPFB': 0.0}"), Task::kSub);
  EXPECT_EQ(sub[22], 1) << "_AVB is last: '_' comes after the capitals";
  EXPECT_EQ(sub[10], 1) << "LAFB/LPFB";
}

TEST(ScpTable, BadTables) {
  TemporaryFolder folder;
  const auto path = folder / "scp_statements.csv";
  write_file(path, ",diagnostic,diagnostic_class\nNORM,1.0,NORM\n");
  expect_error([&] { ScpTable::read(path); }, {"no column 'diagnostic_subclass'"});
  write_file(path, ",diagnostic,diagnostic_class,diagnostic_subclass\nNORM,1.0,,NORM\n");
  expect_error([&] { ScpTable::read(path); }, {"scp_statements.csv:2", "'NORM'", "diagnostic_class"});
  write_file(path, ",diagnostic,diagnostic_class,diagnostic_subclass\nSR,,,\n");
  expect_error([&] { ScpTable::read(path); }, {"no statement has diagnostic = 1"});
}

// Time in proportion to the size.
TEST(ScpCodes, AHugeCell) {
  std::string literal = "{";
  for (int i = 0; i < 200'000; ++i) literal += "'C" + std::to_string(i) + "': 1.0, ";
  const auto start = std::chrono::steady_clock::now();
  const auto statements = parse_scp_codes(literal + "'D': 3.0}");
  EXPECT_EQ(statements.size(), 200'001U);
  EXPECT_EQ(statements.back().likelihood, 3.0);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  EXPECT_LT(seconds, 5.0);  // a tenth of a second on an idle machine; minutes when each was compared with each
}

TEST(ScpTable, CodesTwiceAndOtherEncodingsAreRefused) {
  const std::string header = ",diagnostic,diagnostic_class,diagnostic_subclass\n";
  expect_error([&] { ScpTable::parse(header + "A,1,X,Y\nB,1,X,Y\nA,1,Z,Y\n", "scp.csv"); },
               {"scp.csv:4", "the code 'A' is there twice"});
  expect_error([&] { ScpTable::parse(header + "A,1,M\xfcller,Y\n", "scp.csv"); }, {"scp.csv:2", "not UTF-8"});
  expect_error([&] { ScpTable::parse(header + "A,1,X,\xff\n", "scp.csv"); }, {"scp.csv:2", "not UTF-8"});
  for (const auto& [name, fault] : {std::pair("X ", "the name 'X ' ends with a blank"),
                                    {"\"X\nY\"", "the name 'X Y' has a line break"},
                                    {"X\x1b[2J", "the name 'X\\x1b[2J' has a control character"}})
    expect_error([&, name = name] { ScpTable::parse(header + "A,1," + name + ",Y\n", "scp.csv"); },
                 {"scp.csv:2: statement 'A'", fault});
  EXPECT_EQ(ScpTable::parse(header + "A,1,M\u00fcller,Y\nB,0,,\nB,0,,\n", "scp.csv").diagnostic_codes(), 1U);
}

TEST(ScpCodes, CodesTwiceAndLikelihoodsThatAreNone) {
  for (const char* text : {"{'A': 1.0, 'B': 2.0, 'A': 3.0}", "{'A': 1.0, 'A': 1.0}", "{'A': 1.0, ' A ': None}"})
    expect_error([&] { parse_scp_codes(text); }, {"the code 'A' is there twice"});
  for (const char* value : {"nan", "NaN", "-nan", "np.float64(nan)", "inf", "-inf", "-1", "100.5", "1e300"})
    expect_error([&] { parse_scp_codes("{'A': 0.0, 'B': " + std::string(value) + "}"); },
                 {"the likelihood of 'B' is ", "expected 0 to 100 or None"});
  EXPECT_EQ(parse_scp_codes("{'A': 0, 'B': 100}")[1].likelihood, 100);
}

TEST(ScpCodes, BlanksAroundACodeDoNotBelongToIt) {
  const auto statements = parse_scp_codes("{'NORM ': 50.0, ' SR': 0.0}");
  ASSERT_EQ(statements.size(), 2U);
  EXPECT_EQ(statements[0].code, "NORM");
  EXPECT_EQ(statements[0].likelihood, 50);
  const auto table = ScpTable::parse(",diagnostic,diagnostic_class,diagnostic_subclass\nA ,1,X,Y\nB,0,,\n", "scp.csv");
  EXPECT_TRUE(table.knows("A") && table.knows("B"));
  EXPECT_FALSE(table.knows("a") || table.knows("NORM"));
}

}  // namespace
}  // namespace cardiograd::data
