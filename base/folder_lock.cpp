#include "base/folder_lock.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <ctime>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"

namespace cardiograd {
namespace {

namespace fs = std::filesystem;

constexpr int kAttempts = 100;

std::string machine() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

std::string holder_text() {
  return fmt::format("process {} on {} since {:%Y-%m-%d %H:%M:%S}", ::getpid(), machine(),
                     fmt::localtime(std::time(nullptr)));
}

// What the file says; only printable characters of it, which go into a message.
std::string read_holder(int descriptor) {
  std::array<char, 300> text{};
  const ssize_t got = ::pread(descriptor, text.data(), text.size(), 0);
  std::string holder;
  for (ssize_t i = 0; i < got; ++i)
    if (const char c = text[static_cast<std::size_t>(i)]; c >= ' ' && c <= '~') holder += c;
  return holder;
}

// Whether a holder of which only the file's text is known may live: not when it is known to be dead.
bool may_live(std::string_view holder) {
  constexpr std::string_view kBegin = "process ";
  if (!holder.starts_with(kBegin)) return false;
  holder.remove_prefix(kBegin.size());
  pid_t process = 0;
  const auto [end, error] = std::from_chars(holder.data(), holder.data() + holder.size(), process);
  holder.remove_prefix(static_cast<std::size_t>(end - holder.data()));
  if (error != std::errc() || process <= 0) return false;
  if (!holder.starts_with(fmt::format(" on {} since ", machine()))) return true;
  return process != ::getpid() && !(::kill(process, 0) == -1 && errno == ESRCH);
}

// Another process has the lock.
class Held : public Error {
 public:
  Held(const fs::path& what, const std::string& by)
      : Error(fmt::format("{}: another process writes there: {}", what.string(), by),
              "Wait until it has ended, or give another place."),
        holder(by) {}

  std::string holder;
};

[[noreturn]] void refuse(const fs::path& what, const std::string& holder) {
  throw Held(what, holder.empty() ? "it has not yet said which" : holder);
}

fs::path lock_of(const fs::path& file) {
  return file.parent_path() / fmt::format(".{}{}", file.filename().string(), FolderLock::kFileName);
}

}  // namespace

FolderLock::FolderLock(const fs::path& folder, LockCalls calls) : FolderLock(folder, folder / kFileName, calls) {}

FolderLock FolderLock::of_file(const fs::path& file, LockCalls calls) {
  return {file, lock_of(file), calls};
}

void FolderLock::touch() const {
  ::futimens(descriptor_, nullptr);
}

std::optional<fs::file_time_type> FolderLock::touched(const fs::path& file) {
  std::error_code missing;
  const fs::file_time_type time = fs::last_write_time(lock_of(file), missing);
  if (missing) return std::nullopt;
  return time;
}

std::unique_ptr<FolderLock> FolderLock::try_file(const fs::path& file, std::string& holder, LockCalls calls) {
  try {
    return std::unique_ptr<FolderLock>(new FolderLock(of_file(file, calls)));
  } catch (const Held& held) {
    holder = held.holder;
    return nullptr;
  }
}

FolderLock::FolderLock(fs::path what, fs::path lock, LockCalls calls) : what_(std::move(what)), path_(std::move(lock)) {
  for (int attempt = 0; attempt < kAttempts; ++attempt)
    if (try_lock(calls)) return;
  refuse(what_, "");
}

// False when the file was removed meanwhile, by a holder that has ended.
bool FolderLock::try_lock(LockCalls calls) {
  descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666);
  const auto give_up = [this] {
    ::close(descriptor_);
    descriptor_ = -1;
  };
  struct stat ours {};
  if (descriptor_ < 0 || ::fstat(descriptor_, &ours) != 0 || !S_ISREG(ours.st_mode)) {
    const int error = descriptor_ < 0 ? errno : 0;
    if (descriptor_ >= 0) give_up();
    std::error_code ignored;
    if (fs::is_symlink(path_, ignored))
      throw Error(fmt::format("{}: the lock cannot be made: a link to {} is in its place", path_.string(),
                              fs::read_symlink(path_, ignored).string()),
                  "Locks follow no link: delete the link, and the lock is made anew.");
    if (error == 0 || error == EISDIR)
      throw Error(fmt::format("{}: the lock cannot be made: what is in its place is no regular file", path_.string()),
                  "Move it elsewhere, and the lock is made anew.");
    throw Error(fmt::format("{}: the lock cannot be made: {}", path_.string(), std::generic_category().message(error)),
                error == ENOENT ? "Make the folder, or give another place."
                                : "Check that you may write in that folder, and the file, if it is there.");
  }
  const bool locked = calls == LockCalls::kBest && ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0;
  const bool no_locks = calls == LockCalls::kPortable || (!locked && errno != EWOULDBLOCK);
  const std::string holder = read_holder(descriptor_);
  if ((!locked && !no_locks) || (no_locks && may_live(holder))) {
    give_up();
    refuse(what_, holder);
  }
  struct stat there {};
  if (::lstat(path_.c_str(), &there) != 0 || there.st_ino != ours.st_ino || there.st_dev != ours.st_dev) {
    give_up();
    return false;
  }
  if (no_locks)
    log_warning("{}: this file system has no locks: a second process there on another machine may not be noticed",
                what_.string());
  if (!holder.empty()) log_info("{}: {} has ended without tidying up", what_.string(), holder);
  const std::string text = holder_text() + "\n";
  if (::ftruncate(descriptor_, 0) != 0 ||
      ::pwrite(descriptor_, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
    log_warning("{}: the lock does not say who has it: the disk is full", path_.string());
  return true;
}

FolderLock::~FolderLock() {
  ::unlink(path_.c_str());  // While it is locked: whoever waits sees that it is gone.
  ::close(descriptor_);
}

}  // namespace cardiograd
