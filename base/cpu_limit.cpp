#include "base/cpu_limit.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <fstream>
#include <string>

namespace cardiograd {

std::optional<int> cpus_of_quota(std::string_view text) {
  const char* end = text.data() + text.size();
  std::int64_t quota = 0, period = 0;
  const auto first = std::from_chars(text.data(), end, quota);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != ' ') return std::nullopt;
  const auto second = std::from_chars(first.ptr + 1, end, period);
  if (second.ec != std::errc() || quota <= 0 || period <= 0) return std::nullopt;
  constexpr std::int64_t kMost = 1 << 20;
  return static_cast<int>(std::min(kMost, (quota - 1) / period + 1));
}

std::optional<int> cpu_limit(const std::filesystem::path& mount, const std::filesystem::path& self) {
  constexpr std::string_view kVersion2 = "0::/";
  std::ifstream groups(self);
  std::optional<int> least;
  for (std::string line; std::getline(groups, line);) {
    if (!line.starts_with(kVersion2)) continue;
    // In a container the group's own folder may be the mount itself.
    std::filesystem::path group = mount / line.substr(kVersion2.size());
    for (;; group = group.parent_path()) {
      std::string text;
      std::ifstream file(group / "cpu.max");
      if (std::getline(file, text))
        if (const auto cpus = cpus_of_quota(text)) least = std::min(least.value_or(*cpus), *cpus);
      if (group == mount || !group.has_relative_path()) break;
    }
  }
  return least;
}

}  // namespace cardiograd
