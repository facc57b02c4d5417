#include "base/file.h"

#include <filesystem>
#include <string>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "tests/common/temporary_folder.h"

namespace cardiograd {
namespace {

using testing::TemporaryFolder;

std::size_t entries(const std::filesystem::path& folder) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++count;
  return count;
}

TEST(AtomicFile, CommitReplacesTheOldContent) {
  TemporaryFolder folder;
  write_file(folder / "a.txt", "old");
  write_file(folder / "a.txt", "new content");
  EXPECT_EQ(read_file(folder / "a.txt"), "new content");
  EXPECT_EQ(entries(folder.path()), 1U);
}

TEST(AtomicFile, WithoutCommitTheOldContentStays) {
  TemporaryFolder folder;
  write_file(folder / "a.txt", "old");
  {
    AtomicFile file(folder / "a.txt");
    file.write("half");
    EXPECT_EQ(entries(folder.path()), 2U);
  }
  EXPECT_EQ(read_file(folder / "a.txt"), "old");
  EXPECT_EQ(entries(folder.path()), 1U);
}

TEST(AtomicFile, RemovesWhatAKilledProcessLeft) {
  TemporaryFolder folder;
  const pid_t child = ::fork();
  if (child == 0) {
    AtomicFile file(folder / "a.txt");
    file.write("half");
    ::_exit(0);  // As if killed: no destructor runs.
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(entries(folder.path()), 1U);
  write_file(folder / "a.txt", "whole");
  EXPECT_EQ(entries(folder.path()), 1U);
  EXPECT_EQ(read_file(folder / "a.txt"), "whole");
}

TEST(AtomicFile, MissingFolderIsAnError) {
  TemporaryFolder folder;
  try {
    write_file(folder / "none" / "a.txt", "x");
    FAIL() << "expected an Error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("a.txt"), std::string::npos) << error.what();
    EXPECT_FALSE(error.hint().empty());
  }
}

TEST(AtomicFile, FullDiskIsAnErrorThatNamesTheFile) {
  if (::access("/dev/full", W_OK) != 0) GTEST_SKIP() << "no /dev/full here";
  TemporaryFolder folder;
  // The temporary file has a known name: make it a link to the device that is always full.
  std::filesystem::create_symlink("/dev/full", folder / (".a.txt." + std::to_string(::getpid()) + ".tmp"));
  try {
    write_file(folder / "a.txt", "x");
    FAIL() << "expected an Error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("a.txt: cannot be written"), std::string::npos) << error.what();
  }
  EXPECT_EQ(entries(folder.path()), 0U);
}

TEST(ReadFile, RefusesWhatIsNotAFileOrTooLarge) {
  TemporaryFolder folder;
  EXPECT_THROW(read_file(folder / "none"), Error);
  EXPECT_THROW(read_file(folder.path()), Error);
  EXPECT_THROW(read_file("/dev/zero"), Error);
  write_file(folder / "a", "1234");
  EXPECT_EQ(read_file(folder / "a", 4), "1234");
  EXPECT_THROW(read_file(folder / "a", 3), Error);
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_THROW(read_file(folder / "pipe"), Error);
}

}  // namespace
}  // namespace cardiograd
