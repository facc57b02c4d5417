#include "base/file.h"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

namespace cardiograd {
namespace {

namespace fs = std::filesystem;

std::string reason(int error) {
  return std::generic_category().message(error);
}

// Removes ".<name>.<pid>.tmp" files whose process no longer lives.
void remove_leftovers(const fs::path& destination) {
  const std::string prefix = "." + destination.filename().string() + ".";
  std::error_code ignored;
  const fs::path folder = destination.has_parent_path() ? destination.parent_path() : fs::path(".");
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(prefix) || !name.ends_with(".tmp")) continue;
    const char* first = name.data() + prefix.size();
    const char* last = name.data() + name.size() - 4;
    pid_t pid = 0;
    const auto parsed = std::from_chars(first, last, pid);
    if (parsed.ec != std::errc() || parsed.ptr != last || pid <= 0) continue;
    if (::kill(pid, 0) == -1 && errno == ESRCH) fs::remove(entry.path(), ignored);
  }
}

void sync_folder(const fs::path& folder) {
  const int descriptor = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;  // The rename has happened; not every file system lets a folder be opened.
  ::fsync(descriptor);
  ::close(descriptor);
}

}  // namespace

AtomicFile::AtomicFile(fs::path destination) : destination_(std::move(destination)) {
  temporary_ = destination_.parent_path() / fmt::format(".{}.{}.tmp", destination_.filename().string(), ::getpid());
  remove_leftovers(destination_);
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (descriptor_ < 0) fail("cannot be created");
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::fail(const char* action) const {
  const int error = errno;
  throw Error(fmt::format("{}: {}: {}", destination_.string(), action, reason(error)),
              error == ENOSPC || error == EDQUOT || error == EFBIG
                  ? "Free some space or choose another folder; nothing was left behind."
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
  if (::fsync(descriptor_) != 0) fail("cannot be synced to disk");
  if (::rename(temporary_.c_str(), destination_.c_str()) != 0) fail("cannot be renamed into place");
  ::close(descriptor_);
  descriptor_ = -1;
  sync_folder(destination_.parent_path());
}

void write_staged_file(const fs::path& destination, std::string_view content) {
  const auto fail = [&](int error) {
    throw Error(fmt::format("{}: cannot be written: {}", destination.string(), reason(error)),
                error == ENOSPC || error == EDQUOT ? "Free some space or choose another folder."
                                                   : "Check that the folder exists and that you may write there.");
  };
  const int descriptor = ::open(destination.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
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
  ::syncfs(descriptor);
  ::close(descriptor);
}

void write_file(const fs::path& destination, std::string_view content) {
  AtomicFile file(destination);
  file.write(content);
  file.commit();
}

std::string read_file(const fs::path& path, std::uintmax_t max_bytes) {
  // O_NONBLOCK: opening a named pipe must not wait for its writer.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0)
    throw Error(fmt::format("{}: cannot be opened: {}", path.string(), reason(errno)),
                "Check the path and the permissions.");
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
    if (got < 0) throw Error(fmt::format("{}: cannot be read: {}", path.string(), reason(errno)));
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  content.resize(filled);
  return content;
}

}  // namespace cardiograd
