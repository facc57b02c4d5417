#include "model/state_dict.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "engine/io/safetensors.h"

namespace cardiograd::model {
namespace {

constexpr std::string_view kRunningMean = "running_mean";
constexpr std::string_view kRunningVariance = "running_var";
constexpr std::string_view kCount = "num_batches_tracked";
// Metadata of weights from synthetic ECGs.
constexpr const char* kSynthetic = "cardiograd_synthetic";
constexpr const char* kTrained = "trained on synthetic ECGs";
constexpr const char* kStarted = "began with weights trained on synthetic ECGs";
constexpr std::size_t kNamed = 5;  // tensors that a message names

// "a, b, c and 4 more"
std::string some_of(const std::vector<std::string>& names) {
  std::vector<std::string> shown(names.begin(),
                                 names.begin() + static_cast<std::ptrdiff_t>(std::min(kNamed, names.size())));
  std::string text = fmt::format("{}", fmt::join(shown, ", "));
  if (names.size() > kNamed) text += fmt::format(" and {} more", names.size() - kNamed);
  return text;
}

// Names must be the network's, neither more nor fewer.
void check_names(const std::filesystem::path& path, const SafetensorsFile& file,
                 const std::vector<nn::NamedTensor>& tensors) {
  std::set<std::string> known;
  std::vector<std::string> missing, unexpected;
  for (const nn::NamedTensor& named : tensors) {
    known.insert(named.name);
    if (!file.tensors.contains(named.name)) missing.push_back(named.name);
  }
  for (const auto& [name, tensor] : file.tensors)
    if (!known.contains(name) && !name.ends_with(kCount)) unexpected.push_back(name);
  if (missing.empty() && unexpected.empty()) return;
  std::string what;
  if (!missing.empty()) what = fmt::format("no {} (floating point)", some_of(missing));
  if (!unexpected.empty()) what += fmt::format("{}not known: {}", what.empty() ? "" : "; ", some_of(unexpected));
  throw Error(fmt::format("{}: not the weights of this network: {}", path.string(), what),
              "Names are those of bench/peers/hc_cnn_tn_torch.py, without a prefix; give a model of the same sizes.");
}

// Weights that no training leaves behind: every answer would be NaN, or every batch norm's square root.
void check_values(const std::filesystem::path& path, const std::vector<nn::NamedTensor>& tensors) {
  for (const nn::NamedTensor& named : tensors) {
    const bool variance = named.name.ends_with(kRunningVariance);
    for (const float value : named.tensor->values()) {
      if (!std::isfinite(value))
        throw Error(
            fmt::format("{}: tensor '{}' holds {} (as F32), expected finite numbers", path.string(), named.name, value),
            "Take the weights of a training that has not diverged.");
      if (variance && value < 0)
        throw Error(
            fmt::format("{}: tensor '{}' holds {}, expected variances of 0 or more", path.string(), named.name, value),
            "Take the weights as PyTorch saves them.");
    }
  }
}

}  // namespace

SyntheticMark synthetic_mark(const std::filesystem::path& path) {
  const SafetensorsFile file = read_safetensors(path);
  const auto found = file.metadata.find(kSynthetic);
  if (found == file.metadata.end()) return {};
  return {.trained = found->second == kTrained, .started = found->second == kStarted};
}

void write_state_dict(const std::filesystem::path& path, Model& net, Existing existing, SyntheticMark mark) {
  SafetensorsFile file;
  store_tensors(net.named_tensors(), "", file);
  file.metadata["format"] = "pt";
  if (mark.trained || mark.started) file.metadata[kSynthetic] = mark.trained ? kTrained : kStarted;
  for (const nn::NamedTensor& named : net.named_tensors())
    if (named.name.ends_with(kRunningMean))
      file.counters[named.name.substr(0, named.name.size() - kRunningMean.size()) + std::string(kCount)] = 0;
  write_safetensors(path, file, existing);
}

void read_state_dict(const std::filesystem::path& path, Model& net) {
  const SafetensorsFile file = read_safetensors(path);
  const auto tensors = net.named_tensors();
  check_names(path, file, tensors);
  std::vector<Tensor> before;
  before.reserve(tensors.size());
  for (const nn::NamedTensor& named : tensors) before.push_back(named.tensor->clone());
  try {
    restore_tensors(file, "", path.string(), tensors);
    check_values(path, tensors);
  } catch (const Error&) {
    for (std::size_t i = 0; i < tensors.size(); ++i) tensors[i].tensor->assign(before[i]);
    throw;
  }
}

}  // namespace cardiograd::model
