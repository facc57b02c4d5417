#include "report/markup.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/report/xml_check.h"

namespace cardiograd::report {
namespace {

TEST(Markup, EscapesWhatWouldBeRead) {
  EXPECT_EQ(escape("a<b> & \"c\" 'd'"), "a&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;");
  EXPECT_EQ(escape("Fu\u00DF \u2013 \U0001F600"), "Fu\u00DF \u2013 \U0001F600");
  EXPECT_EQ(escape(std::string_view("a\0b\x01\x1B\x7F\r\n\tc", 10)), "ab\n\tc");
}

TEST(Markup, BytesThatAreNoTextAreReplaced) {
  const std::string mark = "\xEF\xBF\xBD";
  EXPECT_EQ(escape("a\xFF"), "a" + mark);
  EXPECT_EQ(escape("\xC3"), mark);                                   // begun, not ended
  EXPECT_EQ(escape("\xC3("), mark + "(");                            // ended by another character
  EXPECT_EQ(escape("\xC0\xBC"), mark + mark);                        // an overlong '<'
  EXPECT_EQ(escape("\xE0\x80\xBC"), mark + mark + mark);             // again
  EXPECT_EQ(escape("\xED\xA0\x80"), mark + mark + mark);             // half a surrogate pair
  EXPECT_EQ(escape("\xF4\x90\x80\x80"), mark + mark + mark + mark);  // above the last character
  EXPECT_EQ(escape("\xF0\x90\x8D"), mark + mark + mark);
}

TEST(Markup, ElementsCloseInOrder) {
  Markup markup;
  markup.open("p", {{"class", "a\"b"}, {"id", ""}, {"x", 1.5}, {"n", 3}}).text("1 < 2").empty("br").close("p");
  EXPECT_EQ(markup.str(), "<p class=\"a&quot;b\" x=\"1.5\" n=\"3\">1 &lt; 2<br/></p>\n");
  Markup open;
  open.open("b");
  EXPECT_THROW(static_cast<void>(open.str()), Error);
  EXPECT_THROW(open.close("i"), Error);
  EXPECT_THROW(Markup().append(open), Error);
  EXPECT_THROW(Markup().close("b"), Error);
}

TEST(Markup, NumbersAreShortAndFinite) {
  EXPECT_EQ(compact(2.0), "2");
  EXPECT_EQ(compact(-0.001), "0");
  EXPECT_EQ(compact(-1.25), "-1.25");
  EXPECT_EQ(compact(100), "100");
  EXPECT_EQ(compact(0.5), "0.5");
  EXPECT_THROW(compact(std::nan("")), Error);
  EXPECT_THROW(compact(INFINITY), Error);
}

TEST(XmlCheck, RefusesWhatIsNotWellFormed) {
  using cardiograd::testing::XmlCheck;
  EXPECT_EQ(XmlCheck("<!DOCTYPE html>\n<a b=\"c\"><d/>x&amp;</a>").elements().size(), 2U);
  for (const char* bad :
       {"", "x", "<a>", "</a>", "<a></b>", "<a b></a>", "<a b='c'/>", "<a b=\"c\" b=\"d\"/>", "<a>&x;</a>", "<a>&</a>",
        "<a>1 > 2</a>", "<a b=\"<\"/>", "<a id=\"x\"><b id=\"x\"/></a>", "<a>\x01</a>", "<a><![CDATA[</a>"})
    EXPECT_THROW(XmlCheck{bad}, std::runtime_error) << bad;
}

}  // namespace
}  // namespace cardiograd::report
