#include "data/mapped_signals.h"

#include <cstdint>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/file.h"
#include "data/dataset.h"
#include "tests/common/temporary_folder.h"

namespace cardiograd::data {
namespace {

using cardiograd::testing::TemporaryFolder;

MappedFile file_of(const std::filesystem::path& path, const std::string& head,
                   const std::vector<std::int16_t>& values) {
  write_file(path, head + std::string(reinterpret_cast<const char*>(values.data()), 2 * values.size()));
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  MappedFile file(descriptor, path);
  ::close(descriptor);
  return file;
}

TEST(MappedSignals, RecordsOfSeveralFilesInTheirOrder) {
  TemporaryFolder folder;
  Dataset set;
  set.samples = 2;
  set.leads = 1;
  const auto signals = std::make_shared<MappedSignals>(2);
  signals->add(file_of(folder / "a", "head", {1, 2, 3, 4, 5, 6}), 4, {0, 2});
  signals->add(file_of(folder / "b", "", {}), 0, {});
  signals->add(file_of(folder / "c", "longer", {7, 8, 9, 10}), 6, {1});
  ASSERT_EQ(signals->records(), 3);
  EXPECT_EQ(signals->values(), 2);
  set.mapped = signals;
  const std::vector<std::vector<std::int16_t>> expected = {{1, 2}, {5, 6}, {9, 10}};
  for (const int round : {1, 2})
    for (std::int64_t record = 0; record < 3; ++record) {
      signals->will_need(record);
      const RecordSignal signal = set.signal_of(record);
      EXPECT_EQ(std::vector<std::int16_t>(signal.data(), signal.data() + 2), expected[static_cast<std::size_t>(record)])
          << round;
    }
}

TEST(MappedSignals, ASetInMemoryIsReadInTheSameWay) {
  Dataset set;
  set.samples = 2;
  set.leads = 2;
  set.signals = {1, 2, 3, 4, 5, 6, 7, 8};
  EXPECT_EQ(set.signal_of(0).data()[0], 1);
  EXPECT_EQ(set.signal_of(1).data()[3], 8);
}

}  // namespace
}  // namespace cardiograd::data
