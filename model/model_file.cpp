#include "model/model_file.h"

#include <algorithm>
#include <array>
#include <system_error>
#include <type_traits>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "ecg/leads.h"
#include "engine/io/safetensors.h"
#include "engine/memory.h"
#include "model/description_json.h"

namespace cardiograd::model {
namespace {

using nlohmann::json;

constexpr const char* kMetadataKey = "cardiograd";
constexpr int kOldModelFormat = 1;
constexpr double kHighestRate = 1e6;  // Hz
constexpr const char* kDamaged = "The file's description is damaged; take a fresh copy.";
constexpr const char* kContradiction = "The file's description contradicts itself; take a fresh copy.";

// What a model may need beside its weights, its constants (the positions of the longest records) and rounding.
constexpr std::size_t kBesideWeights = std::size_t{256} << 20;

// Header keys of format version 1, for this version only.
constexpr std::array<std::pair<const char*, const char*>, 3> kOldKeys = {
    {{"sizes", "architecture"}, {"harmonise", "normalize"}, {"unlabelled", "unlabeled"}}};
constexpr const char* kOldModelName = "HC-CNN-TN";

Architecture architecture_from(const std::string& model, const json& j) {
  Architecture architecture(model);
  for (const ConfigField& field : architecture.fields()) {
    if (field.came_later && !j.contains(field.key)) continue;
    std::visit(
        [&](const auto& value) {
          if constexpr (std::is_pointer_v<std::decay_t<decltype(value)>>)
            j.at(field.key).get_to(*value);
          else
            field.assign(j.at(field.key).get<std::string>(), field.key);
        },
        field.value);
  }
  return architecture;
}

template <class T>
void read_word(const json& j, const char* key, T& value) {
  value = parse_word<T>(key, j.at(key).get<std::string>());
}

ModelDescription description_from(const json& j) {
  ModelDescription d;
  d.architecture = architecture_from(j.at("model").get<std::string>(), j.at("architecture"));
  read_word(j, "task", d.task);
  j.at("classes").get_to(d.class_names);
  j.at("thresholds").get_to(d.thresholds);
  j.at("leads").get_to(d.lead_names);
  j.at("rate_hz").get_to(d.rate);
  j.at("unit").get_to(d.unit);
  read_word(j, "filter", d.filter);
  read_word(j, "normalize", d.normalize);
  read_word(j, "unlabeled", d.unlabeled);
  read_word(j, "feature_set", d.feature_set);
  if (j.contains("precision")) read_word(j, "precision", d.precision);  // not in format version 1
  j.at("signal_mean").get_to(d.signal_scaling.mean);
  j.at("signal_sd").get_to(d.signal_scaling.sd);
  j.at("features").get_to(d.feature_scaling.names);
  j.at("feature_median").get_to(d.feature_scaling.median);
  j.at("feature_mean").get_to(d.feature_scaling.mean);
  j.at("feature_sd").get_to(d.feature_scaling.sd);
  j.at("feature_missing_flags").get_to(d.feature_scaling.missing_flags);
  j.at("epoch").get_to(d.epoch);
  j.at("val_folds").get_to(d.val_folds);
  if (j.contains("train_folds")) j.at("train_folds").get_to(d.train_folds);
  if (j.contains("data_hash")) j.at("data_hash").get_to(d.data_hash);
  if (j.contains("fold_seed")) j.at("fold_seed").get_to(d.fold_seed);
  if (j.contains("synthetic")) j.at("synthetic").get_to(d.synthetic);
  if (j.contains("synthetic_start")) j.at("synthetic_start").get_to(d.synthetic_start);
  if (j.contains("calibration_folds")) {
    j.at("calibration_folds").get_to(d.calibration_folds);
    j.at("calibration_hash").get_to(d.calibration_hash);
  }
  if (j.contains("processes")) {
    j.at("processes").get_to(d.processes);
    read_word(j, "batch_norm", d.batch_norm);
  }
  if (j.contains("cropped_from")) {
    j.at("cropped_from").get_to(d.cropped_from);
    read_word(j, "aggregate", d.aggregate);
    if (j.contains("window_step")) j.at("window_step").get_to(d.window_step);
  }
  return d;
}

// Lists must have the lengths that the architecture promises.
void check_lengths(const std::string& origin, const ModelDescription& d) {
  const auto expect = [&](const char* name, std::size_t found, std::int64_t expected) {
    if (static_cast<std::int64_t>(found) != expected)
      throw Error(fmt::format("{}: {} {}, expected {}", origin, found, name, expected), kContradiction);
  };
  const auto columns = static_cast<std::int64_t>(d.feature_scaling.names.size());
  const DataShape shape = d.architecture.shape();
  expect("class names", d.class_names.size(), shape.classes);
  expect("thresholds", d.thresholds.size(), shape.classes);
  expect("lead names", d.lead_names.size(), shape.leads);
  expect("signal means", d.signal_scaling.mean.size(), shape.leads);
  expect("signal SDs", d.signal_scaling.sd.size(), shape.leads);
  expect("feature medians", d.feature_scaling.median.size(), columns);
  expect("feature means", d.feature_scaling.mean.size(), columns);
  expect("feature SDs", d.feature_scaling.sd.size(), columns);
  expect("feature inputs", static_cast<std::size_t>(d.feature_scaling.width()), shape.features);
}

// The rate must be one, divisors must divide, names must tell classes apart.
void check_values(const std::string& origin, const ModelDescription& d) {
  const auto refuse = [&](const std::string& what) { throw Error(fmt::format("{}: {}", origin, what), kDamaged); };
  if (!(d.rate > 0 && d.rate <= kHighestRate))
    refuse(fmt::format("rate_hz is {}, expected 0 to {}", d.rate, kHighestRate));
  if (const std::int64_t crop = d.architecture.shape().samples;
      d.cropped_from != 0 && (d.cropped_from < crop || d.cropped_from > kMaxSamples))
    refuse(fmt::format("cropped_from is {}, expected {} to {}", d.cropped_from, crop, kMaxSamples));
  for (std::size_t c = 0; c < d.class_names.size(); ++c) {
    const std::string& name = d.class_names[c];
    if (const std::string fault = name_fault(name); !fault.empty())
      refuse(fmt::format("the name of class {}, '{}', {}", c + 1, printable(name), fault));
    if (std::find(d.class_names.begin(), d.class_names.begin() + static_cast<std::ptrdiff_t>(c), name) !=
        d.class_names.begin() + static_cast<std::ptrdiff_t>(c))
      refuse(fmt::format("two classes are called '{}'", name));
    if (!(d.thresholds[c] >= 0 && d.thresholds[c] <= 1))
      refuse(fmt::format("the threshold of class '{}' is {}, expected 0 to 1", name, d.thresholds[c]));
  }
  for (std::size_t i = 0; i < d.lead_names.size(); ++i)
    if (const std::string fault = name_fault(d.lead_names[i]); !fault.empty())
      refuse(fmt::format("the name of lead {}, '{}', {}", i + 1, printable(d.lead_names[i]), fault));
  if (const auto same = ecg::find_same_leads(d.lead_names))
    refuse(fmt::format("leads {} and {} are the same: '{}' and '{}'", same->first + 1, same->second + 1,
                       d.lead_names[same->first], d.lead_names[same->second]));
  if (!is_signal_unit(d.unit)) refuse(fmt::format("the unit is '{}', expected mV or z", printable(d.unit)));
  for (const double sd : d.signal_scaling.sd)
    if (!(sd > 0)) refuse(fmt::format("signal_sd is {}, expected more than 0", sd));
  for (const double sd : d.feature_scaling.sd)
    if (!(sd >= 0)) refuse(fmt::format("feature_sd is {}, expected 0 or more", sd));
}

// Limits the memory of tensors on the CPU while it lives.
class MemoryLimit {
 public:
  explicit MemoryLimit(std::size_t more) : before_(cpu_allocator().limit()) {
    cpu_allocator().release_cached();
    cpu_allocator().set_limit(std::min(before_, cpu_allocator().statistics().reserved + more));
  }
  ~MemoryLimit() { cpu_allocator().set_limit(before_); }
  MemoryLimit(const MemoryLimit&) = delete;
  MemoryLimit& operator=(const MemoryLimit&) = delete;

 private:
  std::size_t before_;
};

// A model is built before its weights are read, so an architecture must not ask for more memory than the file's tensors
// account for.
std::unique_ptr<Model> build(const std::string& origin, const Architecture& architecture, const SafetensorsFile& file) {
  std::size_t stored = 0;
  for (const auto& [name, tensor] : file.tensors) stored += tensor.byte_count();
  try {
    architecture.check();
    const MemoryLimit limit(2 * stored + kBesideWeights);
    return architecture.build(0);
  } catch (const OutOfMemory&) {
    throw Error(fmt::format("{}: its architecture needs more than the {} of weights that the file holds", origin,
                            memory_text(stored)),
                kContradiction);
  } catch (const Error& error) {
    throw Error(fmt::format("{}: {}", origin, error.what()), kContradiction);
  }
}

// The description in today's words. One warning names every word that has changed.
json with_new_words(const std::string& origin, json j) {
  if (j.at("format_version") == kModelFormat) return j;
  std::vector<std::string> renamed;
  const auto rename = [&](const char* old, const char* now) {
    if (!j.contains(old)) return;
    j[now] = std::move(j.at(old));
    j.erase(old);
    renamed.push_back(fmt::format("'{}' is now '{}'", old, now));
  };
  // In this order: 'architecture' was the model's name.
  rename("architecture", "model");
  if (j.at("model") == kOldModelName) j["model"] = Architecture().kind().name;
  for (const auto& [old, now] : kOldKeys) rename(old, now);
  log_warning("{}: format version {} is read in this version only: {}", origin, kOldModelFormat,
              fmt::join(renamed, ", "));
  return j;
}

// What `read` returns; whatever it throws is damage. An unknown word in a file, for one, is no wrong usage.
template <class Read>
auto undamaged(const std::string& origin, Read read) {
  try {
    return read();
  } catch (const json::exception& error) {
    throw Error(fmt::format("{}: the model's description is damaged: {}", origin, error.what()), kDamaged);
  } catch (const Error& error) {
    throw Error(fmt::format("{}: the model's description is damaged: {}", origin, error.what()), kDamaged);
  }
}

ModelDescription parse_description(const std::string& origin, const std::string& text) {
  const json j = undamaged(origin, [&] { return parse_json(text); });
  const json version = undamaged(origin, [&] { return j.at("format_version"); });
  if (version != kModelFormat && version != kOldModelFormat)
    throw Error(fmt::format("{}: format version {}, expected {}", origin, short_json(version), kModelFormat),
                "Use the version of the program that wrote it.");
  return undamaged(origin, [&] { return description_from(with_new_words(origin, j)); });
}

}  // namespace

bool is_signal_unit(std::string_view unit) {
  return unit == "mV" || unit == "z";
}

std::string synthetic_warning(const ModelDescription& model) {
  if (model.synthetic) return "this model was trained on synthetic ECGs: its answers say nothing about a patient";
  if (model.synthetic_start)
    return "this model began with a model trained on synthetic ECGs: its answers may rest on what that one had learned";
  return "";
}

void save_model(const std::filesystem::path& path, const ModelDescription& description, Model& net, Existing existing) {
  SafetensorsFile file;
  store_tensors(net.named_tensors(), "", file);
  file.metadata[kMetadataKey] = description_json(description).dump();
  write_safetensors(path, file, existing);
}

std::filesystem::path model_path(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(path, ignored)) return path;
  if (path_exists(path / "best.safetensors")) return path / "best.safetensors";
  throw Error(fmt::format("{}: is a folder without a run's best.safetensors", path.string()),
              "Give a run's folder, or a last.safetensors or best.safetensors that train has written.");
}

TrainedModel load_model(const std::filesystem::path& file_or_run) {
  const std::filesystem::path path = model_path(file_or_run);
  const SafetensorsFile file = read_safetensors(path);
  const auto metadata = file.metadata.find(kMetadataKey);
  if (metadata == file.metadata.end())
    throw Error(fmt::format("{}: no cardiograd model: the metadata '{}' is missing", path.string(), kMetadataKey),
                "Give a last.safetensors or best.safetensors that train has written.");
  TrainedModel model;
  model.description = parse_description(path.string(), metadata->second);
  check_lengths(path.string(), model.description);
  check_values(path.string(), model.description);
  model.net = build(path.string(), model.description.architecture, file);
  restore_tensors(file, "", path.string(), model.net->named_tensors());
  return model;
}

}  // namespace cardiograd::model
