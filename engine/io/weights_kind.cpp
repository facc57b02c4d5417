#include "engine/io/weights_kind.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

namespace cardiograd {
namespace {

constexpr std::string_view kPyTorch =
    "It can run any program, so it is not read. Save its weights with safetensors.torch.save_file(model.state_dict(), "
    "\"weights.safetensors\").";
constexpr std::string_view kOnnx =
    "Give the safetensors file that it was made from; export writes ONNX, nothing reads it.";
constexpr std::string_view kOther = "Save the weights as safetensors (Python package safetensors).";
constexpr std::string_view kUnpack = "Unpack it and give the safetensors file in it.";

struct Signature {
  std::string_view bytes;
  WeightsKind kind;
};

constexpr std::array kSignatures = {
    Signature{"version https://git-lfs",
              {"a Git LFS pointer, not the file that it stands for",
               "Run 'git lfs pull' in the repository, or download the file from the repository's page."}},
    Signature{"\x80\x02", {"a PyTorch checkpoint or another pickle", kPyTorch}},
    Signature{"\x80\x03", {"a PyTorch checkpoint or another pickle", kPyTorch}},
    Signature{"\x80\x04\x95", {"a PyTorch checkpoint or another pickle", kPyTorch}},
    Signature{"\x80\x05\x95", {"a PyTorch checkpoint or another pickle", kPyTorch}},
    Signature{"\x89HDF\r\n\x1A\n", {"an HDF5 file, as Keras writes them", kOther}},
    Signature{"GGUF", {"a GGUF file", kOther}},
    Signature{"\x93NUMPY", {"a NumPy array", kOther}},
    Signature{"\x1F\x8B", {"compressed with gzip", kUnpack}},
    Signature{"\x28\xB5\x2F\xFD", {"compressed with zstd", kUnpack}},
    Signature{"%PDF", {"a PDF document", kOther}},
};

// An ONNX model is a protobuf message: field 1 is the version of the format, a small number; then come the producer
// (field 2) or, from some programs, the graph (7) or the operators' versions (8), all with a length.
bool is_onnx(std::string_view content) {
  constexpr unsigned char kMaxVersion = 32;
  if (content[0] != '\x08') return false;
  const auto version = static_cast<unsigned char>(content[1]);
  const bool field = content[2] == '\x12' || content[2] == '\x3A' || content[2] == '\x42';
  return version > 0 && version <= kMaxVersion && field;
}

bool is_html(std::string_view content) {
  std::string begin(content.substr(0, 64));
  std::transform(begin.begin(), begin.end(), begin.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return begin.starts_with("<!doctype html") || begin.starts_with("<html");
}

}  // namespace

std::optional<WeightsKind> weights_kind_of(std::string_view content) {
  // The length of safetensors' header may begin as any of these.
  constexpr std::size_t kLengthBytes = 8;
  if (content.size() <= kLengthBytes || content[kLengthBytes] == '{') return std::nullopt;
  for (const Signature& signature : kSignatures)
    if (content.starts_with(signature.bytes)) return signature.kind;
  if (content.starts_with("PK\3\4")) {
    const std::string_view names = content.substr(0, 4096);
    if (names.find("data.pkl") != std::string_view::npos) return WeightsKind{"a PyTorch checkpoint", kPyTorch};
    if (names.find(".npy") != std::string_view::npos) return WeightsKind{"an archive of NumPy arrays (npz)", kOther};
    return WeightsKind{"a ZIP archive", kUnpack};
  }
  if (is_onnx(content)) return WeightsKind{"an ONNX model", kOnnx};
  if (is_html(content)) return WeightsKind{"an HTML page", "Take the file itself, not the page that links to it."};
  return std::nullopt;
}

}  // namespace cardiograd
