// One writer per folder, or per file.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace cardiograd {

// kPortable does without the system's locks, as on file systems that have none.
enum class LockCalls { kBest, kPortable };

// While it lives, no other FolderLock of the same file is made, by no process on any machine that sees the file: the
// system locks it (flock), and lets go when the process ends, however it ends. The file says who has it. Network file
// systems of Linux pass the lock on to their server; where a file system has no locks, a warning says so, and what the
// file says decides: a holder on this machine is looked for, one on another machine is believed to live.
class FolderLock {
 public:
  static constexpr const char* kFileName = ".lock";

  // Makes `folder`/.lock. Throws Error that names the holder's process, machine and time; or when it cannot be written.
  explicit FolderLock(const std::filesystem::path& folder, LockCalls calls = LockCalls::kBest);
  // The same for `file` and what is written beside it, through .<name>.lock in its folder; `file` need not be there.
  static FolderLock of_file(const std::filesystem::path& file, LockCalls calls = LockCalls::kBest);
  // of_file() for those who can wait: nothing while another process has the lock, and `holder` says which.
  static std::unique_ptr<FolderLock> try_file(const std::filesystem::path& file, std::string& holder,
                                              LockCalls calls = LockCalls::kBest);
  // A sign of life: the time of the lock's file, for those who wait.
  void touch() const;
  // When touch() was called last for the lock of `file`, by the clock of its file system; nothing where there is none.
  static std::optional<std::filesystem::file_time_type> touched(const std::filesystem::path& file);

  // Removes the file.
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  FolderLock(std::filesystem::path what, std::filesystem::path lock, LockCalls calls);
  bool try_lock(LockCalls calls);

  std::filesystem::path what_;  // is locked
  std::filesystem::path path_;
  int descriptor_ = -1;
};

}  // namespace cardiograd
