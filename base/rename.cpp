#include "base/rename.h"

#include <cerrno>
#include <cstdio>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/error.h"

namespace cardiograd {
namespace {

namespace fs = std::filesystem;

// The kernel or the file system does not know a flag or a call.
bool is_unknown(int error) {
  return error == ENOSYS || error == EINVAL || error == EOPNOTSUPP;
}

[[noreturn]] void fail(const fs::path& from, const fs::path& to, int error) {
  throw Error(fmt::format("{}: cannot be renamed to {}: {}", from.string(), to.string(),
                          std::generic_category().message(error)),
              "Check that you may write in that folder; nothing was changed.");
}

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(fs::symlink_status(path, ignored));
}

}  // namespace

bool rename_to_new(const fs::path& from, const fs::path& to, RenameCalls calls) {
  if (calls == RenameCalls::kBest) {
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return true;
    if (errno == EEXIST) return false;
    if (!is_unknown(errno)) fail(from, to, errno);
  }
  if (::link(from.c_str(), to.c_str()) == 0) {
    ::unlink(from.c_str());
    return true;
  }
  if (errno == EEXIST || is_there(to)) return false;
  if (::rename(from.c_str(), to.c_str()) != 0) fail(from, to, errno);  // a folder, or no hard links here
  return true;
}

bool exchange(const fs::path& a, const fs::path& b, RenameCalls calls) {
  if (calls == RenameCalls::kPortable) return false;
  if (::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0) return true;
  if (errno != ENOENT && !is_unknown(errno)) fail(a, b, errno);
  return false;
}

void sync_folder(const fs::path& folder) {
  const int descriptor = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;  // Not every folder that can be written can be opened.
  const int error = ::fsync(descriptor) == 0 ? 0 : errno;
  ::close(descriptor);
  if (error != 0 && error != EROFS && error != EBADF && !is_unknown(error))
    throw Error(fmt::format("{}: cannot be synced to disk: {}", folder.empty() ? "." : folder.string(),
                            std::generic_category().message(error)),
                "The disk reports a failure: what was written there may be lost. Look into the system's log.");
}

}  // namespace cardiograd
