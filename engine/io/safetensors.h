// The safetensors file format: an 8-byte little-endian header length, a JSON header, raw tensors. It is what PyTorch
// users exchange weights in, and it cannot run code.
//   https://huggingface.co/docs/safetensors
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/file.h"
#include "engine/nn/module.h"
#include "engine/tensor.h"

namespace cardiograd {

struct SafetensorsFile {
  // F32, BF16, I16, I32, U8 and BOOL as U8; F16 and F64 as float32; others are left out.
  std::map<std::string, Tensor> tensors;
  std::map<std::string, std::int64_t> counters;  // I64 tensors without dimensions: one number each
  std::map<std::string, std::string> left_out;   // names of tensors of other types, with the type: "F8_E4M3", "I8"
  std::map<std::string, std::string> metadata;   // the header's "__metadata__"
};

// Throws Error, naming the file and what is wrong, for a file of another kind (weights_kind.h), for a file that is
// truncated, too large, or whose header lies about names, types, shapes or offsets, or whose header or tensors are not
// what write_safetensors() wrote. Files of other programs, without checksums, are read with a note in the log.
SafetensorsFile read_safetensors(const std::filesystem::path& path);
// The same of a file's bytes; errors name `path`, which is not opened.
SafetensorsFile parse_safetensors(const std::string& content, const std::filesystem::path& path);

// Writes atomically; equal content gives equal bytes. The XXH3-128 of each tensor and of the header stand in the
// metadata, which other readers of the format pass over. All tensors must be on the CPU. Throws Error when the file
// cannot be written.
void write_safetensors(const std::filesystem::path& path, const SafetensorsFile& file,
                       Existing existing = Existing::kReplace);

// A float32 tensor on the CPU in PyTorch's layout, and back: (inputs, outputs) <-> (outputs, inputs) for kLinear,
// (K, Cin, Cout) <-> (Cout, Cin, K) for kConv1d. Both copy.
Tensor to_pytorch(const Tensor& tensor, nn::Layout layout);
Tensor from_pytorch(const Tensor& tensor, nn::Layout layout);

// Adds every tensor, whatever its device, to `file` as `prefix` + its name, in PyTorch's layout.
void store_tensors(const std::vector<nn::NamedTensor>& tensors, const std::string& prefix, SafetensorsFile& file);

// Overwrites the values of `tensors` from `file`; bfloat16 values become float32. Throws Error naming `origin`, the
// tensor and both shapes when one is missing or does not fit.
void restore_tensors(const SafetensorsFile& file, const std::string& prefix, const std::string& origin,
                     const std::vector<nn::NamedTensor>& tensors);

}  // namespace cardiograd
