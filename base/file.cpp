#include "base/file.h"

#include <cerrno>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/rename.h"

namespace cardiograd {
namespace {

namespace fs = std::filesystem;

std::string reason(int error) {
  return std::generic_category().message(error);
}

constexpr const char* kGiveAnother = "Give another file.";

// Whether `descriptor` was locked for this process alone.
enum class Lock { kTaken, kHeldByAnother, kUnknownHere };
Lock lock(int descriptor) {
  if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return Lock::kTaken;
  return errno == EWOULDBLOCK ? Lock::kHeldByAnother : Lock::kUnknownHere;
}

// ".<name>.<process>.tmp", or ".<name>.<process>-<n>.tmp"
bool is_temporary_of(std::string_view destination, std::string_view name) {
  if (!name.starts_with('.') || !name.ends_with(".tmp") || name.size() < destination.size() + 7) return false;
  name.remove_prefix(1);
  name.remove_suffix(4);
  if (!name.starts_with(destination) || name[destination.size()] != '.') return false;
  name.remove_prefix(destination.size() + 1);
  return !name.empty() && name.find_first_not_of("0123456789-") == name.npos;
}

// Removes temporary files of the destination that no living process has locked.
void remove_leftovers(const fs::path& destination) {
  std::error_code ignored;
  const fs::path folder = destination.has_parent_path() ? destination.parent_path() : fs::path(".");
  const std::string name = destination.filename().string();
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (!is_temporary_of(name, entry.path().filename().string())) continue;
    const int descriptor = ::open(entry.path().c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (descriptor < 0) continue;
    struct stat status {};
    if (::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == ::geteuid() &&
        lock(descriptor) == Lock::kTaken)
      ::unlink(entry.path().c_str());
    ::close(descriptor);
  }
}

[[noreturn]] void refuse(const fs::path& destination, std::string_view what, const std::string& hint = kGiveAnother) {
  throw Error(fmt::format("{}: {}, and is not written", destination.string(), what), hint);
}

struct Destination {
  bool is_stream = false;
  bool exists = false;
  int mode = 0666;  // less the umask, of a file that is new
};

// A link is followed only to a stream, and below /dev: /dev/stdout is one, whatever standard output is.
Destination link_destination(const fs::path& path) {
  struct stat status {};
  const bool leads_somewhere = ::stat(path.c_str(), &status) == 0;
  const bool stream = leads_somewhere && (S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode));
  const bool opened = leads_somewhere && S_ISREG(status.st_mode) && path.native().starts_with("/dev/");
  if (stream || opened) return {.is_stream = true, .exists = true};
  std::error_code error;
  const fs::path target = fs::read_symlink(path, error);
  refuse(path, fmt::format("is a link to {}", target.string()), "Give the file itself.");
}

// What is at the destination. Throws Error for what is refused.
Destination look_at(const fs::path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return {};
  if (S_ISLNK(status.st_mode)) return link_destination(path);
  if (S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode)) return {.is_stream = true, .exists = true};
  if (S_ISDIR(status.st_mode)) refuse(path, "is a folder");
  if (S_ISBLK(status.st_mode)) refuse(path, "is a block device");
  if (!S_ISREG(status.st_mode)) refuse(path, "is no regular file");
  if (::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) != 0)
    refuse(path, "is write-protected", "Make it writable, or give another file.");
  return {.exists = true, .mode = static_cast<int>(status.st_mode & 0777)};
}

}  // namespace

AtomicFile::AtomicFile(fs::path destination, Appeared appeared, Existing existing)
    : destination_(std::move(destination)), appeared_(appeared) {
  const Destination there = look_at(destination_);
  existed_ = there.exists;
  if (there.is_stream) {
    if (appeared == Appeared::kReplace) refuse(destination_, "is a pipe or a device");
    descriptor_ = ::open(destination_.c_str(), O_WRONLY | O_APPEND | O_NOCTTY | O_CLOEXEC);
    if (descriptor_ < 0) fail("cannot be opened");
    return;
  }
  if (existed_ && existing == Existing::kRefuse)
    refuse(destination_, "exists already", "Name another file, or overwrite it with --force.");
  remove_leftovers(destination_);
  create_temporary(there.mode);
  if (existed_) ::fchmod(descriptor_, static_cast<mode_t>(there.mode));  // as far as the file system has modes
}

// Exclusively: what is there already, were it a link, is somebody else's. The lock says that its writer lives.
void AtomicFile::create_temporary(int mode) {
  constexpr int kAttempts = 100;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const std::string number = attempt == 0 ? "" : fmt::format("-{}", attempt);
    temporary_ =
        destination_.parent_path() / fmt::format(".{}.{}{}.tmp", destination_.filename().string(), ::getpid(), number);
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (descriptor_ < 0 && errno == EEXIST) continue;
    if (descriptor_ < 0) fail("cannot be created");
    struct stat status {};
    // Between its creation and the lock another process may have taken it for a leftover.
    if (lock(descriptor_) != Lock::kHeldByAnother && ::fstat(descriptor_, &status) == 0 && status.st_nlink > 0) return;
    ::close(descriptor_);
    descriptor_ = -1;
  }
  errno = EEXIST;
  fail("cannot be created");
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::fail(const char* action) const {
  const int error = errno;
  throw Error(fmt::format("{}: {}: {}", destination_.string(), action, reason(error)),
              error == ENOSPC || error == EDQUOT || error == EFBIG
                  ? "Free some space or choose another folder; nothing of this file was left behind."
                  : "Check that the folder exists and that you may write there.");
}

void AtomicFile::write(const void* bytes, std::size_t count) {
  const char* next = static_cast<const char*>(bytes);
  while (count > 0) {
    const ssize_t written = ::write(descriptor_, next, count);
    if (written < 0) {
      if (errno == EINTR) continue;
      fail("cannot be written");
    }
    next += written;
    count -= static_cast<std::size_t>(written);
  }
}

void AtomicFile::commit() {
  if (!temporary_.empty()) {
    if (::fsync(descriptor_) != 0) fail("cannot be synced to disk");
    put_in_place();
  }
  const bool closed = ::close(std::exchange(descriptor_, -1)) == 0;
  if (!closed) fail("cannot be written");
  if (!temporary_.empty()) sync_folder(destination_.parent_path());
}

void AtomicFile::put_in_place() {
  if (!existed_) {
    if (rename_to_new(temporary_, destination_)) return;
    if (appeared_ == Appeared::kRefuse) refuse(destination_, "has appeared while it was being written");
  }
  if (look_at(destination_).is_stream) refuse(destination_, "has become a device or a pipe");
  if (!exchange(temporary_, destination_)) {
    // It has vanished, or the file system knows no exchange.
    if (::rename(temporary_.c_str(), destination_.c_str()) != 0) fail("cannot be renamed into place");
    return;
  }
  struct stat status {};
  if (::lstat(temporary_.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    exchange(temporary_, destination_);
    refuse(destination_, "has become something else than a file");
  }
  ::unlink(temporary_.c_str());
}

void check_destination(const fs::path& destination) {
  if (look_at(destination).is_stream) return;
  const AtomicFile probe(destination);
}

void write_staged_file(const fs::path& destination, std::string_view content) {
  const auto fail = [&](int error) {
    throw Error(fmt::format("{}: cannot be written: {}", destination.string(), reason(error)),
                error == ENOSPC || error == EDQUOT ? "Free some space or choose another folder."
                                                   : "Check that the folder exists and that you may write there.");
  };
  const int descriptor = ::open(destination.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (descriptor < 0) fail(errno);
  for (std::size_t at = 0; at < content.size();) {
    const ssize_t written = ::write(descriptor, content.data() + at, content.size() - at);
    if (written >= 0) {
      at += static_cast<std::size_t>(written);
    } else if (errno != EINTR) {
      const int error = errno;
      ::close(descriptor);
      fail(error);
    }
  }
  if (::close(descriptor) != 0) fail(errno);
}

void sync_file_system(const fs::path& folder) {
  const int descriptor = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;  // Not every file system lets a folder be opened.
  const int error = ::syncfs(descriptor) == 0 ? 0 : errno;
  ::close(descriptor);
  if (error != 0 && error != ENOSYS && error != EROFS)
    throw Error(fmt::format("{}: its file system cannot be synced to disk: {}", folder.string(), reason(error)),
                "The disk reports a failure or is full; what was written there may be lost.");
}

void write_file(const fs::path& destination, std::string_view content, Existing existing) {
  AtomicFile file(destination, Appeared::kRefuse, existing);
  file.write(content);
  file.commit();
}

bool path_exists(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0) return true;
  if (errno == EACCES) fail_to_open(path, errno);
  return false;
}

void fail_to_open(const fs::path& path, int error) {
  if (error != EACCES && error != EPERM)
    throw Error(fmt::format("{}: cannot be opened: {}", path.string(), reason(error)), "Check the path.");
  // The first folder from above that may not be entered.
  fs::path folder;
  std::error_code ignored;
  for (const fs::path& part : fs::absolute(path, ignored).parent_path()) {
    folder /= part;
    if (::faccessat(AT_FDCWD, folder.c_str(), X_OK, AT_EACCESS) == 0) continue;
    throw Error(fmt::format("{}: cannot be read: permission denied for the folder {}", path.string(), folder.string()),
                "Ask its owner for the permission to read and enter it (chmod), or copy the files elsewhere.");
  }
  throw Error(fmt::format("{}: cannot be read: permission denied", path.string()),
              "Make it readable for you (chmod), or ask its owner.");
}

std::string read_file(const fs::path& path, std::uintmax_t max_bytes) {
  // O_NONBLOCK: opening a named pipe must not wait for its writer.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) fail_to_open(path, errno);
  struct Closer {
    int descriptor;
    ~Closer() { ::close(descriptor); }
  } closer{descriptor};
  struct stat status {};
  if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode))
    throw Error(fmt::format("{}: not a regular file", path.string()), "Expected a file on disk.");
  const auto size = static_cast<std::uintmax_t>(status.st_size);
  if (size > max_bytes)
    throw Error(fmt::format("{}: {} bytes, expected at most {}", path.string(), size, max_bytes),
                "The file is larger than its kind can be.");
  std::string content(size, '\0');
  std::size_t filled = 0;
  while (filled < content.size()) {
    const ssize_t got = ::read(descriptor, content.data() + filled, content.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0)
      throw Error(fmt::format("{}: cannot be read: {}", path.string(), reason(errno)),
                  "The disk or the network file system reports a failure; check it, or take another copy.");
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  content.resize(filled);
  return content;
}

}  // namespace cardiograd
