#include "base/enum_words.h"

#include <string>

#include <gtest/gtest.h>

namespace cardiograd {
namespace {

enum class Color { kRed, kGreen };
constexpr EnumWords<Color, 2> enum_words(Color) {
  return {{{Color::kRed, "red", "warm"}, {Color::kGreen, "green", "cool"}}};
}

TEST(EnumWords, EachWordNamesItsValue) {
  static_assert(word_of(Color::kGreen) == "green");
  static_assert(value_of<Color>("red") == Color::kRed);
  EXPECT_EQ(parse_word<Color>("color", "green"), Color::kGreen);
  EXPECT_EQ(value_of<Color>("Red"), std::nullopt);
  EXPECT_EQ(value_of<Color>(""), std::nullopt);
  EXPECT_EQ(word_of(static_cast<Color>(7)), "");
}

TEST(EnumWords, AnUnknownWordIsRefusedWithTheNearest) {
  try {
    parse_word<Color>("color", "gren");
    FAIL() << "expected a UsageError";
  } catch (const UsageError& error) {
    EXPECT_EQ(std::string(error.what()), "color is 'gren', expected red, green");
    EXPECT_EQ(error.hint(), "Nearest: green.");
  }
}

}  // namespace
}  // namespace cardiograd
