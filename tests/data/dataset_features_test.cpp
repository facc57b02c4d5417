#include "data/dataset_features.h"

#include <cstdint>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/file.h"
#include "data/csv.h"
#include "tests/data/helpers.h"
#include "tests/data/small_set.h"

namespace cardiograd::data {
namespace {

namespace fs = std::filesystem;
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
  cardiograd::testing::TemporaryFolder folder_;
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

TEST_F(DatasetFeaturesTest, TheOutputNeedsAFolder) {
  DatasetFeaturesOptions nowhere = options();
  nowhere.out = folder_ / "none" / "f.csv";
  expect_error([&] { write_dataset_features(nowhere); }, {"f.csv", "is not there"});
  EXPECT_TRUE(progress_.empty());
}

}  // namespace
}  // namespace cardiograd::data
