// The memory that a call takes at its height.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>

namespace cardiograd::testing {

// A line of /proc/self/status in bytes: "VmRSS", "VmHWM".
inline std::size_t status_bytes(const std::string& name) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(name + ":"))
      return std::strtoull(line.c_str() + name.size() + 1, nullptr, 10) * 1024;  // NOLINT(bugprone-unsafe-functions)
  return 0;
}

// How many bytes more the process had in memory during `call` than before; nothing where the system does not tell, or
// counts a sanitizer's own.
template <class Call>
std::optional<std::size_t> peak_memory(Call call) {
#if defined(__SANITIZE_ADDRESS__)
  constexpr bool kSanitized = true;
#else
  constexpr bool kSanitized = false;
#endif
  const bool is_reset = !kSanitized && std::ofstream("/proc/self/clear_refs") << "5" << std::flush;  // VmHWM
  const std::size_t before = status_bytes("VmRSS");
  call();
  if (!is_reset) return std::nullopt;
  const std::size_t peak = status_bytes("VmHWM");
  return before == 0 || peak < before ? std::nullopt : std::optional(peak - before);
}

}  // namespace cardiograd::testing
