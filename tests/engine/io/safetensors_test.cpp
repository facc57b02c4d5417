#include "engine/io/safetensors.h"

#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "tests/common/expect_error.h"
#include "tests/common/temporary_folder.h"

namespace cardiograd {
namespace {

using testing::TemporaryFolder;

std::string file_with(const std::string& header, const std::string& data, std::uint64_t header_bytes) {
  std::string content(8, '\0');
  std::memcpy(content.data(), &header_bytes, 8);
  return content + header + data;
}

TEST(Safetensors, RoundTripKeepsBitsAndMetadata) {
  TemporaryFolder folder;
  SafetensorsFile file;
  file.tensors["weight"] = Tensor::from<float>({1, -2.5F, 3e-30F, 4, 5, 6}, {2, 3});
  file.tensors["empty"] = Tensor::zeros({0, 4});
  file.tensors["index"] = Tensor::from<std::int32_t>({7, -8}, {2});
  file.metadata["note"] = "größe \"quoted\"";
  write_safetensors(folder / "a.safetensors", file);
  const SafetensorsFile back = read_safetensors(folder / "a.safetensors");
  EXPECT_EQ(back.tensors.at("weight").values(), file.tensors.at("weight").values());
  EXPECT_EQ(back.tensors.at("index").values<std::int32_t>(), (std::vector<std::int32_t>{7, -8}));
  EXPECT_EQ(back.tensors.at("empty").count(), 0);
  EXPECT_EQ(back.metadata, file.metadata);
  write_safetensors(folder / "b.safetensors", back);
  EXPECT_EQ(read_file(folder / "a.safetensors"), read_file(folder / "b.safetensors"));
}

TEST(Safetensors, LayoutsConvertToPyTorchAndBack) {
  const Tensor conv = Tensor::from<float>({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, {2, 3, 2});  // (K, Cin, Cout)
  const Tensor torch = to_pytorch(conv, nn::Layout::kConv1d);
  EXPECT_EQ(torch.shape(), (Shape{2, 3, 2}));
  EXPECT_EQ(torch.data()[(1 * 3 + 2) * 2 + 0], conv.data()[(0 * 3 + 2) * 2 + 1]);
  EXPECT_EQ(from_pytorch(torch, nn::Layout::kConv1d).values(), conv.values());
  const Tensor linear = Tensor::from<float>({0, 1, 2, 3, 4, 5}, {2, 3});
  EXPECT_EQ(to_pytorch(linear, nn::Layout::kLinear).values(), (std::vector<float>{0, 3, 1, 4, 2, 5}));
}

TEST(Safetensors, LyingFilesAreRefused) {
  TemporaryFolder folder;
  const std::string good = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  const std::string data(8, 'x');
  const std::pair<const char*, std::string> files[] = {
      {"empty", ""},
      {"seven bytes", "1234567"},
      {"header longer than file", file_with(good, data, 1000)},
      {"enormous header", file_with(good, data, ~std::uint64_t{0})},
      {"not JSON", file_with("{nonsense", data, 9)},
      {"a list", file_with("[]", data, 2)},
      {"truncated data", file_with(good, data.substr(1), good.size())},
      {"data after the tensors", file_with(good, data + "y", good.size())},
      {"unknown dtype", file_with(R"({"a":{"dtype":"F31","shape":[2],"data_offsets":[0,8]}})", data, 54)},
      {"shape does not fit", file_with(R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", data, 54)},
      {"negative dimension", file_with(R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", data, 55)},
      {"backwards", file_with(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", data, 54)},
      {"overflowing shape",
       file_with(R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", "", 74)},
      {"overlap", file_with(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                            R"("b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
                            "1234", 106)},
      {"no shape", file_with(R"({"a":{"dtype":"F32","data_offsets":[0,8]}})", data, 42)},
  };
  for (const auto& [name, content] : files) {
    write_file(folder / "bad.safetensors", content);
    try {
      read_safetensors(folder / "bad.safetensors");
      ADD_FAILURE() << name << " was accepted";
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("bad.safetensors"), std::string::npos) << error.what();
      EXPECT_FALSE(error.hint().empty()) << name;
    }
  }
  write_file(folder / "good.safetensors", file_with(good, data, good.size()));
  EXPECT_EQ(read_safetensors(folder / "good.safetensors").tensors.at("a").count(), 2);
}

// Every single bit of a file: refused, or nothing has changed (blanks between header and data).
TEST(Safetensors, EveryFlippedBitIsNoticed) {
  TemporaryFolder folder;
  SafetensorsFile file;
  file.tensors["weight"] = Tensor::from<float>({1, -2.5F, 3e-30F}, {3});
  file.tensors["step"] = Tensor::from<std::int32_t>({7}, {1});
  file.metadata["note"] = "thresholds 0.25, 0.5";
  write_safetensors(folder / "a.safetensors", file);
  const std::string good = read_file(folder / "a.safetensors");
  std::size_t tensors_named = 0;
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    write_staged_file(folder / "b.safetensors", bad);
    try {
      const SafetensorsFile back = read_safetensors(folder / "b.safetensors");
      EXPECT_EQ(back.metadata, file.metadata) << "bit " << bit;
      EXPECT_EQ(back.tensors.at("weight").values(), file.tensors.at("weight").values()) << "bit " << bit;
      EXPECT_EQ(back.tensors.at("step").values<std::int32_t>(), (std::vector<std::int32_t>{7})) << "bit " << bit;
    } catch (const Error& error) {
      tensors_named += std::string(error.what()).find("damaged: tensor '") != std::string::npos ? 1 : 0;
    }
    std::filesystem::remove(folder / "b.safetensors");
  }
  EXPECT_EQ(tensors_named, 8U * 16U);  // the bytes of both
}

TEST(Safetensors, ExchangedTensorsAreNoticed) {
  TemporaryFolder folder;
  SafetensorsFile file;
  file.tensors["a"] = Tensor::from<float>({1, 2}, {2});
  file.tensors["b"] = Tensor::from<float>({3, 4}, {2});
  write_safetensors(folder / "a.safetensors", file);
  std::string content = read_file(folder / "a.safetensors");
  const std::string a = content.substr(content.size() - 16, 8), b = content.substr(content.size() - 8);
  write_file(folder / "a.safetensors", content.replace(content.size() - 16, 16, b + a));
  testing::expect_error([&] { read_safetensors(folder / "a.safetensors"); }, {"a.safetensors", "damaged: tensor 'a'"});
}

TEST(Safetensors, FilesWithoutChecksumsAreReadWithANote) {
  TemporaryFolder folder;
  std::string note;
  const LogCallback before = set_log_callback([&](LogLevel, std::string_view message) { note = message; });
  const std::string header = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  write_file(folder / "a.safetensors", file_with(header, std::string(8, 'x'), header.size()));
  EXPECT_EQ(read_safetensors(folder / "a.safetensors").tensors.at("a").count(), 2);
  set_log_callback(before);
  EXPECT_NE(note.find("a.safetensors: holds no checksums"), std::string::npos) << note;
}

TEST(Safetensors, DeeplyNestedHeadersAndNamesTwiceAreRefused) {
  TemporaryFolder folder;
  const auto refused = [&](const std::string& header, std::string_view part) {
    write_file(folder / "a.safetensors", file_with(header, "12345678", header.size()));
    testing::expect_error([&] { read_safetensors(folder / "a.safetensors"); }, {"a.safetensors", part});
  };
  const std::string entry = R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})";
  refused(R"({"a":)" + std::string(1'000'000, '[') + std::string(1'000'000, ']') + "}", "nested more than 64 deep");
  refused(R"({"a":)" + entry + R"(,"__metadata__":{"x":)" + std::string(100'000, '['), "nested more than 64 deep");
  refused(R"({"a":)" + entry + R"(,"a":)" + entry + "}", "the key \"a\" twice");
  refused(R"({"a":)" + entry + R"(,"__metadata__":{"x":"1","x":"2"}})", "the key \"x\" twice");
}

// Time in proportion to the size: 30,000 tensors of nothing.
TEST(Safetensors, ManyTensors) {
  TemporaryFolder folder;
  std::string header = "{";
  for (int i = 0; i < 30'000; ++i)
    header += (i == 0 ? "\"t" : ",\"t") + std::to_string(i) + R"(":{"dtype":"F32","shape":[0],"data_offsets":[0,0]})";
  header += "}";
  write_file(folder / "a.safetensors", file_with(header, "", header.size()));
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(read_safetensors(folder / "a.safetensors").tensors.size(), 30'000U);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  EXPECT_LT(seconds, 10.0);  // some tenths on an idle machine
}

TEST(Safetensors, RestoreNamesWhatDoesNotFit) {
  SafetensorsFile file;
  Tensor weight = Tensor::zeros({2, 3});
  const std::vector<nn::NamedTensor> tensors = {{"w", &weight, nn::Layout::kLinear}};
  const auto message = [&]() -> std::string {
    try {
      restore_tensors(file, "", "model.safetensors", tensors);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_NE(message().find("no tensor 'w'"), std::string::npos) << message();
  file.tensors["w"] = Tensor::zeros({2, 3});
  EXPECT_NE(message().find("(2, 3), expected (3, 2)"), std::string::npos) << message();
  file.tensors["w"] = Tensor::from<float>({1, 2, 3, 4, 5, 6}, {3, 2});
  EXPECT_EQ(message(), "");
  EXPECT_EQ(weight.values(), (std::vector<float>{1, 3, 5, 2, 4, 6}));
}

// What torch's model.half(), model.double() and model.bfloat16() leave.
TEST(Safetensors, WeightsOfOtherPrecisionsBecomeFloat32) {
  const TemporaryFolder folder;
  const auto restored = [&](const std::string& dtype, const std::string& data, std::size_t width) {
    const std::size_t count = data.size() / width;
    const std::string header = "{\"w\":{\"dtype\":\"" + dtype + "\",\"shape\":[" + std::to_string(count) +
                               "],\"data_offsets\":[0," + std::to_string(data.size()) + "]}}";
    write_file(folder / "a.safetensors", file_with(header, data, header.size()));
    Tensor weight = Tensor::zeros({static_cast<std::int64_t>(count)});
    restore_tensors(read_safetensors(folder / "a.safetensors"), "", "a", {{"w", &weight, nn::Layout::kSame}});
    return weight.values();
  };
  const auto bytes = [](const auto& values) {
    return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof values[0]);
  };
  // 1, -2, the largest, the smallest normal and subnormal numbers, -0, infinity.
  const std::vector<std::uint16_t> halves = {0x3C00, 0xC000, 0x7BFF, 0x0400, 0x0001, 0x8000, 0x7C00};
  const std::vector<float> expected = {1, -2, 65504, 0x1p-14F, 0x1p-24F, -0.0F, std::numeric_limits<float>::infinity()};
  const auto found = restored("F16", bytes(halves), 2);
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i], expected[i]) << i;
    EXPECT_EQ(std::signbit(found[i]), std::signbit(expected[i])) << i;
  }
  EXPECT_TRUE(std::isnan(restored("F16", bytes(std::vector<std::uint16_t>{0x7E00}), 2)[0]));
  EXPECT_EQ(restored("BF16", bytes(std::vector<std::uint16_t>{0x3F80, 0xC010}), 2), (std::vector<float>{1, -2.25F}));
  EXPECT_EQ(restored("F64", bytes(std::vector<double>{0.1, -3}), 8), (std::vector<float>{0.1F, -3}));
}

// The metadata that another program copies has the checksums of the weights before the conversion.
TEST(Safetensors, ConvertedFilesKeepNoChecksums) {
  const TemporaryFolder folder;
  SafetensorsFile file;
  file.tensors["w"] = Tensor::from<float>({1, -2}, {2});
  write_safetensors(folder / "a.safetensors", file);
  const std::string whole = read_file(folder / "a.safetensors");
  std::string header = whole.substr(8, whole.size() - 16);
  const auto replace = [&](const std::string& from, const std::string& to) {
    ASSERT_NE(header.find(from), std::string::npos) << header;
    header.replace(header.find(from), from.size(), to);
  };
  replace("[0,8]", "[0,4]");
  replace("\"F32\"", "\"F16\"");
  write_file(folder / "a.safetensors", file_with(header, std::string("\x00\x3C\x00\xC0", 4), header.size()));
  EXPECT_EQ(read_safetensors(folder / "a.safetensors").tensors.at("w").values(), (std::vector<float>{1, -2}));
}

TEST(Safetensors, TypesThatNoWeightsAreInAreNamed) {
  const TemporaryFolder folder;
  for (const char* type : {"F8_E4M3", "F8_E5M2", "I8", "U8", "I16"}) {
    const std::size_t bytes = std::string(type) == "I16" ? 4 : 2;
    const std::string header = std::string("{\"w\":{\"dtype\":\"") + type + "\",\"shape\":[2],\"data_offsets\":[0," +
                               std::to_string(bytes) + "]}}";
    write_file(folder / "a.safetensors", file_with(header, std::string(bytes, '\1'), header.size()));
    Tensor weight = Tensor::zeros({2});
    testing::expect_error(
        [&] {
          restore_tensors(read_safetensors(folder / "a.safetensors"), "", "a", {{"w", &weight, nn::Layout::kSame}});
        },
        {"a: tensor 'w' is of type " + std::string(type) + ", expected F32"});
  }
}

TEST(Safetensors, FilesOfOtherKindsAreNamed) {
  const TemporaryFolder folder;
  const auto refused = [&](const std::string& content, std::string_view part, std::string_view hint) {
    write_file(folder / "a.st", content);
    try {
      read_safetensors(folder / "a.st");
      ADD_FAILURE() << part;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
      EXPECT_NE(error.hint().find(hint), std::string::npos) << error.hint();
    }
  };
  refused(std::string("PK\3\4\0\0\x08\x08", 8) + "..........archive/data.pklFB", "a PyTorch checkpoint", "save_file(");
  refused("\x80\x02\x8A\x0Al\xFC\x9C\x46\xF9 j\xA8P\x19.", "a PyTorch checkpoint", "save_file(");
  refused("PK\3\4..........weights.txt", "a ZIP archive", "Unpack");
  refused("\x08\x08\x12\x07pytorch", "an ONNX model", "safetensors");
  refused("version https://git-lfs.github.com/spec/v1\noid sha256:aa\n", "a Git LFS pointer", "git lfs pull");
  refused("<!DOCTYPE html><html>Not found</html>", "an HTML page", "not the page");
  refused("", "not a valid safetensors file: 0 bytes", "fresh copy");
}

// Whoever edits the description of a model is told so, and not that the disk is faulty.
TEST(Safetensors, ChangedDescriptionsAreNoDamageOfTensors) {
  const TemporaryFolder folder;
  SafetensorsFile file;
  file.tensors["w"] = Tensor::from<float>({1, -2}, {2});
  file.metadata["note"] = "one";
  write_safetensors(folder / "a.safetensors", file);
  const std::string whole = read_file(folder / "a.safetensors");
  const std::string header = whole.substr(8, whole.size() - 16), data = whole.substr(whole.size() - 8);
  const auto write = [&](std::string from, const std::string& to, const std::string& tensors) {
    std::string text = header;
    text.replace(text.find(from), from.size(), to);
    write_file(folder / "b.safetensors", file_with(text, tensors, text.size()));
  };
  const auto refused = [&](std::string_view part) {
    testing::expect_error([&] { read_safetensors(folder / "b.safetensors"); }, {"b.safetensors", part});
  };
  write("\"note\":\"one\"", "\"format\":\"pt\",\"note\":\"one\"", data);
  refused("the description in its header was changed after it was written");
  write("\"note\":\"one\"", "\"note\":\"two\"", data);
  refused("the description in its header was changed after it was written");
  write("\"note\":\"one\"", "\"note\":\"two\"", "12345678");
  refused("damaged: the header");
}

}  // namespace
}  // namespace cardiograd
