#include "data/features_partial.h"

#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/hash.h"
#include "tests/data/helpers.h"

namespace cardiograd::data {
namespace {

using nlohmann::json;
using testing::expect_error;

const json kSource = {{"folder", "data"}, {"rate_hz", 100}};

// A text whose hash is right, whatever follows it.
std::string signed_text(const std::string& rest) {
  return std::string(kPartialMagic) + to_string(content_hash(rest)) + "\n" + rest;
}

FeatureRows parse(const std::string& text) {
  return parse_partial(text, "f.csv.partial", kSource);
}

TEST(FeaturesPartial, WhatIsWrittenIsRead) {
  FeatureRows rows;
  rows.values = {{1, "1,2.5\n"}, {7, "7,\n"}};
  rows.missing = {{7, "7,hr,no beats\n7,sex,unknown\n"}};
  rows.stamps = {{1, "1,ff\n"}, {7, "7,00\n"}};
  const FeatureRows read = parse(partial_text(rows, kSource));
  EXPECT_EQ(read.values, rows.values);
  EXPECT_EQ(read.missing, rows.missing);
  EXPECT_EQ(read.stamps, rows.stamps);
}

TEST(FeaturesPartial, TextsThatAreNoneAreRefused) {
  const std::string good = partial_text({}, kSource), rest = good.substr(good.find('\n') + 1);
  const std::string tables = rest.substr(rest.find('\n') + 1);
  EXPECT_NO_THROW(parse(signed_text(rest)));
  expect_error([] { parse("ecg_id\n"); }, {"f.csv.partial: is no unfinished table"});
  expect_error([&] { parse(good + "1,2\n"); }, {"damaged: its checksum differs"});
  for (const std::string line : {"", "#", "x", "# ", "# {", "# 1", "# null", "# [1]", "# \"text\""})
    expect_error([&] { parse(signed_text(line + "\n" + tables)); },
                 {"f.csv.partial: does not say what it was made of"});
  expect_error([&] { parse(signed_text("")); }, {"does not say what it was made of"});
  expect_error([&] { parse(signed_text("# {}\n" + tables)); }, {"'folder' was null, and is \"data\" now"});
  const std::string source = rest.substr(0, rest.find('\n') + 1), header = features_header();
  const std::string reasons(kMissingHeader), stamps = "ecg_id,files\n";
  for (const std::string& text : {header, header + reasons, header + stamps, header + stamps + reasons,
                                  reasons + header + stamps, "other\n" + reasons + stamps})
    expect_error([&] { parse(signed_text(source + text)); }, {"has other columns than this version computes"});
  for (const std::string& text : {header + "x,1\n" + reasons + stamps, header + "1\n" + reasons + stamps,
                                  header + reasons + "1,a" + stamps, header + reasons + stamps + "1,a"})
    expect_error([&] { parse(signed_text(source + text)); }, {"f.csv.partial: has "});
}

}  // namespace
}  // namespace cardiograd::data
