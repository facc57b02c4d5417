#include "model/initial_weights.h"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "base/log.h"

namespace cardiograd::model {
namespace {

// For each place of the new model, the place in the other one.
using Places = std::vector<std::optional<std::size_t>>;

std::optional<std::size_t> place_of(const std::vector<std::string>& names, const std::string& name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<std::size_t>(found - names.begin());
}

Places places_of(const std::vector<std::string>& from, const std::vector<std::string>& to) {
  Places places;
  for (const std::string& name : to) places.push_back(place_of(from, name));
  return places;
}

// The inputs of the feature branch: values, and flags behind them.
std::vector<std::string> input_names(const FeatureScaling& scaling) {
  std::vector<std::string> names = scaling.names;
  for (std::size_t i = 0; scaling.missing_flags && i < scaling.names.size(); ++i)
    names.push_back(scaling.names[i] + " missing");
  return names;
}

// Copies along `axis`, on which alone the tensors differ in length; false where they differ elsewhere.
bool copy_places(const Tensor& from, Tensor& to, int axis, const Places& places) {
  if (from.shape().dims() != to.shape().dims()) return false;
  std::int64_t outer = 1, inner = 1;
  for (int d = 0; d < to.shape().dims(); ++d) {
    if (d != axis && from.dim(d) != to.dim(d)) return false;
    if (d < axis) outer *= to.dim(d);
    if (d > axis) inner *= to.dim(d);
  }
  for (std::int64_t o = 0; o < outer; ++o)
    for (std::size_t i = 0; i < places.size(); ++i)
      if (places[i])
        std::copy_n(from.data() + (o * from.dim(axis) + static_cast<std::int64_t>(*places[i])) * inner, inner,
                    to.data() + (o * to.dim(axis) + static_cast<std::int64_t>(i)) * inner);
  return true;
}

// A tensor one of whose axes counts named things.
struct NamedAxis {
  const char* what;
  int axis;
  std::vector<std::string> from, to;
};

std::map<std::string, NamedAxis> named_axes(Model& net, const ModelDescription& from, const ModelDescription& to) {
  const Model::Transfer transfer = net.transfer();
  std::map<std::string, NamedAxis> axes;
  if (!transfer.by_feature.empty())
    axes[transfer.by_feature] = {"features", 0, input_names(from.feature_scaling), input_names(to.feature_scaling)};
  const auto among = [](const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  for (const nn::NamedTensor& named : net.named_tensors()) {
    const int dims = named.tensor->shape().dims();
    if (among(transfer.by_lead, named.name)) axes[named.name] = {"leads", dims - 2, from.lead_names, to.lead_names};
    if (among(transfer.by_class, named.name))
      axes[named.name] = {"classes", dims - 1, from.class_names, to.class_names};
  }
  return axes;
}

void take_by_name(const std::string& name, const NamedAxis& axis, const Tensor& from, Tensor& to, TakenOver& taken) {
  const Places places = places_of(axis.from, axis.to);
  std::vector<std::string> kept, fresh;
  for (std::size_t i = 0; i < places.size(); ++i) (places[i] ? kept : fresh).push_back(axis.to[i]);
  if (kept.empty() || !copy_places(from, to, axis.axis, places)) {
    taken.fresh.push_back(name);
    taken.notes.push_back(fmt::format("{}: new, no {} in common", name, axis.what));
    return;
  }
  (fresh.empty() ? taken.whole : taken.partly).push_back(name);
  if (!fresh.empty())
    taken.notes.push_back(
        fmt::format("{}: {} {} taken over, {} new", name, axis.what, fmt::join(kept, ", "), fmt::join(fresh, ", ")));
}

void expect_kind_and_rate(const ModelDescription& from, const Architecture& to, double rate) {
  if (from.architecture.kind().name != to.kind().name)
    throw Error(
        fmt::format("--init is a model of the kind {}, the run's is {}", from.architecture.kind().name, to.kind().name),
        "Leave --model out, or begin with a model of its kind.");
  if (from.rate != rate)
    throw Error(fmt::format("--init was trained at {:g} Hz, the data are at {:g} Hz", from.rate, rate),
                fmt::format("Use --rate {:g}; with --labels add --resample.", from.rate));
}

// How many stages of a model `freeze` means.
std::size_t stages_of(Freeze freeze) {
  return freeze == Freeze::kNone ? 0 : freeze == Freeze::kConvolutions ? 1 : 2;
}

void expect_stages(Model& net, Freeze freeze) {
  if (net.transfer().stages.size() < stages_of(freeze))
    throw Error(fmt::format("--freeze {}: this model has no such part", word_of(freeze)), "Leave --freeze out.");
}

void expect_alike(const ModelDescription& from, const ModelDescription& to) {
  expect_kind_and_rate(from, to.architecture, to.rate);
  if (from.unit != to.unit)
    throw Error(
        fmt::format("--init was trained on signals in '{}', the data are in '{}'", from.unit, to.unit),
        from.unit == "z" ? "Add --normalize zscore." : "Begin with a model that was trained with --normalize zscore.");
  if (from.filter != to.filter || from.normalize != to.normalize)
    log_warning("--init was trained on signals with --filter {} --normalize {}, the run's have {} and {}",
                word_of(from.filter), word_of(from.normalize), word_of(to.filter), word_of(to.normalize));
}

}  // namespace

TrainingConfig config_like(const ModelDescription& model) {
  TrainingConfig config;
  config.model = model.architecture;
  config.data.rate = static_cast<std::int64_t>(model.rate);
  config.data.features = model.feature_set;
  config.data.missing_flags = model.feature_scaling.missing_flags;
  config.data.filter = model.filter;
  config.data.normalize = model.normalize;
  config.crop = model.crops().samples;
  config.aggregate = model.aggregate;
  config.window_step = model.window_step;
  return config;
}

void expect_beginning(const TrainedModel& from, const TrainingConfig& config) {
  expect_kind_and_rate(from.description, config.model, static_cast<double>(config.data.rate));
  expect_stages(*from.net, config.freeze);
}

TakenOver take_over_weights(const TrainedModel& from, const ModelDescription& to, Model& net) {
  expect_alike(from.description, to);
  std::map<std::string, const Tensor*> source;
  for (const nn::NamedTensor& named : from.net->named_tensors()) source[named.name] = named.tensor;
  const std::map<std::string, NamedAxis> axes = named_axes(net, from.description, to);
  TakenOver taken;
  std::vector<std::string> unlike;
  for (const nn::NamedTensor& named : net.named_tensors()) {
    const auto other = source.find(named.name);
    if (const auto axis = axes.find(named.name); axis != axes.end() && other != source.end()) {
      take_by_name(named.name, axis->second, *other->second, *named.tensor, taken);
    } else if (other != source.end() && other->second->shape() == named.tensor->shape()) {
      std::copy_n(other->second->data(), named.tensor->count(), named.tensor->data());
      taken.whole.push_back(named.name);
    } else {
      taken.fresh.push_back(named.name);
      unlike.push_back(named.name);
    }
  }
  if (!unlike.empty())
    taken.notes.push_back(fmt::format("new, of another shape or not there: {}", fmt::join(unlike, ", ")));
  return taken;
}

void take_over_scaling(const ModelDescription& from, ModelDescription& to) {
  const Places leads = places_of(from.lead_names, to.lead_names);
  for (std::size_t i = 0; i < leads.size(); ++i) {
    if (!leads[i]) continue;
    to.signal_scaling.mean[i] = from.signal_scaling.mean[*leads[i]];
    to.signal_scaling.sd[i] = from.signal_scaling.sd[*leads[i]];
  }
  const Places features = places_of(from.feature_scaling.names, to.feature_scaling.names);
  for (std::size_t i = 0; i < features.size(); ++i) {
    if (!features[i]) continue;
    to.feature_scaling.median[i] = from.feature_scaling.median[*features[i]];
    to.feature_scaling.mean[i] = from.feature_scaling.mean[*features[i]];
    to.feature_scaling.sd[i] = from.feature_scaling.sd[*features[i]];
  }
}

void freeze_part(Model& net, Freeze freeze, const TakenOver& taken) {
  if (freeze == Freeze::kNone) return;
  expect_stages(net, freeze);
  const auto stages = net.transfer().stages;
  for (std::size_t i = 0; i < stages_of(freeze); ++i) {
    const auto& [what, module] = stages[i];
    for (const nn::NamedTensor& named : module->named_tensors()) {
      const std::string name = module->name() + "." + named.name;
      if (std::find(taken.whole.begin(), taken.whole.end(), name) == taken.whole.end())
        throw Error(
            fmt::format("--freeze {}: {} is not from --init and has not learned anything", word_of(freeze), name),
            "Freeze less, or take leads and sizes that --init has.");
    }
    module->freeze();
  }
}

}  // namespace cardiograd::model
