#include "data/wfdb_annotation.h"

#include <filesystem>
#include <limits>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/philox.h"
#include "tests/common/temporary_folder.h"
#include "tests/common/test_data.h"
#include "tests/data/helpers.h"

namespace cardiograd::data {
namespace {

namespace fs = std::filesystem;
using cardiograd::testing::data_folder;
using cardiograd::testing::TemporaryFolder;
using nlohmann::json;
using testing::expect_error;

std::string words(std::initializer_list<unsigned> values) {
  std::string text;
  for (const unsigned value : values) {
    text += static_cast<char>(value & 0xFF);
    text += static_cast<char>(value >> 8);
  }
  return text;
}

WfdbAnnotations parse(const std::string& bytes) {
  return parse_wfdb_annotations(bytes, "r.atr");
}

// A word from its code and its ten bits.
constexpr unsigned word(unsigned code, unsigned content) {
  return code << 10 | content;
}

TEST(WfdbAnnotation, ByHand) {
  const auto result = parse(words({word(1, 18), word(59, 0), 0x0001, 0x0002, word(5, 3), word(61, 0xFF), word(62, 2),
                                   word(60, 7), word(63, 3)}) +
                            "abc" + '\0' + words({word(28, 1), 0}));
  ASSERT_EQ(result.annotations.size(), 3U);
  EXPECT_EQ(result.annotations[0], (WfdbAnnotation{18, 1, 0, 0, 0, ""}));
  EXPECT_EQ(result.annotations[1], (WfdbAnnotation{18 + 0x10002 + 3, 5, -1, 2, 7, "abc"}));
  EXPECT_EQ(result.annotations[2], (WfdbAnnotation{18 + 0x10002 + 4, 28, 0, 2, 7, ""}))
      << "channel and number hold, subtype and text do not";
  EXPECT_EQ(result.rate, 0);
}

TEST(WfdbAnnotation, TimeResolutionAndPureSkips) {
  const auto result = parse(words({word(22, 0), word(63, 24)}) + "## time resolution: 1000" +
                            words({word(59, 0), 0xFFFF, 0xFFFF, word(0, 0), word(1, 11), 0}));
  EXPECT_EQ(result.rate, 1000);
  ASSERT_EQ(result.annotations.size(), 1U);
  EXPECT_EQ(result.annotations[0].sample, 10) << "back by one, then on by 11";
}

TEST(WfdbAnnotation, BadFiles) {
  expect_error([] { parse(""); }, {"r.atr", "byte 0", "without end mark"});
  expect_error([] { parse(words({word(1, 5)})); }, {"r.atr", "byte 2", "without end mark"});
  expect_error([] { parse(words({word(1, 5)}) + "\1"); }, {"without end mark"});
  expect_error([] { parse(words({word(59, 0), 1})); }, {"without end mark"});
  expect_error([] { parse(words({word(1, 5), word(63, 200)}) + "short"); }, {"within a text of 200 bytes"});
  expect_error([] { parse(words({word(52, 5), 0})); }, {"unknown annotation code 52"});
  expect_error([] { parse(words({word(62, 5), 0})); }, {"modifier without an annotation"});
  TemporaryFolder folder;
  expect_error([&] { read_wfdb_annotations(folder / "none.atr"); }, {"none.atr"});
  expect_error([&] { read_wfdb_annotations("/dev/zero"); }, {"not a regular file"});
}

TEST(WfdbAnnotation, Mnemonics) {
  EXPECT_EQ(annotation_mnemonic(1), "N");
  EXPECT_EQ(annotation_mnemonic(39), "(");
  EXPECT_EQ(annotation_mnemonic(40), ")");
  EXPECT_EQ(annotation_mnemonic(24), "p");
  EXPECT_EQ(annotation_mnemonic(27), "t");
  EXPECT_EQ(annotation_mnemonic(42), "[42]");
  EXPECT_EQ(annotation_mnemonic(0), "[0]");
  EXPECT_EQ(annotation_mnemonic(-3), "[-3]");
  for (int code = 1; code <= 49; ++code) EXPECT_EQ(annotation_code(annotation_mnemonic(code)), code);
  EXPECT_FALSE(annotation_code("NORMAL").has_value());
}

TEST(WfdbAnnotation, RoundTrip) {
  TemporaryFolder folder;
  PhiloxStream random(7);
  WfdbAnnotations written;
  written.rate = 250.5;
  std::int64_t sample = 0;
  for (int i = 0; i < 500; ++i) {
    const int kind = static_cast<int>(random.below(4));
    sample += kind == 0 ? 1023 : kind == 1 ? 1024 : kind == 2 ? -5 : static_cast<std::int64_t>(random.below(3000000));
    written.annotations.push_back({sample, 1 + static_cast<int>(random.below(49)),
                                   static_cast<int>(random.below(256)) - 128, static_cast<int>(random.below(256)),
                                   static_cast<int>(random.below(256)) - 128, std::string(random.below(256), 'x')});
  }
  written.annotations.push_back({sample + std::numeric_limits<std::int32_t>::max(), 1, 0, 0, 0, "last"});
  write_wfdb_annotations(folder / "r.atr", written);
  const auto read = read_wfdb_annotations(folder / "r.atr");
  EXPECT_EQ(read.rate, 250.5);
  EXPECT_EQ(read.annotations, written.annotations);
  write_wfdb_annotations(folder / "empty.atr", {});
  EXPECT_TRUE(read_wfdb_annotations(folder / "empty.atr").annotations.empty());
}

TEST(WfdbAnnotation, WriterRefusesWhatDoesNotFit) {
  TemporaryFolder folder;
  const auto expect_bad = [&](const WfdbAnnotation& annotation, std::string_view part) {
    expect_error(
        [&] {
          write_wfdb_annotations(folder / "r.atr", {0, {{1, 1, 0, 0, 0, ""}, annotation}});
        },
        {"r.atr", "annotation 1", part});
    EXPECT_FALSE(fs::exists(folder / "r.atr"));
  };
  expect_bad({5, 0, 0, 0, 0, ""}, "code is 0");
  expect_bad({5, 50, 0, 0, 0, ""}, "code is 50");
  expect_bad({5, 1, 128, 0, 0, ""}, "subtype is 128");
  expect_bad({5, 1, 0, -1, 0, ""}, "channel is -1");
  expect_bad({5, 1, 0, 0, -129, ""}, "number is -129");
  expect_bad({5, 1, 0, 0, 0, std::string(256, 'x')}, "length of aux is 256");
  expect_bad({std::int64_t{1} << 33, 1, 0, 0, 0, ""}, "step");
}

TEST(WfdbAnnotationRealData, EqualsThePythonPackage) {
  CARDIOGRAD_NEED_DATA("ludb");
  const json golden = json::parse(read_file(testing::golden_folder() / "wfdb_annotations.json"));
  EXPECT_EQ(golden.size(), 8U);
  for (const auto& expected : golden) {
    const fs::path path =
        data_folder() / (expected["path"].get<std::string>() + "." + expected["extension"].get<std::string>());
    SCOPED_TRACE(path.string());
    const auto annotations = read_wfdb_annotations(path).annotations;
    ASSERT_EQ(annotations.size(), expected["count"].get<std::size_t>());
    json first = json::array();
    json last = json::array();
    json aux = json::array();
    std::string symbols;
    std::int64_t samples = 0;
    int codes = 0;
    int subtypes = 0;
    int channels = 0;
    int numbers = 0;
    std::size_t texts = 0;
    for (std::size_t i = 0; i < annotations.size(); ++i) {
      const auto& annotation = annotations[i];
      if (i < 8) first.push_back(annotation.sample);
      if (i + 3 >= annotations.size()) last.push_back(annotation.sample);
      if (i < 60) symbols += annotation_mnemonic(annotation.code);
      samples += annotation.sample;
      codes += annotation.code;
      subtypes += annotation.subtype;
      channels += annotation.channel;
      numbers += annotation.number;
      if (annotation.aux.empty()) continue;
      if (texts++ < 20) aux.push_back({i, annotation.aux});
    }
    EXPECT_EQ(first, expected["first"]);
    EXPECT_EQ(last, expected["last"]);
    EXPECT_EQ(symbols, expected["symbols"].get<std::string>());
    EXPECT_EQ(samples, expected["sample_sum"].get<std::int64_t>());
    EXPECT_EQ(codes, expected["code_sum"].get<int>());
    EXPECT_EQ(subtypes, expected["subtype_sum"].get<int>());
    EXPECT_EQ(channels, expected["channel_sum"].get<int>());
    EXPECT_EQ(numbers, expected["number_sum"].get<int>());
    EXPECT_EQ(aux, expected["aux"]);
    EXPECT_EQ(texts, expected["aux_count"].get<std::size_t>());
  }
}

// Every annotation file is read; what is written of it again is read as the same.
TEST(WfdbAnnotationRealData, EveryFileAndBack) {
  CARDIOGRAD_NEED_DATA("ludb");
  TemporaryFolder folder;
  std::size_t files = 0;
  for (const char* name : {"mitdb", "qtdb", "ludb/data"}) {
    for (const auto& entry : fs::directory_iterator(data_folder() / name)) {
      const std::string extension = entry.path().extension().string();
      if (extension == ".dat" || extension.starts_with(".hea")) continue;
      if (extension == ".xws") {  // A text file beside the annotations.
        EXPECT_THROW(read_wfdb_annotations(entry.path()), Error);
        continue;
      }
      SCOPED_TRACE(entry.path().string());
      const auto annotations = read_wfdb_annotations(entry.path());
      EXPECT_FALSE(annotations.annotations.empty());
      if (++files % 40 != 0 && std::string(name) == "ludb/data") continue;
      write_wfdb_annotations(folder / "copy", annotations);
      const auto copy = read_wfdb_annotations(folder / "copy");
      EXPECT_EQ(copy.rate, annotations.rate);
      EXPECT_EQ(copy.annotations, annotations.annotations);
    }
  }
  EXPECT_GT(files, 1500U);
}

}  // namespace
}  // namespace cardiograd::data
