// A library for LD_PRELOAD that makes system calls fail, for tests and drills of what happens then.
//   CARDIOGRAD_FAIL_CALLS  names of calls, separated by commas: write, pwrite, fsync, syncfs, rename, renameat2, close
//   CARDIOGRAD_FAIL_PATH   part of the path of the files concerned (for renames, of the new name); empty: all
//   CARDIOGRAD_FAIL_ERRNO  number of the error
//   CARDIOGRAD_FAIL_NTH    the first of these calls that fails, from 1 (default); it and all later ones do
//   CARDIOGRAD_FAIL_COUNT  a file that gets a byte for each failure
//   CARDIOGRAD_FAIL_SEEN   a file that gets a byte for each of these calls, whether it fails or not
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

const char* setting(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? "" : text;
}

bool is_named(const char* call) {
  const std::string all = std::string(",") + setting("CARDIOGRAD_FAIL_CALLS") + ",";
  return all.find(std::string(",") + call + ",") != std::string::npos;
}

// Adds a byte to the file that a setting names.
void count_in(const char* name) {
  const char* path = setting(name);
  if (*path == '\0') return;
  const int file = ::open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  ::syscall(SYS_write, file, "x", 1);
  ::syscall(SYS_close, file);
}

// Whether this call is to fail; then errno is set.
bool fails(const char* call, const char* path) {
  static std::atomic<long> calls{0};
  if (!is_named(call) || std::strstr(path, setting("CARDIOGRAD_FAIL_PATH")) == nullptr) return false;
  count_in("CARDIOGRAD_FAIL_SEEN");
  const char* nth = setting("CARDIOGRAD_FAIL_NTH");
  if (++calls < (*nth == '\0' ? 1 : std::atol(nth))) return false;
  count_in("CARDIOGRAD_FAIL_COUNT");
  errno = std::atoi(setting("CARDIOGRAD_FAIL_ERRNO"));
  return true;
}

bool fails(const char* call, int descriptor) {
  if (!is_named(call)) return false;
  std::array<char, 4096> path{};
  const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
  if (::readlink(link.c_str(), path.data(), path.size() - 1) <= 0) return false;
  return path[0] == '/' && fails(call, path.data());
}

template <class Function>
Function* original(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

ssize_t write(int descriptor, const void* bytes, size_t count) {
  static auto* const real = original<ssize_t(int, const void*, size_t)>("write");
  return fails("write", descriptor) ? -1 : real(descriptor, bytes, count);
}

ssize_t pwrite(int descriptor, const void* bytes, size_t count, off_t at) {
  static auto* const real = original<ssize_t(int, const void*, size_t, off_t)>("pwrite");
  return fails("pwrite", descriptor) ? -1 : real(descriptor, bytes, count, at);
}

int fsync(int descriptor) {
  static auto* const real = original<int(int)>("fsync");
  return fails("fsync", descriptor) ? -1 : real(descriptor);
}

int syncfs(int descriptor) noexcept {
  static auto* const real = original<int(int)>("syncfs");
  return fails("syncfs", descriptor) ? -1 : real(descriptor);
}

int close(int descriptor) {
  static auto* const real = original<int(int)>("close");
  const bool failing = fails("close", descriptor);
  const int error = errno;
  const int result = real(descriptor);
  if (!failing) return result;
  errno = error;
  return -1;
}

int rename(const char* from, const char* to) noexcept {
  static auto* const real = original<int(const char*, const char*)>("rename");
  return fails("rename", to) ? -1 : real(from, to);
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) noexcept {
  static auto* const real = original<int(int, const char*, int, const char*, unsigned)>("renameat2");
  return fails("renameat2", to) ? -1 : real(from_folder, from, to_folder, to, flags);
}
}
