#include "model/config_field.h"

#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>

#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/data/helpers.h"

namespace cardiograd::model {
namespace {

using data::testing::expect_error;

enum class Color { kRed, kGreen };
constexpr EnumWords<Color, 2> enum_words(Color) {
  return {{{Color::kRed, "red", "warm"}, {Color::kGreen, "green", "cool"}}};
}

constexpr std::array<std::int64_t, 3> kChoices = {1, 2, 5};

struct Values {
  std::string text = "a 'b'";
  bool flag = true;
  std::int64_t whole = 3;
  double number = 1;
  std::vector<std::int64_t> list = {1, 2};
  Color color = Color::kRed;
};

std::vector<ConfigField> fields_of(Values& v) {
  return {{.section = "s", .key = "text", .value = &v.text, .help = "a text"},
          {.section = "s", .key = "flag", .value = &v.flag, .help = "a flag", .option = "--flag"},
          {.section = "s", .key = "whole", .value = &v.whole, .help = "a count", .range = {.min = 1, .max = 9}},
          {.section = "s",
           .key = "number",
           .value = &v.number,
           .help = "a fraction",
           .range = {.min = 0, .max = 2, .below_max = true},
           .option = "--number",
           .old_key = "old_number"},
          {.section = "s", .key = "list", .value = &v.list, .help = "a list", .range = {.choices = kChoices}},
          {.section = "s", .key = "color", .value = &v.color, .help = "a color", .option = "--color"}};
}

TEST(ConfigField, TextsAreToml) {
  Values v;
  const auto fields = fields_of(v);
  EXPECT_EQ(field_named(fields, "text").text(), "\"a 'b'\"");
  EXPECT_EQ(field_named(fields, "flag").text(), "true");
  EXPECT_EQ(field_named(fields, "whole").text(), "3");
  EXPECT_EQ(field_named(fields, "number").text(), "1.0");
  EXPECT_EQ(field_named(fields, "list").text(), "[1, 2]");
  EXPECT_EQ(field_named(fields, "s.color").text(), "'red'");
  EXPECT_THROW(field_named(fields, "size"), std::logic_error);
}

TEST(ConfigField, SaysWhatIsAllowed) {
  Values v;
  const auto fields = fields_of(v);
  EXPECT_EQ(field_named(fields, "whole").allowed(), "1 to 9");
  EXPECT_EQ(field_named(fields, "number").allowed(), "0 or more and less than 2");
  EXPECT_EQ(field_named(fields, "list").allowed(), "each 1, 2, 5");
  EXPECT_EQ(field_named(fields, "color").allowed(), "red, green");
  EXPECT_EQ(field_named(fields, "color").option_help(), "a color: red (warm), green (cool); default red");
  EXPECT_EQ(field_named(fields, "color").option_help("as painted"), "a color: red (warm), green (cool); as painted");
  EXPECT_EQ(field_named(fields, "whole").option_help(), "a count; default 3");
  EXPECT_EQ(field_named(fields, "flag").option_help(), "a flag");
  EXPECT_EQ(field_named(fields, "number").old_option(), "--old-number");
  EXPECT_EQ(field_named(fields, "color").old_option(), "");
}

TEST(ConfigField, AssignsOnlyWhatFits) {
  Values v;
  const auto fields = fields_of(v);
  field_named(fields, "number").assign(std::int64_t{7}, "number");
  EXPECT_EQ(v.number, 7);
  field_named(fields, "color").assign("green", "color");
  EXPECT_EQ(v.color, Color::kGreen);
  field_named(fields, "list").assign(std::vector<std::int64_t>{5}, "list");
  EXPECT_EQ(v.list, std::vector<std::int64_t>{5});
  expect_error([&] { field_named(fields, "whole").assign(1.5, "--whole"); }, {"--whole is not a whole number"});
  expect_error([&] { field_named(fields, "flag").assign(std::int64_t{1}, "flag"); }, {"flag is not true or false"});
  expect_error([&] { field_named(fields, "text").assign(true, "text"); }, {"text is not a text"});
  expect_error([&] { field_named(fields, "color").assign("blue", "color"); }, {"color is 'blue', expected red, green"});
  EXPECT_EQ(v.color, Color::kGreen);
}

TEST(ConfigField, ChecksRanges) {
  Values v;
  const auto fields = fields_of(v);
  EXPECT_NO_THROW(check_fields(fields));
  const auto refused = [&](const char* part) {
    EXPECT_THROW(check_fields(fields), UsageError) << part;
    expect_error([&] { check_fields(fields); }, {part});
    v = {};
  };
  v.whole = 0;
  refused("whole is 0, expected 1 to 9");
  v.whole = 10;
  refused("whole is 10, expected 1 to 9");
  v.number = 2;
  refused("number is 2, expected 0 or more and less than 2");
  v.number = std::nan("");
  refused("number is nan");
  v.number = std::numeric_limits<double>::infinity();
  refused("number is inf");
  v.list = {1, 3};
  refused("list is [1, 3], expected each 1, 2, 5");
}

}  // namespace
}  // namespace cardiograd::model
