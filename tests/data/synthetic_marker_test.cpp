#include "data/synthetic_marker.h"

#include <string>

#include <gtest/gtest.h>

#include "base/file.h"
#include "data/labeled_records.h"
#include "tests/data/small_set.h"

namespace cardiograd::data {
namespace {

namespace fs = std::filesystem;
using testing::SmallSet;

// A set that `synthesize` might have made, and another folder.
class SyntheticMarkerTest : public ::testing::Test {
 protected:
  SyntheticMarkerTest() { write_file(small_.folder() / kSyntheticMarker, "{}"); }
  fs::path record(int i) const { return small_.folder() / SmallSet::stem(i); }
  fs::path other(const std::string& name) const {
    fs::create_directories(temporary_ / "other");
    return temporary_ / "other" / name;
  }

  SmallSet small_;
  cardiograd::testing::TemporaryFolder temporary_;
};

TEST_F(SyntheticMarkerTest, IsFoundFromEveryFolder) {
  EXPECT_TRUE(are_synthetic(small_.folder(), {}));
  EXPECT_TRUE(are_synthetic(small_.folder() / "records100", {record(1)}));  // a folder within the set
  EXPECT_TRUE(are_synthetic(small_.folder().parent_path(), {record(1)}));   // above it
  EXPECT_TRUE(are_synthetic(temporary_.path(), {record(1)}));               // anywhere
  EXPECT_FALSE(are_synthetic(small_.folder() / "records100", {}));
  EXPECT_FALSE(are_synthetic(temporary_.path(), {temporary_ / "absent"}));
}

TEST_F(SyntheticMarkerTest, IsFoundBehindLinks) {
  fs::create_directory_symlink(small_.folder(), other("set"));
  EXPECT_TRUE(are_synthetic(other("set"), {}));
  fs::create_directory_symlink(small_.folder() / "records100", other("records"));
  EXPECT_TRUE(are_synthetic(other(""), {other("records/00001_lr")}));
  for (const char* extension : {".hea", ".dat"})
    fs::create_symlink(small_.path(2, extension), other(std::string("a") + extension));
  EXPECT_TRUE(are_synthetic(other(""), {other("a")}));
  write_file(other("mine.hea"), "");
  EXPECT_FALSE(are_synthetic(other(""), {other("mine")}));
  EXPECT_TRUE(are_synthetic(other(""), {other("mine"), other("a")})) << "one is enough";
}

TEST_F(SyntheticMarkerTest, IsFoundInHeadersThatWereCopied) {
  fs::remove(small_.folder() / kSyntheticMarker);
  fs::copy_file(small_.path(1, ".hea"), other("mine.hea"));
  EXPECT_FALSE(are_synthetic(other(""), {other("mine")}));
  write_file(other("copied.hea"), read_file(other("mine.hea")) + "# Age: 60\n# " + kSyntheticComment + "\n");
  EXPECT_TRUE(are_synthetic(other(""), {other("mine"), other("copied")}));
}

// From the table to the set.
TEST_F(SyntheticMarkerTest, BothLayoutsLookForIt) {
  LabeledSettings settings;
  settings.table = other("own.csv");
  settings.folder = small_.folder() / "records100";
  settings.seconds = 0.5;
  write_file(settings.table, "path,fold,A\n00001_lr,1,1\n00002_lr,2,0\n");
  EXPECT_TRUE(prepare_labeled(settings).synthetic);
  for (const char* table : {"ptbxl_database.csv", "scp_statements.csv"})
    fs::copy_file(small_.folder() / table, other(table));
  fs::create_directory_symlink(small_.folder() / "records100", other("records100"));
  PrepareSettings prepared = small_.settings();
  prepared.folder = other("");
  EXPECT_TRUE(prepare(prepared).synthetic);
  fs::remove(small_.folder() / kSyntheticMarker);
  EXPECT_FALSE(prepare(prepared).synthetic);
}

}  // namespace
}  // namespace cardiograd::data
