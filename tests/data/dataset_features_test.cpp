#include "data/dataset_features.h"

#include <cstdint>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/folder_lock.h"
#include "data/csv.h"
#include "tests/data/helpers.h"
#include "tests/data/small_set.h"

namespace cardiograd::data {
namespace {

namespace fs = std::filesystem;
using cardiograd::testing::TemporaryFolder;
using testing::expect_error;
using testing::SmallSet;

// Records that are half a second long: only age and sex can be told, and every other cell has its reason.
class DatasetFeaturesTest : public ::testing::Test {
 protected:
  DatasetFeaturesOptions options() {
    return {.folder = small_.folder(), .out = folder_.path() / "f.csv", .progress = [this](auto done, auto total) {
              progress_.emplace_back(done, total);
            }};
  }
  SmallSet small_{6};
  TemporaryFolder folder_;
  std::vector<std::pair<std::int64_t, std::int64_t>> progress_;
};

TEST_F(DatasetFeaturesTest, OneRowPerRecordAndAReasonPerEmptyCell) {
  const DatasetFeaturesResult result = write_dataset_features(options());
  EXPECT_EQ(result.written, 6);
  EXPECT_EQ(result.done, 6);
  EXPECT_EQ(result.skipped, 0);
  EXPECT_EQ(progress_, (std::vector<std::pair<std::int64_t, std::int64_t>>{{6, 6}}));
  const CsvTable table = CsvTable::read(folder_ / "f.csv"), reasons = CsvTable::read(folder_ / "f_missing.csv");
  ASSERT_EQ(table.rows(), 6U);
  EXPECT_EQ(table.cell(0, table.column("age_years")), "21");
  EXPECT_EQ(table.cell(2, table.column("age_years")), "90");
  std::size_t empty = 0;
  for (std::size_t row = 0; row < table.rows(); ++row)
    for (std::size_t column = 0; column < table.columns().size(); ++column)
      empty += table.cell(row, column).empty() ? 1U : 0U;
  EXPECT_EQ(reasons.rows(), empty);
  EXPECT_FALSE(fs::exists(folder_ / "f.csv.partial"));
}

// The table of reasons goes to a name that the user has not given: nobody else may have it.
TEST_F(DatasetFeaturesTest, TheTableOfReasonsIsGuardedAsTheTableIs) {
  const fs::path reasons = folder_ / "f_missing.csv";
  {
    const FolderLock other = FolderLock::of_file(reasons);  // as a run with --out f_missing.csv has it
    expect_error([&] { write_dataset_features(options()); }, {"f_missing.csv: another process writes there"});
  }
  write_file(folder_ / "mine", "ecg_id,column,reason\n");
  fs::create_symlink("mine", reasons);
  expect_error([&] { write_dataset_features(options()); }, {"f_missing.csv: is a link to mine"});
  fs::remove(reasons);
  fs::create_directory(reasons);
  expect_error([&] { write_dataset_features(options()); }, {"f_missing.csv: is a folder"});
  fs::remove(reasons);
  write_file(reasons, "my own table\n");
  expect_error([&] { write_dataset_features(options()); }, {"f_missing.csv: is no table of reasons"});
  EXPECT_EQ(read_file(reasons), "my own table\n");
  fs::remove(reasons);
  fs::remove(folder_ / "mine");
  EXPECT_TRUE(fs::is_empty(folder_.path()));
}

// And nothing that appears while the records are read is lost, neither it nor the work.
TEST_F(DatasetFeaturesTest, WhatAppearsMeanwhileStays) {
  for (const char* name : {"f.csv", "f_missing.csv"}) {
    DatasetFeaturesOptions meanwhile = options();
    meanwhile.progress = [&](auto, auto) { write_file(folder_ / name, "ecg_id,column,reason\n"); };
    expect_error([&] { write_dataset_features(meanwhile); }, {name, "exists already"});
    EXPECT_EQ(read_file(folder_ / name), "ecg_id,column,reason\n");
    fs::remove(folder_ / "f.csv");
    fs::remove(folder_ / "f_missing.csv");
    EXPECT_EQ(write_dataset_features(options()).done, 0) << "all records are in the partial table";
    for (const char* one : {"f.csv", "f_missing.csv"}) fs::remove(folder_ / one);
  }
  DatasetFeaturesOptions foreign = options();
  foreign.progress = [&](auto, auto) { write_file(folder_ / "f_missing.csv", "mine\n"); };
  expect_error([&] { write_dataset_features(foreign); }, {"f_missing.csv: is no table of reasons"});
  EXPECT_EQ(read_file(folder_ / "f_missing.csv"), "mine\n");
}

TEST_F(DatasetFeaturesTest, AbsentRecordsAreErrorsOrCounted) {
  fs::remove(small_.path(2, ".hea"));
  expect_error([&] { write_dataset_features(options()); }, {"ecg_id 2", "records100/00002_lr' is not there"});
  EXPECT_FALSE(fs::exists(folder_ / "f.csv"));
  DatasetFeaturesOptions skipping = options();
  skipping.skip_missing = true;
  const DatasetFeaturesResult result = write_dataset_features(skipping);
  EXPECT_EQ(result.written, 5);
  EXPECT_EQ(result.skipped, 1);
}

TEST_F(DatasetFeaturesTest, DamagedRecordsAreLeftOut) {
  write_file(small_.path(2, ".dat"), "");
  expect_error([&] { write_dataset_features(options()); }, {"00002_lr.dat", "truncated"});
  DatasetFeaturesOptions skipping = options();
  skipping.skip_damaged = true;
  const DatasetFeaturesResult result = write_dataset_features(skipping);
  EXPECT_EQ(result.written, 5);
  EXPECT_EQ(result.skipped, 0);
  ASSERT_EQ(result.damaged.size(), 1U);
  EXPECT_EQ(result.damaged[0].ecg_id, 2);
  EXPECT_NE(result.damaged[0].what.find("truncated"), std::string::npos);
  fs::remove(small_.path(3, ".hea"));  // Absent ones are another matter.
  expect_error([&] { write_dataset_features(skipping); }, {"ecg_id 3", "is not there"});
}

TEST_F(DatasetFeaturesTest, TheOutputNeedsAFolder) {
  DatasetFeaturesOptions nowhere = options();
  nowhere.out = folder_ / "none" / "f.csv";
  expect_error([&] { write_dataset_features(nowhere); }, {"f.csv", "is not there"});
  EXPECT_TRUE(progress_.empty());
}

// An interrupted run, and what becomes of it.
class InterruptedFeaturesTest : public DatasetFeaturesTest {
 protected:
  InterruptedFeaturesTest() {
    write_dataset_features(options());
    whole_ = read_file(folder_ / "f.csv");
    reasons_ = read_file(folder_ / "f_missing.csv");
    fs::remove(folder_ / "f.csv");
    EXPECT_TRUE(write_dataset_features(interrupted()).stopped);
    EXPECT_FALSE(fs::exists(folder_ / "f.csv"));
    partial_ = read_file(partial());
    progress_.clear();
  }
  DatasetFeaturesOptions interrupted() {
    DatasetFeaturesOptions all = options();
    all.between_saves = 4;
    all.stop = [] { return true; };
    return all;
  }
  fs::path partial() const { return folder_ / "f.csv.partial"; }
  void expect_whole() {
    EXPECT_EQ(read_file(folder_ / "f.csv"), whole_);
    EXPECT_EQ(read_file(folder_ / "f_missing.csv"), reasons_);
    EXPECT_FALSE(fs::exists(partial()));
  }

  std::string whole_, reasons_, partial_;
};

TEST_F(InterruptedFeaturesTest, GoesOnToTheSameTable) {
  EXPECT_EQ(write_dataset_features(options()).done, 2);
  expect_whole();
}

TEST_F(InterruptedFeaturesTest, EveryFlippedBitIsNoticed) {
  std::size_t computed_anew = 0;
  for (std::size_t at = 0; at < partial_.size(); at += 1 + at / 40) {
    std::string bad = partial_;
    bad[at] = static_cast<char>(bad[at] ^ (1 << at % 8));
    write_file(partial(), bad);
    expect_error([&] { write_dataset_features(options()); }, {"f.csv.partial"});
    EXPECT_EQ(read_file(partial()), bad);
    ++computed_anew;
  }
  EXPECT_GE(computed_anew, 100U);
  fs::remove(partial());
  write_dataset_features(options());
  expect_whole();
}

TEST_F(InterruptedFeaturesTest, OtherSourcesAreRefusedByName) {
  const std::string table = read_file(small_.folder() / "ptbxl_database.csv");
  write_file(small_.folder() / "ptbxl_database.csv", table + "\n");
  expect_error([&] { write_dataset_features(options()); }, {"f.csv.partial", "other data", "'ptbxl_database.csv' was"});
  write_file(small_.folder() / "ptbxl_database.csv", table);
  DatasetFeaturesOptions high = options();
  high.high_rate = true;
  expect_error([&] { write_dataset_features(high); }, {"f.csv.partial", "'rate_hz' was 100, and is 500 now"});
  const TemporaryFolder elsewhere;
  fs::copy(small_.folder(), elsewhere / "copy", fs::copy_options::recursive);
  DatasetFeaturesOptions other = options();
  other.folder = elsewhere / "copy";
  expect_error([&] { write_dataset_features(other); }, {"f.csv.partial", "'folder' was"});
  EXPECT_EQ(read_file(partial()), partial_);
}

TEST_F(InterruptedFeaturesTest, ChangedRecordsAreComputedAnew) {
  std::string header = read_file(small_.path(2, ".hea"));
  write_file(small_.path(2, ".hea"), header + "# a comment\n");
  testing::LogCapture log;
  EXPECT_EQ(write_dataset_features(options()).done, 3);
  EXPECT_TRUE(log.warned("1 records have changed"));
  expect_whole();
}

// Signals that were written anew, even with the same content, and a record that has gone.
TEST_F(InterruptedFeaturesTest, ChangedSignalsAreComputedAnewAndLostRecordsAreNoResult) {
  write_file(small_.path(1, ".dat"), read_file(small_.path(1, ".dat")));
  testing::LogCapture log;
  EXPECT_EQ(write_dataset_features(interrupted()).done, 3);
  EXPECT_TRUE(log.warned("1 records have changed"));
  expect_whole();
  fs::remove(folder_ / "f.csv");
  EXPECT_TRUE(write_dataset_features(interrupted()).stopped);
  fs::remove(small_.path(2, ".hea"));
  expect_error([&] { write_dataset_features(options()); }, {"ecg_id 2", "is not there"});
  EXPECT_FALSE(fs::exists(folder_ / "f.csv"));
}

TEST_F(DatasetFeaturesTest, ReplacesNothingThatItDidNotWrite) {
  write_file(folder_ / "f_missing.csv", "patient,appointment\n");
  expect_error([&] { write_dataset_features(options()); }, {"f_missing.csv", "would be replaced"});
  fs::remove(folder_ / "f_missing.csv");
  write_file(folder_ / "f.csv.partial", "half a letter");
  expect_error([&] { write_dataset_features(options()); }, {"f.csv.partial", "is no unfinished table"});
  EXPECT_EQ(read_file(folder_ / "f.csv.partial"), "half a letter");
  write_file(folder_ / "f.csv.partial", "");
  expect_error([&] { write_dataset_features(options()); }, {"f.csv.partial", "is no unfinished table"});
  EXPECT_TRUE(progress_.empty());
}

}  // namespace
}  // namespace cardiograd::data
