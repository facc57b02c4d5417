#include "base/json.h"

#include <chrono>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/common/expect_error.h"

namespace cardiograd {
namespace {

using testing::expect_error;

TEST(Json, ReadsWhatIsPlain) {
  EXPECT_EQ(parse_json(R"({"a":[1,{"b":null}],"b":2})").dump(), R"({"a":[1,{"b":null}],"b":2})");
  EXPECT_EQ(parse_json("[[1],[1],{\"a\":1},{\"a\":1}]").size(), 4U);
}

TEST(Json, DepthIsLimited) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_EQ(parse_json(nested(kMaxJsonDepth)).dump(), nested(kMaxJsonDepth));
  for (const std::size_t depth : {std::size_t{kMaxJsonDepth} + 1, std::size_t{3'000'000}})
    expect_error([&] { parse_json(nested(depth)); }, {"nested more than 64 deep"});
  std::string objects;
  for (int i = 0; i < 200'000; ++i) objects += "{\"a\":";
  expect_error([&] { parse_json(objects); }, {"nested more than 64 deep"});
}

// Time in proportion to the size, of members that are objects, arrays or numbers.
TEST(Json, ManyMembers) {
  for (const std::string value : {"{}", "[]", "1"}) {
    std::string text = "{\"x\":" + value;
    for (int i = 0; i < 50'000; ++i) text += ",\"" + std::to_string(i) + "\":" + value;
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(parse_json(text + "}").size(), 50'001U);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    EXPECT_LT(seconds, 5.0);  // some hundredths on an idle machine
  }
}

TEST(Json, KeysTwiceAreRefused) {
  expect_error([] { parse_json(R"({"a":1,"b":2,"a":3})"); }, {"the key \"a\" twice"});
  expect_error([] { parse_json(R"([{"x":{"c":1,"c":1}}])"); }, {"the key \"c\" twice"});
}

TEST(Json, OtherTextIsRefused) {
  for (const char* text : {"", "{", "{\"a\":1}x", "{\"a\":1e999}", "\"\xff\"", "nul"})
    expect_error([&] { parse_json(text); }, {"no JSON"});
}

TEST(Json, MessagesAreShort) {
  EXPECT_EQ(short_json({{"a", 1}}), "{\"a\":1}");
  EXPECT_EQ(short_json(std::string(1000, 'x')).size(), 80U);
  EXPECT_EQ(short_json("\xff\x1b"), "\"\\ufffd\\u001b\"");
}

}  // namespace
}  // namespace cardiograd
