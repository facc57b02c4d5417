#include "base/folder_lock.h"

#include <chrono>
#include <csignal>
#include <filesystem>
#include <optional>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "tests/common/expect_error.h"
#include "tests/common/temporary_folder.h"

namespace cardiograd {
namespace {

namespace fs = std::filesystem;
using testing::expect_error;
using testing::TemporaryFolder;

// A process that holds the folder's lock until it is killed.
class Holder {
 public:
  Holder(const fs::path& folder, LockCalls calls) {
    int ends[2] = {-1, -1};
    if (::pipe(ends) != 0) return;
    process_ = ::fork();
    if (process_ == 0) {
      const FolderLock lock(folder, calls);
      if (::write(ends[1], "x", 1) == 1) ::pause();
      ::_exit(1);
    }
    char ready = 0;
    ready_ = ::read(ends[0], &ready, 1) == 1;
    ::close(ends[0]);
    ::close(ends[1]);
  }
  ~Holder() { kill(); }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;

  bool ready() const { return ready_; }
  pid_t process() const { return process_; }
  void kill() {
    if (process_ <= 0) return;
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    process_ = -1;
  }

 private:
  pid_t process_ = -1;
  bool ready_ = false;
};

TEST(FolderLock, NamesTheOtherProcessAndRecognizesADeadOne) {
  for (const LockCalls calls : {LockCalls::kBest, LockCalls::kPortable}) {
    TemporaryFolder folder;
    Holder holder(folder.path(), calls);
    ASSERT_TRUE(holder.ready());
    expect_error([&] { FolderLock(folder.path(), calls); },
                 {folder.path().string(), fmt::format("process {} on ", holder.process()), " since 20"});
    EXPECT_TRUE(fs::exists(folder / ".lock"));
    holder.kill();
    std::string note;
    const LogCallback before = set_log_callback([&](LogLevel, std::string_view message) { note += message; });
    {
      const FolderLock ours(folder.path(), calls);
      EXPECT_NE(read_file(folder / ".lock").find(fmt::format("process {} on ", ::getpid())), std::string::npos);
    }
    set_log_callback(before);
    EXPECT_NE(note.find("has ended without tidying up"), std::string::npos) << note;
    EXPECT_EQ(note.find("has no locks") != std::string::npos, calls == LockCalls::kPortable) << note;
    EXPECT_FALSE(fs::exists(folder / ".lock"));
  }
}

TEST(FolderLock, ASecondOneOfTheSameProcessIsRefused) {
  TemporaryFolder folder;
  std::optional<FolderLock> first(folder.path());
  expect_error([&] { FolderLock(folder.path()); }, {fmt::format("process {} on ", ::getpid())});
  first.reset();
  EXPECT_NO_THROW(FolderLock(folder.path()));
}

TEST(FolderLock, AFileHasALockOfItsOwn) {
  TemporaryFolder folder;
  {
    const FolderLock first = FolderLock::of_file(folder / "a.csv");
    EXPECT_TRUE(fs::exists(folder / ".a.csv.lock"));
    expect_error([&] { FolderLock::of_file(folder / "a.csv"); },
                 {(folder / "a.csv").string(), fmt::format("process {} on ", ::getpid())});
    EXPECT_NO_THROW(FolderLock::of_file(folder / "b.csv"));
    EXPECT_NO_THROW(FolderLock(folder.path()));
  }
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(FolderLock, WhoCanWaitLearnsWhoHasIt) {
  TemporaryFolder folder;
  std::string holder;
  auto first = FolderLock::try_file(folder / "a", holder);
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(FolderLock::try_file(folder / "a", holder), nullptr);
  EXPECT_TRUE(holder.starts_with(fmt::format("process {} on ", ::getpid()))) << holder;
  first.reset();
  EXPECT_NE(FolderLock::try_file(folder / "a", holder), nullptr);
  expect_error([&] { FolderLock::try_file(folder / "none" / "a", holder); }, {"the lock cannot be made"});
}

TEST(FolderLock, ShowsWhenItWasTouched) {
  TemporaryFolder folder;
  EXPECT_FALSE(FolderLock::touched(folder / "a"));
  const FolderLock lock = FolderLock::of_file(folder / "a");
  fs::last_write_time(folder / ".a.lock", fs::file_time_type::clock::now() - std::chrono::hours(1));
  const auto before = FolderLock::touched(folder / "a");
  ASSERT_TRUE(before);
  lock.touch();
  EXPECT_GT(*FolderLock::touched(folder / "a") - *before, std::chrono::minutes(59));
}

// Without locks, a process on another machine cannot be looked for.
TEST(FolderLock, AHolderOnAnotherMachineIsBelieved) {
  TemporaryFolder folder;
  write_file(folder / ".lock", "process 1 on elsewhere.example since 2026-01-01 00:00:00\n");
  expect_error([&] { FolderLock(folder.path(), LockCalls::kPortable); }, {"process 1 on elsewhere.example"});
  EXPECT_NO_THROW(FolderLock(folder.path()));  // The system's lock knows that nobody has it.
}

TEST(FolderLock, FollowsNoLink) {
  TemporaryFolder folder;
  write_file(folder / "mine", "years of work");
  fs::create_symlink("mine", folder / ".lock");
  expect_error([&] { FolderLock(folder.path()); }, {".lock: the lock cannot be made: a link to mine is in its place"});
  EXPECT_EQ(read_file(folder / "mine"), "years of work");
  fs::create_symlink("nowhere", folder / ".a.csv.lock");
  expect_error([&] { FolderLock::of_file(folder / "a.csv"); }, {"a link to nowhere is in its place"});
  EXPECT_FALSE(fs::exists(folder / "nowhere"));
  fs::create_directory(folder / ".b.csv.lock");
  expect_error([&] { FolderLock::of_file(folder / "b.csv"); }, {"what is in its place is no regular file"});
  expect_error([&] { FolderLock(folder / "none"); }, {"none/.lock: the lock cannot be made: No such file"});
}

}  // namespace
}  // namespace cardiograd
