#include "data/gzip.h"

#include <string>

#include <gtest/gtest.h>

#include "tests/data/helpers.h"

namespace cardiograd::data {
namespace {

using testing::expect_error;

// "time,I\n0,1\n", as gzip -n writes it.
const std::string kCompressed = std::string(
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x2b\xc9\xcc\x4d\xd5\xf1\xe4\x32\xd0\x31\xe4\x02\x00\x6f\xce"
    "\xa7\xb0\x0b\x00\x00\x00",
    31);

TEST(Gzip, UnpacksAllMembers) {
  EXPECT_TRUE(is_gzip(kCompressed));
  EXPECT_FALSE(is_gzip("time"));
  EXPECT_EQ(gunzip(kCompressed, 100, "a.gz"), "time,I\n0,1\n");
  EXPECT_EQ(gunzip(kCompressed + kCompressed, 100, "a.gz"), "time,I\n0,1\ntime,I\n0,1\n");
  EXPECT_EQ(gunzip(kCompressed + "padding", 100, "a.gz"), "time,I\n0,1\n");
}

TEST(Gzip, DamageIsNamed) {
  for (std::size_t size = 1; size < kCompressed.size(); ++size)
    expect_error([&] { gunzip(kCompressed.substr(0, size), 100, "a.gz"); }, {"a.gz: compressed with gzip: "});
  std::string bad = kCompressed;
  bad[24] = 'x';
  expect_error([&] { gunzip(bad, 100, "a.gz"); }, {"damaged: incorrect data check"});
  expect_error([&] { gunzip(kCompressed, 10, "a.gz"); }, {"more than 10 bytes"});
}

}  // namespace
}  // namespace cardiograd::data
