#include "base/cpu_limit.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "base/file.h"
#include "tests/common/temporary_folder.h"

namespace cardiograd {
namespace {

namespace fs = std::filesystem;
using testing::TemporaryFolder;

TEST(CpuLimit, QuotasAreRoundedUp) {
  EXPECT_EQ(cpus_of_quota("200000 100000\n"), 2);
  EXPECT_EQ(cpus_of_quota("150000 100000"), 2);
  EXPECT_EQ(cpus_of_quota("100000 100000"), 1);
  EXPECT_EQ(cpus_of_quota("1000 100000"), 1);
  EXPECT_EQ(cpus_of_quota("9223372036854775807 1"), 1 << 20);
  for (const char* text : {"max 100000", "", "0 100000", "-1 100000", "5", "5 ", "5 x", "5 0", "x 100000"})
    EXPECT_FALSE(cpus_of_quota(text).has_value()) << text;
}

TEST(CpuLimit, TheLeastOfAllGroupsAroundCounts) {
  TemporaryFolder folder;
  const fs::path mount = folder / "cgroup", self = folder / "self";
  fs::create_directories(mount / "a/b");
  write_file(self, "12:cpu:/old\n0::/a/b\n");
  EXPECT_FALSE(cpu_limit(mount, self).has_value());
  write_file(mount / "a/b/cpu.max", "max 100000\n");
  EXPECT_FALSE(cpu_limit(mount, self).has_value());
  write_file(mount / "a/cpu.max", "250000 100000\n");
  EXPECT_EQ(cpu_limit(mount, self), 3);
  write_file(mount / "a/b/cpu.max", "50000 50000\n");
  EXPECT_EQ(cpu_limit(mount, self), 1);
  write_file(mount / "a/b/cpu.max", "900000 100000\n");
  EXPECT_EQ(cpu_limit(mount, self), 3);
  write_file(mount / "cpu.max", "200000 100000\n");
  EXPECT_EQ(cpu_limit(mount, self), 2);
  write_file(self, "0::/\n");
  EXPECT_EQ(cpu_limit(mount, self), 2);
  write_file(self, "0::/../outside\n");  // as a container sees a group that is not below its own
  EXPECT_TRUE(cpu_limit(mount, self).value_or(2) == 2);
  write_file(self, "1:cpu:/a\n");
  EXPECT_FALSE(cpu_limit(mount, self).has_value());
  EXPECT_FALSE(cpu_limit(mount, folder / "none").has_value());
}

}  // namespace
}  // namespace cardiograd
