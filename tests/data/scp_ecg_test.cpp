#include "data/scp_ecg.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "data/file_kind.h"
#include "tests/data/helpers.h"

namespace cardiograd::data {
namespace {

using testing::expect_error;

std::string number(std::uint32_t value, std::size_t bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i) & 0xFF);
  return text;
}

// CRC-CCITT by its definition: the remainder of the message behind 16 ones.
std::uint16_t crc(const std::string& bytes) {
  std::uint32_t remainder = 0xFFFF;
  for (const char c : bytes)
    for (int bit = 7; bit >= 0; --bit) {
      const bool top = ((remainder >> 15 ^ static_cast<unsigned char>(c) >> bit) & 1U) != 0;
      remainder = (remainder << 1 & 0xFFFF) ^ (top ? 0x1021U : 0U);
    }
  return static_cast<std::uint16_t>(remainder);
}

std::string section(std::uint32_t id, const std::string& body, const std::string& reserved = std::string(6, '\0')) {
  const std::string rest = number(id, 2) + number(static_cast<std::uint32_t>(body.size()) + 16, 4) + number(20, 1) +
                           number(20, 1) + reserved + body;
  return number(crc(rest), 2) + rest;
}

// `announced`: bytes more than there are that the file says it has.
std::string file(const std::map<std::uint32_t, std::string>& sections, const std::string& reserved = "SCPECG",
                 std::uint32_t announced = 0) {
  constexpr std::uint32_t kPointers = 12;
  std::string pointers, body;
  const auto offset = 7 + 16 + 10 * kPointers;
  for (std::uint32_t id = 0; id < kPointers; ++id) {
    const auto found = sections.find(id);
    const std::string bytes = found == sections.end() ? "" : section(id, found->second);
    pointers += number(id, 2) + number(static_cast<std::uint32_t>(bytes.size()), 4) +
                number(offset + static_cast<std::uint32_t>(body.size()), 4);
    body += bytes;
  }
  std::string all = section(0, pointers, reserved) + body;
  all = number(static_cast<std::uint32_t>(all.size()) + 6 + announced, 4) + all;
  return number(crc(all), 2) + all;
}

std::string leads(std::uint32_t samples, std::uint32_t flags = 0) {
  std::string text = number(2, 1) + number(flags, 1);
  for (const std::uint32_t code : {1U, 64U}) text += number(1, 4) + number(samples, 4) + number(code, 1);
  return text;
}

// Of two leads, 2500 nV a step, 2 ms a sample.
std::string rhythm(std::uint32_t order, const std::string& first, const std::string& second) {
  return number(2500, 2) + number(2000, 2) + number(order, 1) + number(0, 1) +
         number(static_cast<std::uint32_t>(first.size()), 2) + number(static_cast<std::uint32_t>(second.size()), 2) +
         first + second;
}

std::string plain(const std::vector<int>& values) {
  std::string text;
  for (const int value : values) text += number(static_cast<std::uint32_t>(value), 2);
  return text;
}

std::string packed(const std::string& bits) {
  std::string bytes((bits.size() + 7) / 8, '\0');
  for (std::size_t i = 0; i < bits.size(); ++i)
    if (bits[i] == '1') bytes[i / 8] = static_cast<char>(bytes[i / 8] | 1 << (7 - i % 8));
  return bytes;
}

void expect_leads(const std::string& bytes, const std::vector<int>& one, const std::vector<int>& foot) {
  const ecg::Recording recording = parse_scp_ecg(bytes, "a.scp");
  EXPECT_EQ(recording.rate, 500);
  EXPECT_EQ(recording.leads, (std::vector<std::string>{"I", "aVF"}));
  ASSERT_EQ(recording.signal.rows(), static_cast<Eigen::Index>(one.size()));
  for (std::size_t t = 0; t < one.size(); ++t) {
    EXPECT_NEAR(recording.signal(static_cast<Eigen::Index>(t), 0), 0.0025 * one[t], 1e-12);
    EXPECT_NEAR(recording.signal(static_cast<Eigen::Index>(t), 1), 0.0025 * foot[t], 1e-12);
  }
}

TEST(ScpEcg, PlainSamplesAndDifferences) {
  const std::vector<int> one = {5, -3, 400, -32768}, foot = {0, 1, 2, 3};
  expect_leads(file({{3, leads(4)}, {6, rhythm(0, plain(one), plain(foot))}}), one, foot);
  expect_leads(file({{3, leads(4)}, {6, rhythm(1, plain({5, -8, 403, 1}), plain({0, 1, 1, 1}))}}), {5, -3, 400, 401},
               foot);
  // Second differences: x[2] = 7 + 2 (-3) - 5.
  expect_leads(file({{3, leads(4)}, {6, rhythm(2, plain({5, -3, 7, 0}), plain({0, 1, 0, 0}))}}), {5, -3, -4, -5}, foot);
}

TEST(ScpEcg, TheStandardsHuffmanTable) {
  // 0, 1, -1, 2; -8, 8, then -100 in 8 bits and 1000 in 16.
  const std::string one = packed(
      "0"
      "100"
      "101"
      "1100");
  const std::string foot = packed(
      "1111111101"
      "1111111100"
      "1111111110"
      "10011100"
      "1111111111"
      "0000001111101000");
  expect_leads(file({{2, number(19999, 2)}, {3, leads(4)}, {6, rhythm(0, one, foot)}}), {0, 1, -1, 2},
               {-8, 8, -100, 1000});
}

TEST(ScpEcg, AHuffmanTableOfTheFile) {
  // "0" for 7, "10" for -7, "11" and 4 bits for others; the codes are written with their bits turned round.
  const auto code = [](std::uint32_t prefix, std::uint32_t total, int value, std::uint32_t bits) {
    return number(prefix, 1) + number(total, 1) + number(1, 1) + number(static_cast<std::uint32_t>(value), 2) +
           number(bits, 4);
  };
  const std::string table = number(1, 2) + number(3, 2) + code(1, 1, 7, 0) + code(2, 2, -7, 1) + code(2, 6, 0, 3);
  expect_leads(file({{2, table},
                     {3, leads(3)},
                     {6, rhythm(0,
                                packed("010"
                                       "110101"),
                                packed("111000"
                                       "0"
                                       "0"))}}),
               {7, -7, 5}, {-8, 7, 7});
}

TEST(ScpEcg, WhoAndWhen) {
  const auto tag = [](std::uint32_t id, const std::string& value) {
    return number(id, 1) + number(static_cast<std::uint32_t>(value.size()), 2) + value;
  };
  const std::string person = tag(4, number(5, 2) + number(2, 1)) + tag(8, number(2, 1)) +
                             tag(25, number(2020, 2) + number(5, 1) + number(12, 1)) +
                             tag(26, number(12, 1) + number(33, 1) + number(9, 1)) + tag(255, "");
  const ecg::Recording recording =
      parse_scp_ecg(file({{1, person}, {3, leads(2)}, {6, rhythm(0, plain({1, 2}), plain({3, 4}))}}), "a.scp");
  EXPECT_EQ(recording.start, "2020-05-12 12:33:09");
  EXPECT_EQ(recording.comments, (std::vector<std::string>{"Age: 5 months", "Sex: F"}));
}

TEST(ScpEcg, ABirthDateGivesTheAgeThatIsNotSaid) {
  const std::string born = number(5, 1) + number(4, 2) + number(1950, 2) + number(5, 1) + number(13, 1);
  const std::string recorded = number(25, 1) + number(4, 2) + number(2020, 2) + number(5, 1) + number(12, 1);
  const std::string no_age = number(4, 1) + number(3, 2) + number(0, 3);
  const ecg::Recording recording = parse_scp_ecg(
      file({{1, no_age + born + recorded}, {3, leads(2)}, {6, rhythm(0, plain({1, 2}), plain({3, 4}))}}), "a.scp");
  EXPECT_EQ(recording.comments, std::vector<std::string>{"Age: 69"});
}

// As other readers do: a section that was edited has another checksum, a file that was padded another size.
TEST(ScpEcg, ChecksumsAndSizesThatDoNotFitAreWarnedAbout) {
  const testing::LogCapture log;
  const std::map<std::uint32_t, std::string> sections = {{3, leads(2)}, {6, rhythm(0, plain({1, 2}), plain({3, 4}))}};
  std::string flipped = file(sections);
  flipped.back() = static_cast<char>(flipped.back() ^ 1);
  expect_leads(flipped, {1, 2}, {3, 260});
  ASSERT_EQ(log.warnings.size(), 1U);
  EXPECT_TRUE(log.warned("a.scp: SCP-ECG: section 6: its checksum is"));
  const std::string whole = file(sections, "SCPECG", 2);
  expect_leads(whole, {1, 2}, {3, 4});
  EXPECT_TRUE(log.warned(fmt::format("{} bytes, the file says {}", whole.size(), whole.size() + 2)));
}

// Older versions of the standard do not know them.
TEST(ScpEcg, IsKnownWithoutTheReservedBytes) {
  const std::string bytes = file({{3, leads(2)}, {6, rhythm(0, plain({1, 2}), plain({3, 4}))}}, std::string(6, '\0'));
  EXPECT_TRUE(is_scp_ecg(bytes));
  EXPECT_EQ(kind_of(bytes).value().name, "SCP-ECG");
  expect_leads(bytes, {1, 2}, {3, 4});
  std::string other = bytes;
  other[30] = static_cast<char>(other[30] ^ 1);
  EXPECT_FALSE(is_scp_ecg(other)) << "section 0 is not vouched for";
  EXPECT_FALSE(is_scp_ecg(std::string(4000, '\0')));
}

TEST(ScpEcg, WhatCannotBeReadIsSaid) {
  const std::string whole = file({{3, leads(2)}, {6, rhythm(0, plain({1, 2}), plain({3, 4}))}});
  expect_error([&] { parse_scp_ecg(whole.substr(0, whole.size() - 1), "a.scp"); }, {"a.scp: SCP-ECG: truncated"});
  expect_error([] { parse_scp_ecg(file({{3, leads(2, 1)}, {6, ""}}), "a.scp"); }, {"a reference beat was taken away"});
  expect_error([] { parse_scp_ecg(file({{3, leads(2)}}), "a.scp"); }, {"no section 6"});
  expect_error(
      [] {
        parse_scp_ecg(file({{3, leads(9)}, {6, rhythm(0, plain({1, 2}), plain({3, 4}))}}), "a.scp");
      },
      {"I has 2 samples, expected 9"});
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_THROW(parse_scp_ecg(whole.substr(0, size), "a"), Error);
}

}  // namespace
}  // namespace cardiograd::data
