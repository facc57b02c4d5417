#include "base/rename.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "base/file.h"
#include "tests/common/expect_error.h"
#include "tests/common/temporary_folder.h"

namespace cardiograd {
namespace {

namespace fs = std::filesystem;
using testing::expect_error;
using testing::TemporaryFolder;

TEST(Rename, NothingIsReplaced) {
  for (const RenameCalls calls : {RenameCalls::kBest, RenameCalls::kPortable}) {
    TemporaryFolder folder;
    write_file(folder / "a", "a");
    write_file(folder / "b", "b");
    fs::create_symlink("nowhere", folder / "link");
    fs::create_directories(folder / "full/inner");
    fs::create_directory(folder / "empty");
    for (const char* name : {"b", "link", "full", "empty"}) {
      EXPECT_FALSE(rename_to_new(folder / "a", folder / name, calls)) << name;
      EXPECT_FALSE(rename_to_new(folder / "full", folder / name, calls)) << name;
    }
    EXPECT_EQ(read_file(folder / "a"), "a");
    EXPECT_EQ(read_file(folder / "b"), "b");
    EXPECT_TRUE(rename_to_new(folder / "a", folder / "c", calls));
    EXPECT_TRUE(rename_to_new(folder / "full", folder / "moved", calls));
    EXPECT_EQ(read_file(folder / "c"), "a");
    EXPECT_FALSE(fs::exists(folder / "a"));
    EXPECT_TRUE(fs::is_directory(folder / "moved/inner"));
    expect_error([&] { rename_to_new(folder / "none", folder / "d", calls); }, {"none: cannot be renamed"});
  }
}

TEST(Rename, ExchangeIsOneStepOrNothing) {
  TemporaryFolder folder;
  fs::create_directory(folder / "a");
  write_file(folder / "b", "b");
  if (!exchange(folder / "a", folder / "b")) GTEST_SKIP() << "this file system knows no exchange";
  EXPECT_EQ(read_file(folder / "a"), "b");
  EXPECT_TRUE(fs::is_directory(folder / "b"));
  EXPECT_FALSE(exchange(folder / "a", folder / "none"));
  EXPECT_FALSE(exchange(folder / "a", folder / "b", RenameCalls::kPortable));
  EXPECT_EQ(read_file(folder / "a"), "b");
}

}  // namespace
}  // namespace cardiograd
