#include "engine/io/safetensors.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "engine/io/weights_kind.h"

namespace cardiograd {
namespace {

using nlohmann::json;

constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;  // the format's own limit
constexpr std::int64_t kMaxElements = std::int64_t{1} << 40;
// Metadata of the files that write_safetensors() writes: a JSON object with the XXH3-128 of each tensor's bytes, and
// the XXH3-128 of the header without this one entry, keys sorted and without blanks.
constexpr const char* kTensorHashes = "xxh3_128_tensors";
constexpr const char* kHeaderHash = "xxh3_128_header";

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& what) {
  throw Error(fmt::format("{}: not a valid safetensors file: {}", path.string(), what),
              "The file is damaged, incomplete or of another kind; take a fresh copy.");
}

std::optional<DType> known_dtype(const std::string& name) {
  if (name == "F32") return DType::kFloat32;
  if (name == "BF16") return DType::kBFloat16;
  if (name == "I16") return DType::kInt16;
  if (name == "I32") return DType::kInt32;
  if (name == "U8" || name == "BOOL") return DType::kUint8;
  return std::nullopt;
}

std::int64_t bytes_per_element(const std::string& name) {
  static const std::map<std::string, std::int64_t> sizes = {
      {"F64", 8}, {"F32", 4}, {"F16", 2}, {"BF16", 2}, {"F8_E4M3", 1}, {"F8_E5M2", 1}, {"I64", 8}, {"I32", 4},
      {"I16", 2}, {"I8", 1},  {"U64", 8}, {"U32", 4},  {"U16", 2},     {"U8", 1},      {"BOOL", 1}};
  const auto found = sizes.find(name);
  return found == sizes.end() ? 0 : found->second;
}

// Exact.
float float_of_half(std::uint16_t bits) {
  const int exponent = bits >> 10 & 0x1F;
  const int fraction = bits & 0x3FF;
  float value = 0;
  if (exponent == 0x1F) {
    value = fraction == 0 ? std::numeric_limits<float>::infinity() : std::numeric_limits<float>::quiet_NaN();
  } else {
    value = exponent == 0 ? std::ldexp(static_cast<float>(fraction), -24)
                          : std::ldexp(static_cast<float>(fraction + 0x400), exponent - 25);
  }
  return bits >> 15 == 0 ? value : -value;
}

template <class Stored, class Convert>
Tensor converted(const std::vector<std::int64_t>& dims, const char* bytes, Convert convert) {
  Tensor tensor = Tensor::empty(Shape(dims));
  for (std::int64_t i = 0; i < tensor.count(); ++i) {
    Stored stored;
    std::memcpy(&stored, bytes + static_cast<std::size_t>(i) * sizeof stored, sizeof stored);
    tensor.data()[i] = convert(stored);
  }
  return tensor;
}

const char* file_dtype(DType dtype) {
  switch (dtype) {
    case DType::kFloat32:
      return "F32";
    case DType::kBFloat16:
      return "BF16";
    case DType::kInt16:
      return "I16";
    case DType::kInt32:
      return "I32";
    case DType::kUint8:
      return "U8";
  }
  return "?";
}

// One entry of the header, checked.
struct Entry {
  std::string name;
  std::string dtype;
  std::vector<std::int64_t> dims;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

Entry parse_entry(const std::filesystem::path& path, const std::string& name, const json& value,
                  std::uint64_t data_bytes) {
  const auto is_natural = [](const json& number) { return number.is_number_unsigned(); };
  if (!value.is_object() || !value.contains("dtype") || !value["dtype"].is_string() || !value.contains("shape") ||
      !value["shape"].is_array() || !value.contains("data_offsets") || !value["data_offsets"].is_array() ||
      value["data_offsets"].size() != 2 || !std::all_of(value["shape"].begin(), value["shape"].end(), is_natural) ||
      !std::all_of(value["data_offsets"].begin(), value["data_offsets"].end(), is_natural))
    refuse(path, fmt::format("tensor '{}' lacks a proper dtype, shape or data_offsets", name));
  Entry entry;
  entry.name = name;
  entry.dtype = value["dtype"];
  entry.begin = value["data_offsets"][0];
  entry.end = value["data_offsets"][1];
  const std::int64_t element = bytes_per_element(entry.dtype);
  if (element == 0) refuse(path, fmt::format("tensor '{}' has unknown dtype '{}'", name, entry.dtype));
  std::int64_t count = 1;
  for (const json& dim : value["shape"]) {
    const std::uint64_t size = dim;
    if (size > static_cast<std::uint64_t>(kMaxElements) ||
        (size != 0 && count > kMaxElements / static_cast<std::int64_t>(size)))
      refuse(path, fmt::format("tensor '{}' has an absurd shape", name));
    entry.dims.push_back(static_cast<std::int64_t>(size));
    count *= static_cast<std::int64_t>(size);
  }
  if (entry.begin > entry.end || entry.end > data_bytes)
    refuse(path, fmt::format("tensor '{}' lies at bytes {} to {}, but the file has {} bytes of data", name, entry.begin,
                             entry.end, data_bytes));
  if (entry.end - entry.begin != static_cast<std::uint64_t>(count * element))
    refuse(path, fmt::format("tensor '{}' has {} bytes, expected {} for its shape and dtype", name,
                             entry.end - entry.begin, count * element));
  return entry;
}

json parse_header(const std::filesystem::path& path, const std::string& content, std::uint64_t& header_bytes) {
  if (const auto kind = weights_kind_of(content))
    throw Error(fmt::format("{}: {}, expected a safetensors file", path.string(), kind->name), std::string(kind->hint));
  if (content.size() < 8) refuse(path, fmt::format("{} bytes, expected at least 8", content.size()));
  std::memcpy(&header_bytes, content.data(), 8);
  if (header_bytes > kMaxHeaderBytes || header_bytes > content.size() - 8)
    refuse(path, fmt::format("a header of {} bytes in a file of {}", header_bytes, content.size()));
  const auto first = content.begin() + 8;
  try {
    json header = parse_json({first, first + static_cast<std::ptrdiff_t>(header_bytes)});
    if (!header.is_object()) refuse(path, "the header is not a JSON object");
    return header;
  } catch (const Error& error) {
    refuse(path, fmt::format("the header: {}", error.what()));
  }
}

Tensor as_float32(const Tensor& stored) {
  if (stored.dtype() == DType::kFloat32) return stored;
  Tensor tensor = Tensor::empty(stored.shape());
  for (std::int64_t i = 0; i < tensor.count(); ++i) {  // A bfloat16 is the upper half of a float.
    std::uint16_t upper = 0;
    std::memcpy(&upper, stored.bytes() + 2 * i, sizeof upper);
    const std::uint32_t bits = std::uint32_t{upper} << 16;
    std::memcpy(tensor.data() + i, &bits, sizeof bits);
  }
  return tensor;
}

// Tensors must fill the data without gaps or overlaps.
void check_layout(const std::filesystem::path& path, std::vector<Entry> entries, std::uint64_t data_bytes) {
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return std::pair(a.begin, a.end) < std::pair(b.begin, b.end); });
  std::uint64_t next = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != next)
      refuse(path, fmt::format("tensor '{}' begins at byte {}, expected {}", entry.name, entry.begin, next));
    next = entry.end;
  }
  if (next != data_bytes) refuse(path, fmt::format("{} bytes of data, but the tensors end at {}", data_bytes, next));
}

// The header says all about the tensors but their values, and holds the metadata.
std::string header_hash(const json& header) {
  return to_string(content_hash(header.dump(-1, ' ', false, json::error_handler_t::replace)));
}

[[noreturn]] void refuse_damage(const std::filesystem::path& path, const std::string& what) {
  throw Error(fmt::format("{}: damaged: {} is not what was written (its checksum differs)", path.string(), what),
              "Take a fresh copy; the disk, the transfer or the memory may be faulty.");
}

// Whether tensors are of a type in which no weights are written here: another program has changed the file and kept its
// metadata. Damage does not look so, because types and sizes must fit.
bool was_converted(const std::vector<Entry>& entries) {
  return std::any_of(entries.begin(), entries.end(), [](const Entry& entry) {
    return entry.dtype == "F16" || entry.dtype == "BF16" || entry.dtype == "F64";
  });
}

// The tensors whose bytes are not those that `hashes` (a JSON object) names, or that it does not name.
std::vector<std::string> changed_tensors(const std::vector<Entry>& entries, const char* data, const json& hashes) {
  std::vector<std::string> changed;
  for (const Entry& entry : entries)
    if (!hashes.contains(entry.name) ||
        hashes[entry.name] != to_string(content_hash({data + entry.begin, entry.end - entry.begin})))
      changed.push_back(entry.name);
  return changed;
}

// The hashes of the tensors in the metadata; nothing where they are no JSON object.
std::optional<json> tensor_hashes(const json& metadata) {
  try {
    json hashes = parse_json(metadata.value(kTensorHashes, ""));
    if (hashes.is_object()) return hashes;
  } catch (const Error&) {
  }
  return std::nullopt;
}

// The header is not what was written. All tensors are: then a program has most likely edited the description, and a
// fresh copy may not help. Which it was cannot be told, so that the file is refused all the same.
[[noreturn]] void refuse_header(const std::filesystem::path& path, bool tensors_hold) {
  if (!tensors_hold) refuse_damage(path, "the header");
  throw Error(fmt::format("{}: the description in its header was changed after it was written (its checksum differs; "
                          "those of all tensors hold)",
                          path.string()),
              fmt::format("Give the file as it was written. A program that changes the metadata on purpose must leave "
                          "out {} and {}; the file is then read without checksums.",
                          kTensorHashes, kHeaderHash));
}

// Compares header and tensors with the hashes in the metadata. Files of other programs have none.
void check_hashes(const std::filesystem::path& path, json header, const std::vector<Entry>& entries, const char* data) {
  const json metadata = header.value("__metadata__", json::object());
  if (!metadata.contains(kTensorHashes) && !metadata.contains(kHeaderHash)) {
    log_info("{}: holds no checksums, so damage would not be noticed", path.string());
    return;
  }
  const std::string stored = metadata.value(kHeaderHash, "");
  const std::optional<json> hashes = tensor_hashes(metadata);
  header["__metadata__"].erase(kHeaderHash);
  if (header_hash(header) != stored) {
    if (!was_converted(entries)) refuse_header(path, hashes && changed_tensors(entries, data, *hashes).empty());
    log_warning("{}: another program has converted its weights, so the checksums in it do not hold", path.string());
    return;
  }
  if (!hashes) refuse_damage(path, "the list of checksums");
  const std::vector<std::string> changed = changed_tensors(entries, data, *hashes);
  if (!changed.empty()) refuse_damage(path, fmt::format("tensor '{}'", changed.front()));
}

Tensor transposed_2d(const Tensor& from) {
  Tensor to = Tensor::empty({from.dim(1), from.dim(0)});
  for (std::int64_t i = 0; i < from.dim(0); ++i)
    for (std::int64_t j = 0; j < from.dim(1); ++j) to.data()[j * from.dim(0) + i] = from.data()[i * from.dim(1) + j];
  return to;
}

// (A, B, C) -> (C, B, A): both directions of a convolution's weights.
Tensor reversed_3d(const Tensor& from) {
  const std::int64_t a = from.dim(0);
  const std::int64_t b = from.dim(1);
  const std::int64_t c = from.dim(2);
  Tensor to = Tensor::empty({c, b, a});
  for (std::int64_t i = 0; i < a; ++i)
    for (std::int64_t j = 0; j < b; ++j)
      for (std::int64_t k = 0; k < c; ++k) to.data()[(k * b + j) * a + i] = from.data()[(i * b + j) * c + k];
  return to;
}

// Throws the Error for a tensor that is not there, or not of a type in which weights are read.
[[noreturn]] void refuse_missing(const SafetensorsFile& file, const std::string& name, const std::string& origin) {
  std::string type;
  if (const auto found = file.tensors.find(name); found != file.tensors.end()) type = file_dtype(found->second.dtype());
  if (const auto found = file.left_out.find(name); found != file.left_out.end()) type = found->second;
  if (type.empty() && file.counters.count(name) != 0) type = "I64";
  if (type.empty())
    throw Error(fmt::format("{}: no tensor '{}'", origin, name),
                "The file belongs to another model or another version.");
  throw Error(fmt::format("{}: tensor '{}' is of type {}, expected F32, BF16, F16 or F64", origin, name, type),
              "The weights were quantized: give those before, or convert them to float32.");
}

}  // namespace

SafetensorsFile read_safetensors(const std::filesystem::path& path) {
  return parse_safetensors(read_file(path), path);
}

SafetensorsFile parse_safetensors(const std::string& content, const std::filesystem::path& path) {
  std::uint64_t header_bytes = 0;
  const json header = parse_header(path, content, header_bytes);
  const std::uint64_t data_bytes = content.size() - 8 - header_bytes;
  const char* data = content.data() + 8 + header_bytes;
  SafetensorsFile file;
  std::vector<Entry> entries;
  for (const auto& [name, value] : header.items()) {
    if (name == "__metadata__") {
      if (!value.is_object()) refuse(path, "__metadata__ is not an object");
      for (const auto& [key, text] : value.items()) {
        if (!text.is_string()) refuse(path, fmt::format("metadata '{}' is not a string", key));
        if (key != kTensorHashes && key != kHeaderHash) file.metadata[key] = text;
      }
      continue;
    }
    entries.push_back(parse_entry(path, name, value, data_bytes));
  }
  check_layout(path, entries, data_bytes);
  check_hashes(path, header, entries, data);
  for (const Entry& entry : entries) {
    if (entry.dtype == "I64" && entry.dims.empty())
      std::memcpy(&file.counters[entry.name], data + entry.begin, sizeof(std::int64_t));
    const std::optional<DType> dtype = known_dtype(entry.dtype);
    if (entry.dims.size() > Shape::kMaxDims) continue;
    if (entry.dtype == "F16")
      file.tensors.emplace(entry.name, converted<std::uint16_t>(entry.dims, data + entry.begin, float_of_half));
    if (entry.dtype == "F64")
      file.tensors.emplace(entry.name, converted<double>(entry.dims, data + entry.begin,
                                                         [](double value) { return static_cast<float>(value); }));
    if (!dtype) {
      if (file.tensors.count(entry.name) == 0 && file.counters.count(entry.name) == 0)
        file.left_out[entry.name] = entry.dtype;
      continue;
    }
    Tensor tensor = Tensor::empty(Shape(entry.dims), *dtype);
    if (entry.end > entry.begin) std::memcpy(tensor.bytes(), data + entry.begin, entry.end - entry.begin);
    file.tensors.emplace(entry.name, std::move(tensor));
  }
  return file;
}

void write_safetensors(const std::filesystem::path& path, const SafetensorsFile& file, Existing existing) {
  json header = json::object();
  header["__metadata__"] = file.metadata;
  json hashes = json::object();
  std::uint64_t offset = 0;
  for (const auto& [name, value] : file.counters) {
    header[name] = {{"dtype", "I64"}, {"shape", json::array()}, {"data_offsets", {offset, offset + sizeof value}}};
    offset += sizeof value;
    hashes[name] = to_string(content_hash({reinterpret_cast<const char*>(&value), sizeof value}));
  }
  for (const auto& [name, tensor] : file.tensors) {
    json dims = json::array();
    for (int i = 0; i < tensor.shape().dims(); ++i) dims.push_back(tensor.dim(i));
    const std::uint64_t bytes = tensor.byte_count();
    header[name] = {{"dtype", file_dtype(tensor.dtype())}, {"shape", dims}, {"data_offsets", {offset, offset + bytes}}};
    offset += bytes;
    hashes[name] = to_string(content_hash({reinterpret_cast<const char*>(tensor.bytes()), bytes}));
  }
  header["__metadata__"][kTensorHashes] = hashes.dump();
  header["__metadata__"][kHeaderHash] = header_hash(header);
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // The format allows spaces; tensors then start aligned.
  const std::uint64_t header_bytes = text.size();
  AtomicFile out(path, Appeared::kRefuse, existing);
  out.write(&header_bytes, sizeof header_bytes);
  out.write(text);
  for (const auto& [name, value] : file.counters) out.write(&value, sizeof value);
  for (const auto& [name, tensor] : file.tensors) out.write(tensor.bytes(), tensor.byte_count());
  out.commit();
}

Tensor to_pytorch(const Tensor& tensor, nn::Layout layout) {
  switch (layout) {
    case nn::Layout::kSame:
      return tensor.clone();
    case nn::Layout::kLinear:
      return transposed_2d(tensor);
    case nn::Layout::kConv1d:
      return reversed_3d(tensor);
  }
  return {};
}

// Each conversion is its own inverse.
Tensor from_pytorch(const Tensor& tensor, nn::Layout layout) {
  return to_pytorch(tensor, layout);
}

void store_tensors(const std::vector<nn::NamedTensor>& tensors, const std::string& prefix, SafetensorsFile& file) {
  for (const nn::NamedTensor& named : tensors)
    file.tensors[prefix + named.name] = to_pytorch(named.tensor->to(Device::kCpu), named.layout);
}

void restore_tensors(const SafetensorsFile& file, const std::string& prefix, const std::string& origin,
                     const std::vector<nn::NamedTensor>& tensors) {
  for (const nn::NamedTensor& named : tensors) {
    const auto found = file.tensors.find(prefix + named.name);
    const bool floats = found != file.tensors.end() &&
                        (found->second.dtype() == DType::kFloat32 || found->second.dtype() == DType::kBFloat16);
    if (!floats) refuse_missing(file, prefix + named.name, origin);
    const int dims = named.tensor->shape().dims();
    const Tensor stored = as_float32(found->second);
    const Tensor value = stored.shape().dims() == dims ? from_pytorch(stored, named.layout) : stored;
    if (!(value.shape() == named.tensor->shape()))
      throw Error(fmt::format("{}: tensor '{}' has shape {}, expected {}", origin, prefix + named.name,
                              found->second.shape().text(),
                              to_pytorch(Tensor::empty(named.tensor->shape()), named.layout).shape().text()),
                  "The file belongs to a model with other sizes.");
    named.tensor->assign(value);
  }
}

}  // namespace cardiograd
