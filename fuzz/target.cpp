#include "fuzz/target.h"

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <map>
#include <string>

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "base/threads.h"

// Of AddressSanitizer's <sanitizer/allocator_interface.h>, which g++ comes without.
extern "C" {
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void*, std::size_t),
                                              void (*on_free)(const volatile void*));
std::size_t __sanitizer_get_allocated_size(const volatile void* memory);
}

namespace cardiograd::fuzz {
namespace {

constexpr double kMaxSeconds = 1;

struct Entry {
  Parse parse = nullptr;
  std::size_t max_bytes = 0;
};

std::map<std::string, Entry, std::less<>>& targets() {
  static std::map<std::string, Entry, std::less<>> all;
  return all;
}

Entry chosen;

std::atomic<std::int64_t> live{0};
std::atomic<std::int64_t> peak{0};

void on_malloc(const volatile void*, std::size_t size) {
  const std::int64_t now = live += static_cast<std::int64_t>(size);
  std::int64_t before = peak;
  while (now > before && !peak.compare_exchange_weak(before, now)) {
  }
}

void on_free(const volatile void* memory) {
  if (memory != nullptr) live -= static_cast<std::int64_t>(__sanitizer_get_allocated_size(memory));
}

double processor_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

void check_limits(std::size_t size, double seconds, std::int64_t bytes) {
  if (!(seconds <= kMaxSeconds)) fail(fmt::format("{:.2f} s for an input of {} bytes", seconds, size));
  if (bytes > static_cast<std::int64_t>(chosen.max_bytes + 10 * size))
    fail(fmt::format("{} bytes of memory for an input of {}", bytes, size));
}

// Of --target=<name>; libFuzzer passes over options with two dashes. Without one the names are listed.
void choose(int argc, char** argv) {
  constexpr std::string_view kOption = "--target=";
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (!argument.starts_with(kOption)) continue;
    const auto found = targets().find(argument.substr(kOption.size()));
    if (found != targets().end()) chosen = found->second;
  }
  if (chosen.parse != nullptr) return;
  for (const auto& [name, entry] : targets()) std::puts(name.c_str());
  std::fputs("error: no such target\nhint: Give --target= and one of these names.\n", stderr);
  std::exit(2);
}

}  // namespace

Target::Target(const char* name, Parse parse, std::size_t max_bytes) {
  targets()[name] = {parse, max_bytes};
}

void fail(std::string_view what) {
  std::fputs(fmt::format("finding: {}\n", what).c_str(), stderr);
  std::abort();
}

std::filesystem::path file_with(std::string_view content) {
  static const int descriptor = ::memfd_create("fuzz", 0);
  if (descriptor < 0 || ::ftruncate(descriptor, 0) != 0 ||
      ::pwrite(descriptor, content.data(), content.size(), 0) != static_cast<ssize_t>(content.size()))
    fail("the file cannot be written");
  return fmt::format("/proc/self/fd/{}", descriptor);
}

}  // namespace cardiograd::fuzz

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  using namespace cardiograd;
  fuzz::choose(*argc, *argv);
  set_thread_count(1);
  if (__sanitizer_install_malloc_and_free_hooks(fuzz::on_malloc, fuzz::on_free) == 0) fuzz::fail("no hooks for malloc");
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace cardiograd;
  const std::int64_t before = fuzz::live;
  fuzz::peak = before;
  const double begin = fuzz::processor_seconds();
  try {
    fuzz::chosen.parse({reinterpret_cast<const char*>(bytes), size});
  } catch (const Error&) {  // The parser refuses the input.
  }
  fuzz::check_limits(size, fuzz::processor_seconds() - begin, fuzz::peak - before);
  return 0;
}
