#include "base/file.h"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "tests/common/expect_error.h"
#include "tests/common/temporary_folder.h"

namespace cardiograd {
namespace {

using testing::expect_error;
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

// The errors that `action` throws in a process whose files may not grow beyond `bytes`.
std::string error_with_limit(rlim_t bytes, const std::function<void()>& action) {
  int ends[2] = {-1, -1};
  if (::pipe(ends) != 0) return "no pipe";
  const pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {.rlim_cur = bytes, .rlim_max = bytes};
    std::string message = ::setrlimit(RLIMIT_FSIZE, &limit) == 0 ? "no error" : "no limit";
    try {
      action();
    } catch (const Error& error) {
      message = error.what();
    }
    ::_exit(::write(ends[1], message.data(), message.size()) < 0 ? 1 : 0);
  }
  ::close(ends[1]);
  std::string message(1000, '\0');
  const ssize_t got = ::read(ends[0], message.data(), message.size());
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  return message.substr(0, got < 0 ? 0 : static_cast<std::size_t>(got));
}

TEST(AtomicFile, FullDiskIsAnErrorThatNamesTheFile) {
  TemporaryFolder folder;
  const std::string error = error_with_limit(100, [&] { write_file(folder / "a.txt", std::string(101, 'x')); });
  EXPECT_NE(error.find("a.txt: cannot be written"), std::string::npos) << error;
  EXPECT_EQ(entries(folder.path()), 0U);
}

// Each of these is somebody else's: it stays what it is, and nothing is left beside it.
TEST(AtomicFile, WhatIsNoRegularFileIsRefused) {
  TemporaryFolder folder;
  write_file(folder / "target", "mine");
  std::filesystem::create_symlink("target", folder / "link");
  std::filesystem::create_symlink("nothing", folder / "dangling");
  std::filesystem::create_directory(folder / "folder");
  const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = folder / "socket";
  ASSERT_TRUE(name.size() < sizeof address.sun_path);
  std::copy(name.begin(), name.end(), address.sun_path);
  ASSERT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  const std::size_t before = entries(folder.path());
  expect_error([&] { write_file(folder / "link", "x"); }, {"link: is a link to target"});
  expect_error([&] { write_file(folder / "dangling", "x"); }, {"dangling: is a link to nothing"});
  expect_error([&] { write_file(folder / "folder", "x"); }, {"folder: is a folder"});
  expect_error([&] { write_file(folder / "socket", "x"); }, {"socket: is no regular file"});
  for (const char* each : {"link", "dangling", "folder", "socket"})
    expect_error([&] { check_destination(folder / each); }, {each});
  ::close(socket);
  EXPECT_EQ(read_file(folder / "target"), "mine");
  EXPECT_FALSE(std::filesystem::exists(folder / "nothing"));
  EXPECT_EQ(entries(folder.path()), before);
}

TEST(AtomicFile, WriteProtectedFilesAreRefused) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may write everything";
  TemporaryFolder folder;
  write_file(folder / "a.txt", "mine");
  ASSERT_EQ(::chmod((folder / "a.txt").c_str(), 0444), 0);
  expect_error([&] { write_file(folder / "a.txt", "x"); }, {"a.txt: is write-protected"});
  EXPECT_EQ(read_file(folder / "a.txt"), "mine");
}

// Files of the program's own: opening a pipe would wait for a reader that never comes.
TEST(AtomicFile, OwnFilesAreNoStreams) {
  TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  expect_error([&] { AtomicFile file(folder / "pipe", Appeared::kReplace); },
               {"pipe: is a pipe or a device, and is not written"});
}

TEST(AtomicFile, StreamsAreWrittenThrough) {
  struct stat before {};
  ASSERT_EQ(::lstat("/dev/null", &before), 0);
  if (!S_ISCHR(before.st_mode)) GTEST_SKIP() << "this machine's /dev/null is a file";
  write_file("/dev/null", "nothing");
  check_destination("/dev/null");
  struct stat after {};
  ASSERT_EQ(::lstat("/dev/null", &after), 0);
  EXPECT_TRUE(S_ISCHR(after.st_mode));
  EXPECT_EQ(after.st_ino, before.st_ino);
  expect_error([] { write_file("/dev/full", "x"); }, {"/dev/full: cannot be written: No space left"});
  TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  std::string got(5, '\0');
  std::thread reader([&] {
    const int end = ::open((folder / "pipe").c_str(), O_RDONLY);
    EXPECT_EQ(::read(end, got.data(), got.size()), 5);
    ::close(end);
  });
  write_file(folder / "pipe", "words");
  reader.join();
  EXPECT_EQ(got, "words");
  EXPECT_EQ(entries(folder.path()), 1U);
}

TEST(AtomicFile, KeepsTheModeOfAFileThatItReplaces) {
  TemporaryFolder folder;
  for (const mode_t mode : {0600U, 0640U, 0755U}) {
    write_file(folder / "a.txt", "old");
    ASSERT_EQ(::chmod((folder / "a.txt").c_str(), mode), 0);
    write_file(folder / "a.txt", "new");
    struct stat status {};
    ASSERT_EQ(::stat((folder / "a.txt").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, mode);
  }
}

TEST(AtomicFile, WhatAppearsMeanwhileStays) {
  TemporaryFolder folder;
  AtomicFile file(folder / "a.txt");
  file.write("ours");
  write_staged_file(folder / "a.txt", "theirs");
  expect_error([&] { file.commit(); }, {"a.txt: has appeared while it was being written"});
  EXPECT_EQ(read_file(folder / "a.txt"), "theirs");
  AtomicFile replacing(folder / "b.txt", Appeared::kReplace);
  replacing.write("ours");
  write_staged_file(folder / "b.txt", "theirs");
  replacing.commit();
  EXPECT_EQ(read_file(folder / "b.txt"), "ours");
}

TEST(AtomicFile, ExistingFilesStayWhereTheyShall) {
  TemporaryFolder folder;
  write_file(folder / "a.txt", "mine");
  expect_error([&] { write_file(folder / "a.txt", "new", Existing::kRefuse); }, {"a.txt", "exists already"});
  EXPECT_EQ(read_file(folder / "a.txt"), "mine");
  AtomicFile late(folder / "b.txt", Appeared::kRefuse, Existing::kRefuse);
  late.write("new");
  write_file(folder / "b.txt", "mine");
  expect_error([&] { late.commit(); }, {"b.txt", "has appeared"});
  EXPECT_EQ(read_file(folder / "b.txt"), "mine");
  write_file(folder / "c.txt", "new", Existing::kRefuse);
  EXPECT_EQ(read_file(folder / "c.txt"), "new");
  write_file("/dev/null", "new", Existing::kRefuse);
}

TEST(AtomicFile, AFileThatBecomesALinkOrAFolderStays) {
  TemporaryFolder folder;
  for (const bool link : {true, false}) {
    write_file(folder / "a.txt", "old");
    AtomicFile file(folder / "a.txt");
    std::filesystem::remove(folder / "a.txt");
    if (link)
      std::filesystem::create_symlink("elsewhere", folder / "a.txt");
    else
      std::filesystem::create_directory(folder / "a.txt");
    expect_error([&] { file.commit(); }, {"a.txt: is a "});
    EXPECT_EQ(std::filesystem::is_symlink(folder / "a.txt"), link);
    std::filesystem::remove(folder / "a.txt");
  }
}

TEST(AtomicFile, TemporaryFilesFollowNoLinkAndTakeNobodysPlace) {
  TemporaryFolder folder;
  write_file(folder / "victim", "mine");
  const std::string name = ".a.txt." + std::to_string(::getpid()) + ".tmp";
  std::filesystem::create_symlink("victim", folder / name);
  write_file(folder / "a.txt", "x");
  EXPECT_EQ(read_file(folder / "victim"), "mine");
  EXPECT_EQ(read_file(folder / "a.txt"), "x");
  EXPECT_TRUE(std::filesystem::is_symlink(folder / name));
  write_file(folder / ".a.txt.letter.tmp", "mine too");
  write_file(folder / "a.txt", "y");
  EXPECT_EQ(read_file(folder / ".a.txt.letter.tmp"), "mine too");
}

// One that is being written is no leftover, whatever the number in its name says.
TEST(AtomicFile, TemporaryFilesOfTheLivingStay) {
  TemporaryFolder folder;
  AtomicFile first(folder / "a.txt", Appeared::kReplace);
  first.write("first");
  {
    AtomicFile second(folder / "a.txt", Appeared::kReplace);
    second.write("second");
    EXPECT_EQ(entries(folder.path()), 2U);
    second.commit();
  }
  first.commit();
  EXPECT_EQ(read_file(folder / "a.txt"), "first");
  EXPECT_EQ(entries(folder.path()), 1U);
}

TEST(StagedFile, TakesNobodysPlace) {
  TemporaryFolder folder;
  write_staged_file(folder / "a", "mine");
  std::filesystem::create_symlink("b", folder / "link");
  expect_error([&] { write_staged_file(folder / "a", "x"); }, {"a: cannot be written: File exists"});
  expect_error([&] { write_staged_file(folder / "link", "x"); }, {"link: cannot be written"});
  EXPECT_EQ(read_file(folder / "a"), "mine");
  EXPECT_FALSE(std::filesystem::exists(folder / "b"));
}

// What a user other than root may do: root may read everything.
class WithoutPrivileges {
 public:
  WithoutPrivileges() : root_(::geteuid() == 0) {
    if (root_ && ::seteuid(65534) != 0) ::abort();
  }
  ~WithoutPrivileges() {
    if (root_ && ::seteuid(0) != 0) ::abort();
  }
  WithoutPrivileges(const WithoutPrivileges&) = delete;
  WithoutPrivileges& operator=(const WithoutPrivileges&) = delete;

 private:
  bool root_;
};

TEST(ReadFile, ADeniedPermissionIsNoMissingFile) {
  TemporaryFolder folder;
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
  std::filesystem::create_directories(folder / "closed/inside");
  write_file(folder / "secret", "1234");
  write_file(folder / "closed/inside/a", "1234");
  std::filesystem::permissions(folder / "secret", std::filesystem::perms(0));
  std::filesystem::permissions(folder / "closed", std::filesystem::perms(0));
  {
    const WithoutPrivileges nobody;
    expect_error([&] { read_file(folder / "secret"); }, {"secret: cannot be read: permission denied"});
    const std::string closed = (folder / "closed").string();
    for (const char* name : {"closed/inside/a", "closed/none"}) {
      expect_error([&] { read_file(folder / name); }, {name, "permission denied for the folder " + closed});
      expect_error([&] { path_exists(folder / name); }, {name, "permission denied for the folder " + closed});
    }
    expect_error([&] { read_file(folder / "none"); }, {"none: cannot be opened: No such file"});
    EXPECT_TRUE(path_exists(folder / "secret"));
    EXPECT_FALSE(path_exists(folder / "none"));
    EXPECT_FALSE(path_exists(folder / "secret" / "none"));
  }
  std::filesystem::permissions(folder / "closed", std::filesystem::perms(0755));
  EXPECT_TRUE(path_exists(folder / "closed/inside/a"));
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
