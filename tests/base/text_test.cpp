#include "base/text.h"

#include <string>

#include <gtest/gtest.h>

namespace cardiograd {
namespace {

// RFC 3629: bounds of each length, and what lies just outside.
TEST(Text, Utf8) {
  for (const char* good : {"", "a", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
                           "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "Größe"})
    EXPECT_TRUE(is_utf8(good)) << printable(good);
  for (const char* bad : {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
                          "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "a\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xc3("})
    EXPECT_FALSE(is_utf8(bad)) << printable(bad);
}

TEST(Text, NamesThatCannotBe) {
  for (const char* good : {"MI", "a b", "Größe", "心", "a\\n", "x\u00A0y", "LAFB/LPFB"})
    EXPECT_EQ(name_fault(good), "") << good;
  EXPECT_EQ(name_fault(""), "is empty");
  EXPECT_EQ(name_fault("a\xff"), "is not UTF-8");
  for (const char* name : {" a", "\ta",
                           "\u00A0"
                           "a"})
    EXPECT_EQ(name_fault(name), "begins with a blank");
  for (const char* name : {"a ", "a\t", "a\u00A0"}) EXPECT_EQ(name_fault(name), "ends with a blank");
  for (const char* name : {"a\nb", "a\r",
                           "a\u0085"
                           "b",
                           "a\u2028"
                           "b"})
    EXPECT_EQ(name_fault(name), "has a line break");
  for (const char* name : {"a\x1b[31m", "\x07",
                           "a\x7f"
                           "b",
                           "a\tb",
                           "a\u009b"
                           "b"})
    EXPECT_EQ(name_fault(name), "has a control character");
  EXPECT_EQ(name_fault(std::string("a\0b", 3)), "has a control character");
}

TEST(Text, PrintableIsOneLineWithoutEscapes) {
  EXPECT_EQ(printable("Größe\t1\r\n2"), "Größe 1  2");
  EXPECT_EQ(printable("a\x1b[31mb\x7f\x07"), "a\\x1b[31mb\\x7f\\x07");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "\\xc2\\x9b31m");  // CSI in one character
  EXPECT_EQ(printable("\xff\xc3"), "\\xff\\xc3");
  EXPECT_EQ(printable(std::string("a\0b", 3)), "a\\x00b");
  EXPECT_EQ(printable_lines("a\x1b\n\nb"), "a\\x1b\n\nb");
  EXPECT_EQ(printable_lines("a\n"), "a\n");
}

}  // namespace
}  // namespace cardiograd
