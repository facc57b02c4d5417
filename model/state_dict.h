// The weights alone, under the names and in the shapes of PyTorch's twin of a model (bench/peers/hc_cnn_tn_torch.py):
// what torch's load_state_dict() takes whole, strict=True, and what state_dict() gives.
#pragma once

#include <filesystem>

#include "base/file.h"
#include "model/model.h"

namespace cardiograd::model {

// Whether weights were trained on synthetic ECGs, or by a training that began with such ones.
struct SyntheticMark {
  bool trained = false;
  bool started = false;
};

// What write_state_dict() noted in the file; nothing where another program wrote it without its metadata.
SyntheticMark synthetic_mark(const std::filesystem::path& path);

// Every parameter and buffer as F32, and of each batch norm the count of batches that PyTorch keeps
// (num_batches_tracked, 0 here: nothing depends on it). Throws Error when the file cannot be written.
void write_state_dict(const std::filesystem::path& path, Model& net, Existing existing = Existing::kReplace,
                      SyntheticMark mark = {});

// Fills `net` from a safetensors file of F32, F16, BF16 or F64 tensors; what is wider or narrower is rounded to F32.
// Throws Error naming what the network needs and the file lacks, what the file has and the network does not know
// (counts of batches aside), a tensor of another shape, and one with NaN, with infinity (also what is too large for
// F32) or with a negative variance; `net` is then as it was.
void read_state_dict(const std::filesystem::path& path, Model& net);

}  // namespace cardiograd::model
