#include "data/wfdb_flac.h"

#include <string>

#include <gtest/gtest.h>

#include "data/wfdb.h"
#include "tests/common/temporary_folder.h"
#include "tests/data/helpers.h"

namespace cardiograd::data {
namespace {

using cardiograd::testing::TemporaryFolder;
using testing::expect_error;
using testing::golden_folder;

// What it decodes is compared with the Python package in wfdb_test.cpp.
TEST(WfdbFlac, DamageIsNoticed) {
  const std::string whole = read_file(golden_folder() / "wfdb/format516.flac");
  ASSERT_EQ(decode_flac(whole, 16, 1000, "a").size(), 3U);
  for (std::size_t size = 0; size < whole.size(); size += 7)
    ASSERT_THROW(decode_flac(whole.substr(0, size), 16, 1000, "a"), Error) << size;
  for (std::size_t at = whole.size() - 40; at < whole.size(); ++at) {
    std::string bad = whole;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    ASSERT_THROW(decode_flac(bad, 16, 1000, "a"), Error) << at;
  }
  expect_error([&] { decode_flac("RIFF", 16, 1000, "a.flac"); }, {"a.flac: no FLAC stream"});
  expect_error([&] { decode_flac(whole, 16, 50, "a.flac"); }, {"more than 50 samples"});
  expect_error([&] { decode_flac(whole, 8, 1000, "a.flac"); }, {"samples of 16 bits, expected at most 8"});
}

TEST(WfdbFlac, HeadersThatDoNotFit) {
  const TemporaryFolder folder;
  write_file(folder / "a.flac", read_file(golden_folder() / "wfdb/format516.flac"));
  const auto header = [&](const std::string& text) { write_file(folder / "r.hea", text); };
  header("r 2 250 37\na.flac 516 200 16\na.flac 516 200 16\n");
  expect_error([&] { read_wfdb(folder / "r"); }, {"a.flac: 3 channels, expected 2"});
  header("r 3 250 38\na.flac 516 200 16\na.flac 516 200 16\na.flac 516 200 16\n");
  expect_error([&] { read_wfdb(folder / "r"); }, {"a.flac: truncated: 37 samples, expected 38"});
  header("r 3 250\na.flac 516 200 16\na.flac 516 200 16\na.flac 516 200 16\n");
  EXPECT_EQ(read_wfdb(folder / "r").signal.rows(), 37);
  header("r 3 250\na.flac 516x5 200 16\na.flac 516x5 200 16\na.flac 516x5 200 16\n");
  EXPECT_EQ(read_wfdb(folder / "r").signal.rows(), 7);
}

}  // namespace
}  // namespace cardiograd::data
