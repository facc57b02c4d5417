#include "data/wfdb_decode.h"

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace cardiograd::data {
namespace {

using Samples = std::vector<std::int32_t>;

std::string bytes(std::initializer_list<int> values) {
  std::string text;
  for (const int value : values) text += static_cast<char>(value);
  return text;
}

// Values worked out by hand from signal(5).
TEST(WfdbDecode, EveryFormatByHand) {
  EXPECT_EQ(wfdb_decode(16, bytes({0x34, 0x12, 0xFF, 0xFF, 0x00, 0x80}), 3), (Samples{0x1234, -1, -32768}));
  EXPECT_EQ(wfdb_decode(24, bytes({0x56, 0x34, 0x12, 0xFE, 0xFF, 0xFF}), 2), (Samples{0x123456, -2}));
  EXPECT_EQ(wfdb_decode(32, bytes({0x78, 0x56, 0x34, 0x12, 0x00, 0x00, 0x00, 0x80}), 2),
            (Samples{0x12345678, std::numeric_limits<std::int32_t>::min()}));
  EXPECT_EQ(wfdb_decode(80, bytes({0x00, 0x80, 0xFF}), 3), (Samples{-128, 0, 127}));
  // 0x7FF and -0x800: low bytes FF and 00, nibbles 7 (first, low) and 8 (second, high).
  EXPECT_EQ(wfdb_decode(212, bytes({0xFF, 0x87, 0x00, 0x01, 0xF0}), 3), (Samples{2047, -2048, 1}));
  EXPECT_EQ(wfdb_decode(8, bytes({0x01, 0xFF}), 2), (Samples{1, -1}));
  EXPECT_EQ(wfdb_decode(61, bytes({0x12, 0x34, 0xFF, 0xFE}), 2), (Samples{0x1234, -2}));
  EXPECT_EQ(wfdb_decode(160, bytes({0x00, 0x80, 0x00, 0x00, 0xFF, 0xFF}), 3), (Samples{0, -32768, 32767}));
  // 1, -1 and 0x155 = 01010 10101: words 1 << 1 | 10101 << 11 and 3FF << 1 | 01010 << 11.
  EXPECT_EQ(wfdb_decode(310, bytes({0x02, 0xA8, 0xFE, 0x57}), 3), (Samples{1, -1, 0x155}));
  // 1 | 0x3FF << 10 | 0x155 << 20.
  EXPECT_EQ(wfdb_decode(311, bytes({0x01, 0xFC, 0x5F, 0x15}), 3), (Samples{1, -1, 0x155}));
}

TEST(WfdbDecode, SizesAreInverseToEachOther) {
  for (const int format : {8, 16, 24, 32, 61, 80, 160, 212, 310, 311})
    for (std::int64_t count = 0; count < 20; ++count)
      // Two last samples of format 310 take the bytes of three.
      EXPECT_EQ(wfdb_capacity(format, wfdb_bytes(format, count)), count + (format == 310 && count % 3 == 2 ? 1 : 0))
          << format;
  EXPECT_EQ(wfdb_bytes(212, 3), 5);
  EXPECT_EQ(wfdb_capacity(212, 4), 2);
  EXPECT_EQ(wfdb_capacity(16, 5), 2);
  EXPECT_EQ(wfdb_bytes(310, 4), 6);
  EXPECT_EQ(wfdb_bytes(311, 5), 7);
}

}  // namespace
}  // namespace cardiograd::data
