#include "model/model_file.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "engine/io/safetensors.h"

namespace cardiograd::model {
namespace {

using nlohmann::json;

constexpr const char* kMetadataKey = "cardiograd";
constexpr int kFormatVersion = 1;
constexpr double kHighestRate = 1e6;  // Hz
constexpr const char* kContradiction = "The file's description contradicts itself; take a fresh copy.";

json sizes_json(const HcCnnTnConfig& c) {
  return {{"classes", c.classes},
          {"features", c.features},
          {"leads", c.leads},
          {"samples", c.samples},
          {"channels", c.channels},
          {"kernels", c.kernels},
          {"encoder_layers", c.encoder_layers},
          {"heads", c.heads},
          {"feed_forward", c.feed_forward},
          {"encoder_dropout", c.encoder_dropout},
          {"feature_width", c.feature_width},
          {"head_width", c.head_width},
          {"head_dropout", c.head_dropout}};
}

HcCnnTnConfig sizes_from(const json& j) {
  HcCnnTnConfig c;
  j.at("classes").get_to(c.classes);
  j.at("features").get_to(c.features);
  j.at("leads").get_to(c.leads);
  j.at("samples").get_to(c.samples);
  j.at("channels").get_to(c.channels);
  j.at("kernels").get_to(c.kernels);
  j.at("encoder_layers").get_to(c.encoder_layers);
  j.at("heads").get_to(c.heads);
  j.at("feed_forward").get_to(c.feed_forward);
  j.at("encoder_dropout").get_to(c.encoder_dropout);
  j.at("feature_width").get_to(c.feature_width);
  j.at("head_width").get_to(c.head_width);
  j.at("head_dropout").get_to(c.head_dropout);
  return c;
}

json description_json(const ModelDescription& d) {
  return {{"format_version", kFormatVersion},
          {"architecture", "HC-CNN-TN"},
          {"sizes", sizes_json(d.sizes)},
          {"task", d.task},
          {"classes", d.class_names},
          {"thresholds", d.thresholds},
          {"leads", d.lead_names},
          {"rate_hz", d.rate},
          {"unit", d.unit},
          {"filter", d.filter},
          {"normalize", d.normalize},
          {"unlabeled", d.unlabeled},
          {"feature_set", d.feature_set},
          {"signal_mean", d.signal_scaling.mean},
          {"signal_sd", d.signal_scaling.sd},
          {"features", d.feature_scaling.names},
          {"feature_median", d.feature_scaling.median},
          {"feature_mean", d.feature_scaling.mean},
          {"feature_sd", d.feature_scaling.sd},
          {"feature_missing_flags", d.feature_scaling.missing_flags},
          {"epoch", d.epoch},
          {"val_folds", d.val_folds}};
}

ModelDescription description_from(const json& j) {
  ModelDescription d;
  d.sizes = sizes_from(j.at("sizes"));
  j.at("task").get_to(d.task);
  j.at("classes").get_to(d.class_names);
  j.at("thresholds").get_to(d.thresholds);
  j.at("leads").get_to(d.lead_names);
  j.at("rate_hz").get_to(d.rate);
  j.at("unit").get_to(d.unit);
  j.at("filter").get_to(d.filter);
  j.at("normalize").get_to(d.normalize);
  j.at("unlabeled").get_to(d.unlabeled);
  j.at("feature_set").get_to(d.feature_set);
  j.at("signal_mean").get_to(d.signal_scaling.mean);
  j.at("signal_sd").get_to(d.signal_scaling.sd);
  j.at("features").get_to(d.feature_scaling.names);
  j.at("feature_median").get_to(d.feature_scaling.median);
  j.at("feature_mean").get_to(d.feature_scaling.mean);
  j.at("feature_sd").get_to(d.feature_scaling.sd);
  j.at("feature_missing_flags").get_to(d.feature_scaling.missing_flags);
  j.at("epoch").get_to(d.epoch);
  j.at("val_folds").get_to(d.val_folds);
  return d;
}

// Lists must have the lengths that the sizes promise.
void check_lengths(const std::string& origin, const ModelDescription& d) {
  const auto expect = [&](const char* name, std::size_t found, std::int64_t expected) {
    if (static_cast<std::int64_t>(found) != expected)
      throw Error(fmt::format("{}: {} {}, expected {}", origin, found, name, expected), kContradiction);
  };
  const auto columns = static_cast<std::int64_t>(d.feature_scaling.names.size());
  expect("class names", d.class_names.size(), d.sizes.classes);
  expect("thresholds", d.thresholds.size(), d.sizes.classes);
  expect("lead names", d.lead_names.size(), d.sizes.leads);
  expect("signal means", d.signal_scaling.mean.size(), d.sizes.leads);
  expect("signal SDs", d.signal_scaling.sd.size(), d.sizes.leads);
  expect("feature medians", d.feature_scaling.median.size(), columns);
  expect("feature means", d.feature_scaling.mean.size(), columns);
  expect("feature SDs", d.feature_scaling.sd.size(), columns);
  expect("feature inputs", static_cast<std::size_t>(d.feature_scaling.width()), d.sizes.features);
}

// Words must be known ones, divisors must divide.
void check_values(const std::string& origin, const ModelDescription& d) {
  const auto refuse = [&](const std::string& what) {
    throw Error(fmt::format("{}: {}", origin, what), "The file's description is damaged; take a fresh copy.");
  };
  const auto expect_word = [&](const char* name, const std::string& value, const std::vector<std::string>& known) {
    if (std::find(known.begin(), known.end(), value) == known.end())
      refuse(fmt::format("{} is '{}', expected {}", name, value, fmt::join(known, ", ")));
  };
  expect_word("task", d.task, {"super", "sub"});
  expect_word("filter", d.filter, {"butterworth", "none"});
  expect_word("normalize", d.normalize, {"none", "zscore"});
  expect_word("unlabeled", d.unlabeled, {"drop", "keep"});
  expect_word("feature_set", d.feature_set, {"none", "demographics", "all"});
  if (!(d.rate > 0 && d.rate <= kHighestRate))
    refuse(fmt::format("rate_hz is {}, expected 0 to {}", d.rate, kHighestRate));
  for (const double sd : d.signal_scaling.sd)
    if (!(sd > 0)) refuse(fmt::format("signal_sd is {}, expected more than 0", sd));
  for (const double sd : d.feature_scaling.sd)
    if (!(sd >= 0)) refuse(fmt::format("feature_sd is {}, expected 0 or more", sd));
}

// The weights of these sizes, biases and norms aside. A double, because sizes may lie.
double least_weights(const HcCnnTnConfig& c) {
  double count = 0;
  auto channels = static_cast<double>(c.leads);
  for (std::size_t i = 0; i < c.channels.size(); ++i) {
    count += static_cast<double>(c.kernels[i]) * channels * static_cast<double>(c.channels[i]);
    channels = static_cast<double>(c.channels[i]);
  }
  count += static_cast<double>(c.encoder_layers) * channels * (4 * channels + 2 * static_cast<double>(c.feed_forward));
  const auto width = c.features > 0 ? static_cast<double>(c.feature_width) : 0;
  count += (static_cast<double>(c.features) + width) * width;
  return count + (channels + width + static_cast<double>(c.classes)) * static_cast<double>(c.head_width);
}

// A model is built before its weights are read, so sizes must not ask for more memory than the file's tensors fill.
void check_sizes(const std::string& origin, const HcCnnTnConfig& sizes, const SafetensorsFile& file) {
  try {
    check(sizes);
  } catch (const Error& error) {
    throw Error(fmt::format("{}: {}", origin, error.what()), kContradiction);
  }
  double stored = 0;
  for (const auto& [name, tensor] : file.tensors) stored += static_cast<double>(tensor.count());
  if (const double needed = least_weights(sizes); needed > stored)
    throw Error(fmt::format("{}: its sizes need {} weights, the file holds {}", origin, needed, stored),
                kContradiction);
}

}  // namespace

void save_model(const std::filesystem::path& path, const ModelDescription& description, HcCnnTn& net) {
  SafetensorsFile file;
  store_tensors(net.named_tensors(), "", file);
  file.metadata[kMetadataKey] = description_json(description).dump();
  write_safetensors(path, file);
}

TrainedModel load_model(const std::filesystem::path& path) {
  const SafetensorsFile file = read_safetensors(path);
  const auto metadata = file.metadata.find(kMetadataKey);
  if (metadata == file.metadata.end())
    throw Error(fmt::format("{}: no cardiograd model: the metadata '{}' is missing", path.string(), kMetadataKey),
                "Give a last.safetensors or best.safetensors that train has written.");
  TrainedModel model;
  try {
    const json description = json::parse(metadata->second);
    if (description.at("format_version") != kFormatVersion)
      throw Error(fmt::format("{}: format version {}, expected {}", path.string(),
                              description.at("format_version").dump(), kFormatVersion),
                  "Use the version of the program that wrote it.");
    model.description = description_from(description);
  } catch (const json::exception& error) {
    throw Error(fmt::format("{}: the model's description is damaged: {}", path.string(), error.what()),
                "Take a fresh copy of the file.");
  }
  check_lengths(path.string(), model.description);
  check_values(path.string(), model.description);
  check_sizes(path.string(), model.description.sizes, file);
  model.net = std::make_unique<HcCnnTn>(model.description.sizes, 0);
  restore_tensors(file, "", path.string(), model.net->named_tensors());
  return model;
}

}  // namespace cardiograd::model
