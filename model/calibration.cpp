#include "model/calibration.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include <fmt/format.h>

#include "base/error.h"
#include "evaluation/thresholds.h"

namespace cardiograd::model {
namespace {

// Below it every record would get nearly the same probability.
constexpr double kMinSlope = 0.01;

std::vector<std::uint8_t> labels_at(const DataLoader& loader, const std::vector<std::int64_t>& rows) {
  const std::int64_t classes = loader.labels().dim(1);
  std::vector<std::uint8_t> labels;
  for (const std::int64_t row : rows)
    for (std::int64_t c = 0; c < classes; ++c) labels.push_back(loader.labels().data()[row * classes + c] != 0 ? 1 : 0);
  return labels;
}

// logits (records, windows, classes), labels (records, classes)
CalibratedClass fit(const std::vector<float>& logits, const std::vector<std::uint8_t>& labels, std::size_t classes,
                    std::size_t column, Aggregate aggregate) {
  evaluation::PlattData data{.windows = std::ssize(logits) / std::ssize(labels),
                             .largest = aggregate == Aggregate::kMax};
  for (std::size_t i = column; i < logits.size(); i += classes) data.logits.push_back(static_cast<double>(logits[i]));
  for (std::size_t i = column; i < labels.size(); i += classes) data.labels.push_back(labels[i]);
  CalibratedClass result;
  result.positives = std::count(data.labels.begin(), data.labels.end(), 1);
  if (result.positives == 0)
    result.reason = "no positives";
  else if (result.positives == std::ssize(data.labels))
    result.reason = "no negatives";
  else
    result.scaling = fit_platt(data);
  if (result.scaling.slope < kMinSlope) {
    result.scaling = {};
    result.reason = "not told from the others here";
  }
  return result;
}

// weight (inputs, classes), bias (classes)
void scale_last_layer(Model& net, const std::vector<CalibratedClass>& classes) {
  const std::vector<std::string> names = net.transfer().by_class;
  std::int64_t scaled = 0;
  for (const nn::NamedTensor& named : net.named_tensors()) {
    if (std::find(names.begin(), names.end(), named.name) == names.end()) continue;
    const bool bias = named.tensor->shape().dims() == 1;
    float* values = named.tensor->data();
    for (std::int64_t i = 0; i < named.tensor->count(); ++i) {
      const evaluation::PlattScaling& s = classes[static_cast<std::size_t>(i) % classes.size()].scaling;
      values[i] = static_cast<float>(s.slope * static_cast<double>(values[i]) + (bias ? s.offset : 0));
    }
    ++scaled;
  }
  if (scaled != 2)
    throw Error("this kind of model has no last layer with weights and a bias for each class",
                "Tell Model::transfer() its by_class tensors.");
}

}  // namespace

std::vector<CalibratedClass> calibrate(TrainedModel& model, const DataLoader& loader,
                                       const std::vector<std::int64_t>& rows, std::int64_t batch_size) {
  ModelDescription& description = model.description;
  const std::size_t count = description.class_names.size();
  const std::vector<std::uint8_t> labels = labels_at(loader, rows);
  const BatchScores all =
      score_batches(*model.net, loader, rows, batch_size, {}, 0, batches_of(loader, rows.size(), batch_size));
  std::vector<CalibratedClass> classes;
  for (std::size_t c = 0; c < count; ++c) {
    classes.push_back(fit(all.logits, labels, count, c, loader.crops().aggregate));
    classes.back().name = description.class_names[c];
  }
  model.net->to(Device::kCpu);
  scale_last_layer(*model.net, classes);
  model.net->to(loader.device());
  const bool fixed = std::all_of(description.thresholds.begin(), description.thresholds.end(),
                                 [](float t) { return t == evaluation::kDefaultThreshold; });
  if (fixed) return classes;
  const Scores scores = score(*model.net, loader, rows, batch_size, {});
  const std::vector<evaluation::ClassThreshold> tuned = evaluation::tune_thresholds(
      {scores.probabilities, labels, std::ssize(rows), std::ssize(classes), description.class_names});
  for (std::size_t c = 0; c < count; ++c)
    if (tuned[c].tuned) description.thresholds[c] = tuned[c].value;
  return classes;
}

}  // namespace cardiograd::model
