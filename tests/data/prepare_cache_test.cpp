#include "data/prepare_cache.h"

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "tests/common/temporary_folder.h"
#include "tests/data/helpers.h"

namespace cardiograd::data {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using cardiograd::testing::TemporaryFolder;
using testing::expect_error;
using testing::LogCapture;

// Waits until `enough` looks; 100 ms each.
void wait_for(Waiting& waiting, const fs::path& file, int enough) {
  for (int look = 0; look < enough; ++look) waiting.wait(file, "process 1");
}

TEST(Waiting, ASilentHolderEndsIt) {
  const TemporaryFolder folder;
  const LogCapture log;
  const FolderLock lock = FolderLock::of_file(folder / "a");
  Waiting waiting({}, 300ms);
  expect_error([&] { wait_for(waiting, folder / "a", 20); },
               {"a: is being made by process 1, which has given no sign of life for 0 s"});
}

TEST(Waiting, SignsOfLifeAreAwaited) {
  const TemporaryFolder folder;
  const LogCapture log;
  const FolderLock lock = FolderLock::of_file(folder / "a");
  Waiting waiting({}, 1500ms);
  std::thread holder([&lock] {
    ShowLife show_life(&lock);
    for (int step = 0; step < 300; ++step) {
      show_life();
      std::this_thread::sleep_for(10ms);
    }
  });
  wait_for(waiting, folder / "a", 28);
  holder.join();
}

TEST(Waiting, AnotherFileIsWaitedForAnew) {
  const TemporaryFolder folder;
  const LogCapture log;
  const FolderLock first = FolderLock::of_file(folder / "a"), second = FolderLock::of_file(folder / "b");
  Waiting waiting({}, 1500ms);
  wait_for(waiting, folder / "a", 10);
  wait_for(waiting, folder / "b", 10);
}

TEST(Room, IsThatOfTheNearestFolderThatIsThere) {
  const TemporaryFolder folder;
  const fs::path cache = folder / "not" / "there";
  EXPECT_NO_THROW(expect_room(cache, 20, 24000));
  expect_error([&] { expect_room(cache, 20, 1e15); },
               {cache.string(), "MB are free, and the signals of 20 records take 20000000000 MB"});
  EXPECT_FALSE(fs::exists(folder / "not"));
}

TEST(Room, AFolderThatCannotBeMadeIsWarnedAbout) {
  const TemporaryFolder folder;
  EXPECT_TRUE(can_keep(folder / "new" / "x.cache"));
  EXPECT_TRUE(fs::is_directory(folder / "new"));
  write_file(folder / "file", "");
  const LogCapture log;
  EXPECT_FALSE(can_keep(folder / "file" / "cache" / "x.cache"));
  EXPECT_TRUE(log.warned("no cache, the next run prepares again: " + (folder / "file" / "cache").string()));
}

TEST(ShowLife, NothingWithoutALock) {
  ShowLife show_life(nullptr);
  show_life();
}

}  // namespace
}  // namespace cardiograd::data
