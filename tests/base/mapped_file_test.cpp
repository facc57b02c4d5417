#include "base/mapped_file.h"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <string>
#include <utility>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/common/expect_error.h"
#include "tests/common/temporary_folder.h"

namespace cardiograd {
namespace {

using testing::expect_error;
using testing::TemporaryFolder;

MappedFile mapped(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  MappedFile file(descriptor, path);
  ::close(descriptor);
  return file;
}

std::string content(const MappedFile& file) {
  return {reinterpret_cast<const char*>(file.data()), file.size()};
}

// kB of files that are mapped into this process.
long mapped_kilobytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("RssFile:")) return std::stol(line.substr(8));
  return -1;
}

TEST(MappedFile, HoldsTheContentThatItWasMadeOf) {
  TemporaryFolder folder;
  write_file(folder / "a", "some bytes");
  const MappedFile file = mapped(folder / "a");
  EXPECT_EQ(content(file), "some bytes");
  write_file(folder / "a", "others");
  EXPECT_EQ(content(file), "some bytes") << "the name is another file's now";
  std::filesystem::remove(folder / "a");
  EXPECT_EQ(content(file), "some bytes");
}

TEST(MappedFile, MovesAndMayBeEmpty) {
  TemporaryFolder folder;
  write_file(folder / "a", "bytes");
  write_file(folder / "empty", "");
  MappedFile a = mapped(folder / "a");
  MappedFile b = std::move(a);
  EXPECT_EQ(content(b), "bytes");
  b = mapped(folder / "empty");
  EXPECT_EQ(b.size(), 0U);
  b.will_need(0, 10);
  b.let_go(0, 10);
  expect_error([] { MappedFile(-1, "/some/file"); }, {"/some/file: cannot be mapped: "});
}

TEST(MappedFile, WhatIsLetGoLeavesTheMemoryAndCanBeReadAgain) {
  constexpr std::size_t kSize = std::size_t{48} << 20, kPart = 24000;
  TemporaryFolder folder;
  std::string bytes(kSize, '\0');
  for (std::size_t i = 0; i < kSize; ++i) bytes[i] = static_cast<char>(i % 251);
  write_file(folder / "a", bytes);
  const MappedFile file = mapped(folder / "a");
  const long before = mapped_kilobytes();
  ASSERT_GT(before, 0);
  EXPECT_TRUE(content(file) == bytes);
  EXPECT_GT(mapped_kilobytes(), before + 40'000) << "this test would see what stays";
  file.let_go(0, kSize);
  for (const int round : {1, 2}) {
    long most = 0;
    for (std::size_t at = 0; at < kSize; at += kPart) {
      const std::size_t count = std::min(kPart, kSize - at);
      file.will_need(at, count);
      EXPECT_TRUE(std::equal(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                             bytes.begin() + static_cast<std::ptrdiff_t>(at + count),
                             reinterpret_cast<const char*>(file.data()) + at));
      most = std::max(most, mapped_kilobytes());
      file.let_go(at, count);
    }
    EXPECT_LT(most, before + 10'000) << "round " << round;  // some file systems map 2 MB at once
  }
}

}  // namespace
}  // namespace cardiograd
