// Sectors and wavefronts of single requests, counted by hand.
#include "simt/memory_rules.h"

#include <functional>

#include <gtest/gtest.h>

namespace cardiograd::simt {
namespace {

constexpr std::uint32_t kAll = 0xFFFFFFFFU;

// Lane l asks for `width` bytes at address(l).
Request request(int width, std::uint32_t lanes, const std::function<int(int)>& address) {
  Request made;
  made.width = static_cast<std::uint8_t>(width);
  made.lanes = lanes;
  for (int lane = 0; lane < kWarpSize; ++lane) {
    made.address[static_cast<std::size_t>(lane)] = static_cast<std::uintptr_t>(address(lane));
    made.used[static_cast<std::size_t>(lane)] = static_cast<std::uint8_t>(width);
  }
  return made;
}

void expect_sectors(const Request& request, int sectors, int min_sectors) {
  EXPECT_EQ(count_sectors(request).sectors, sectors);
  EXPECT_EQ(count_sectors(request).min_sectors, min_sectors);
}

void expect_wavefronts(const Request& request, int wavefronts, int min_wavefronts) {
  EXPECT_EQ(count_wavefronts(request).wavefronts, wavefronts);
  EXPECT_EQ(count_wavefronts(request).min_wavefronts, min_wavefronts);
}

TEST(MemoryRules, Sectors) {
  expect_sectors(request(4, kAll, [](int lane) { return 4 * lane; }), 4, 4);
  expect_sectors(request(4, kAll, [](int lane) { return 4 * (31 - lane); }), 4, 4);  // any order
  expect_sectors(request(4, kAll, [](int lane) { return 4 * lane + 4; }), 5, 4);
  expect_sectors(request(4, kAll, [](int) { return 64; }), 1, 1);
  expect_sectors(request(4, kAll, [](int lane) { return 8 * lane; }), 8, 4);
  expect_sectors(request(4, kAll, [](int lane) { return 32 * lane; }), 32, 4);
  expect_sectors(request(1, kAll, [](int lane) { return lane; }), 1, 1);
  expect_sectors(request(2, kAll, [](int lane) { return 2 * lane + 16; }), 3, 2);
  expect_sectors(request(8, kAll, [](int lane) { return 8 * lane; }), 8, 8);
  expect_sectors(request(16, kAll, [](int lane) { return 16 * lane; }), 16, 16);
  expect_sectors(request(4, 0x80000001U, [](int lane) { return 4 * lane; }), 2, 1);
  expect_sectors(request(4, 0, [](int lane) { return lane; }), 0, 0);
}

TEST(MemoryRules, WordsInOneBankAreServedOneByOne) {
  for (const int stride : {1, 3, 5, 7, 31, 33})
    expect_wavefronts(request(4, kAll, [=](int lane) { return 4 * stride * lane; }), 1, 1);
  for (const int ways : {2, 4, 8, 16, 32})
    expect_wavefronts(request(4, kAll, [=](int lane) { return 4 * ways * lane; }), ways, 1);
  expect_wavefronts(request(4, 0x0000FFFFU, [](int lane) { return 128 * lane; }), 16, 1);
}

TEST(MemoryRules, EqualWordsAreBroadcast) {
  expect_wavefronts(request(4, kAll, [](int) { return 12; }), 1, 1);
  expect_wavefronts(request(4, kAll, [](int lane) { return 128 * (lane % 2); }), 2, 1);
  expect_wavefronts(request(1, kAll, [](int lane) { return lane; }), 1, 1);        // eight words
  expect_wavefronts(request(2, kAll, [](int lane) { return 64 * lane; }), 16, 1);  // two banks
}

TEST(MemoryRules, EightBytesGoByHalves) {
  expect_wavefronts(request(8, kAll, [](int lane) { return 8 * lane; }), 2, 2);
  expect_wavefronts(request(8, kAll, [](int lane) { return 16 * lane; }), 4, 2);
  expect_wavefronts(request(8, kAll, [](int) { return 0; }), 2, 2);
  expect_wavefronts(request(8, 0xFFFF0000U, [](int lane) { return 128 * lane; }), 16, 1);
}

TEST(MemoryRules, SixteenBytesGoByQuarters) {
  expect_wavefronts(request(16, kAll, [](int lane) { return 16 * lane; }), 4, 4);
  expect_wavefronts(request(16, kAll, [](int lane) { return 32 * lane; }), 8, 4);
  expect_wavefronts(request(16, kAll, [](int lane) { return 128 * lane; }), 32, 4);
  expect_wavefronts(request(16, kAll, [](int lane) { return 144 * lane; }), 4, 4);  // padded by 16 bytes
  expect_wavefronts(request(16, 0x000000FFU, [](int lane) { return 128 * lane; }), 8, 1);
}

}  // namespace
}  // namespace cardiograd::simt
