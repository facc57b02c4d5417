#include "base/hash.h"

#include <string>

#include <gtest/gtest.h>

namespace cardiograd {
namespace {

// The published value of no bytes, and that pieces make no difference.
TEST(Hash, IsXxh3OfAllBytes) {
  EXPECT_EQ(to_string(content_hash("")), "99aa06d3014798d86001c324468d497f");
  const std::string text(10'000, 'x');
  for (const std::size_t piece : {1, 7, 240, 4096}) {
    Hasher hasher;
    for (std::size_t at = 0; at < text.size(); at += piece) hasher.update(std::string_view(text).substr(at, piece));
    EXPECT_EQ(hasher.digest(), content_hash(text)) << piece;
  }
  EXPECT_FALSE(content_hash("a") == content_hash("b"));
}

}  // namespace
}  // namespace cardiograd
