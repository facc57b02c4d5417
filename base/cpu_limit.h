// How many processors a container lets its processes use.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

namespace cardiograd {

// Processors that control groups of version 2 grant this process, rounded up to whole ones: the least quota of its
// group and the groups around it. Nothing where there is no limit, or no such groups. `mount` is where they are
// mounted, `self` names this process's group.
//   https://docs.kernel.org/admin-guide/cgroup-v2.html, cpu.max
std::optional<int> cpu_limit(const std::filesystem::path& mount = "/sys/fs/cgroup",
                             const std::filesystem::path& self = "/proc/self/cgroup");

// Of the text of a cpu.max, such as "150000 100000": 2. Nothing for "max 100000" and for other text.
std::optional<int> cpus_of_quota(std::string_view text);

}  // namespace cardiograd
