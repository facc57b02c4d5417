// What prepare says to data sets that are not as they should be.

#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "data/prepare.h"
#include "tests/data/helpers.h"
#include "tests/data/small_set.h"

namespace cardiograd::data {
namespace {

namespace fs = std::filesystem;
using testing::expect_error;
using testing::LogCapture;
using testing::SmallSet;

TEST(PrepareBadInput, FolderAndTables) {
  const SmallSet small;
  auto settings = small.settings();
  settings.folder = small.folder() / "none";
  expect_error([&] { prepare(settings); }, {"none: no such folder"});
  settings.folder = small.folder() / "ptbxl_database.csv";
  expect_error([&] { prepare(settings); }, {"no such folder"});
  settings.folder = small.folder();
  settings.rate = 500;
  expect_error([&] { prepare(settings); }, {"no column 'filename_hr'", "500 Hz"});
  settings.rate = 250;
  EXPECT_THROW(prepare(settings), UsageError);
  settings.rate = 100;
  fs::remove(small.folder() / "scp_statements.csv");
  expect_error([&] { prepare(settings); }, {"scp_statements.csv"});
  fs::remove(small.folder() / "ptbxl_database.csv");
  expect_error([&] { prepare(settings); }, {"ptbxl_database.csv"});
  write_file(small.folder() / "ptbxl_database.csv", "ecg_id,age,sex,scp_codes,strat_fold,filename_lr\n");
  write_file(small.folder() / "scp_statements.csv", ",diagnostic,diagnostic_class,diagnostic_subclass\nN,1,A,B\n");
  expect_error([&] { prepare(settings); }, {"ptbxl_database.csv", "no records"});
}

TEST(PrepareBadInput, AbsentRecords) {
  const SmallSet small;
  auto settings = small.settings();
  fs::remove(small.path(3, ".hea"));
  fs::remove(small.path(8, ".dat"));
  expect_error([&] { prepare(settings); },
               {"2 of 20 records are absent", "ecg_id 3 (records100/00003_lr), ecg_id 8 (records100/00008_lr)"});
  EXPECT_FALSE(fs::exists(small.cache()));
  settings.skip_missing = true;
  const LogCapture log;
  Dataset set = prepare(settings);
  EXPECT_EQ(set.records, 15);
  EXPECT_EQ(set.missing_records, 2);
  EXPECT_TRUE(log.warned("2 of 20 records are absent and left out"));
  EXPECT_TRUE(prepare(settings).from_cache);
  settings.skip_missing = false;
  expect_error([&] { prepare(settings); }, {"2 of 20 records are absent"});
  small.write(3, SmallSet::recording(3));
  settings.skip_missing = true;
  set = prepare(settings);
  EXPECT_FALSE(set.from_cache) << "an absent record has come";
  EXPECT_EQ(set.records, 16);
  fs::remove(small.path(5, ".hea"));
  EXPECT_FALSE(prepare(settings).from_cache) << "a record has gone";
}

TEST(PrepareBadInput, ManyAbsentRecordsAreCountedTenNamed) {
  const SmallSet small;
  for (int i = 1; i <= 12; ++i) fs::remove(small.path(i, ".hea"));
  expect_error([&] { prepare(small.settings()); }, {"12 of 20", "ecg_id 10 (records100/00010_lr), ..."});
  for (int i = 13; i <= 20; ++i) fs::remove(small.path(i, ".hea"));
  auto settings = small.settings();
  settings.skip_missing = true;
  expect_error([&] { prepare(settings); }, {"20 of 20"});
}

TEST(PrepareBadInput, SpoiltRecords) {
  const SmallSet small;
  const auto settings = small.settings();
  const std::string dat = read_file(small.path(6, ".dat"));
  const std::string header = read_file(small.path(6, ".hea"));
  write_file(small.path(6, ".dat"), dat.substr(0, 100));
  expect_error([&] { prepare(settings); }, {"00006_lr.dat", "truncated"});
  write_file(small.path(9, ".dat"), "");
  expect_error([&] { prepare(settings); }, {"00006_lr.dat", "truncated", "(and 1 more records failed)"});
  small.write(9, SmallSet::recording(9));
  fs::remove(small.path(6, ".dat"));
  fs::create_symlink("/dev/zero", small.path(6, ".dat"));
  expect_error([&] { prepare(settings); }, {"00006_lr.dat", "not a regular file"});
  fs::remove(small.path(6, ".dat"));
  std::string flipped = dat;
  flipped[2 * 12 * 7 + 2 * 3] = static_cast<char>(flipped[2 * 12 * 7 + 2 * 3] ^ 4);
  write_file(small.path(6, ".dat"), flipped);
  expect_error([&] { prepare(settings); }, {"00006_lr.dat", "lead aVR", "checksum"});
  write_file(small.path(6, ".dat"), dat);
  const auto with_header = [&](const std::string& from, const std::string& to) {
    std::string changed = header;
    changed.replace(changed.find(from), from.size(), to);
    write_file(small.path(6, ".hea"), changed);
  };
  with_header(" 16 ", " 61 ");
  expect_error([&] { prepare(settings); }, {"00006_lr.hea:2", "unknown format 61"});
  with_header(" 100 50", " 250 50");
  expect_error([&] { prepare(settings); }, {"00006_lr.hea", "250 Hz, expected 100"});
  with_header(" 0 aVR", " 0 aVX");
  expect_error([&] { prepare(settings); }, {"00006_lr.hea", "lead aVR missing"});
  with_header(" 0 aVR", " 0 avl");
  expect_error([&] { prepare(settings); }, {"00006_lr.hea", "lead aVL", "twice"});
  with_header("(0)/mV", "(0)/z");
  expect_error([&] { prepare(settings); }, {"00006_lr.hea", "is in mV, other leads in z"});
  write_file(small.path(6, ".hea"), header);
  EXPECT_EQ(prepare(settings).records, 17);
}

TEST(PrepareBadInput, RecordsThatDifferFromTheFirst) {
  const SmallSet small;
  const auto settings = small.settings();
  Recording shorter = SmallSet::recording(6);
  shorter.signal.conservativeResize(49, 12);
  small.write(6, shorter);
  expect_error([&] { prepare(settings); }, {"00006_lr", "49 samples, the first record has 50"});
  Recording standardized = SmallSet::recording(6);
  standardized.units.assign(12, "z");
  small.write(6, standardized);
  expect_error([&] { prepare(settings); }, {"00006_lr", "in z, the first record is in mV"});
}

TEST(PrepareBadInput, NoRecordWithAClass) {
  const SmallSet small(1);
  write_file(small.folder() / "ptbxl_database.csv",
             "ecg_id,age,sex,scp_codes,strat_fold,filename_lr\n1,1,1,{'SR': 0.0},1,records100/00001_lr\n");
  expect_error([&] { prepare(small.settings()); }, {"none of 1 records has a class of the task super"});
}

TEST(PrepareBadInput, HooksThatReturnTheWrongShape) {
  const SmallSet small;
  auto settings = small.settings();
  settings.filter.apply = [](const Eigen::ArrayXXd& signal, double) -> Eigen::ArrayXXd { return signal.topRows(3); };
  expect_error([&] { prepare(settings); }, {"00001_lr", "3 x 12 values"});
  settings.filter.apply = [](const Eigen::ArrayXXd& signal, double) -> Eigen::ArrayXXd { return signal / 0.0; };
  expect_error([&] { prepare(settings); }, {"00001_lr", "not all finite"});
  settings = small.settings();
  settings.features = {"k", {"a", "b"}, [](const Recording&, const PtbxlRow&) { return std::vector<double>{1}; }};
  expect_error([&] { prepare(settings); }, {"00001_lr", "1 features, expected 2"});
}

}  // namespace
}  // namespace cardiograd::data
