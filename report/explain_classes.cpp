#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/log.h"
#include "report/collect.h"

namespace cardiograd::report {
namespace {

// Integrated gradients run on the CPU; the model goes there and back.
class OnCpu {
 public:
  OnCpu(model::Model& net, Device device) : net_(net), device_(device) { net_.to(Device::kCpu); }
  ~OnCpu() { net_.to(device_); }
  OnCpu(const OnCpu&) = delete;
  OnCpu& operator=(const OnCpu&) = delete;

 private:
  model::Model& net_;
  Device device_;
};

// Rows of the predictions: labeled, decided positive, the surest first.
std::vector<std::int64_t> right_positives(const EvaluationInputs& inputs, const evaluation::Predictions& predictions,
                                          std::int64_t column) {
  std::vector<std::int64_t> records;
  const auto score = [&](std::int64_t n) {
    return predictions.scores[static_cast<std::size_t>(n * predictions.classes + column)];
  };
  for (std::int64_t n = 0; n < predictions.records; ++n)
    if (predictions.labels[static_cast<std::size_t>(n * predictions.classes + column)] != 0 &&
        score(n) > inputs.evaluation.thresholds[static_cast<std::size_t>(column)])
      records.push_back(n);
  std::stable_sort(records.begin(), records.end(), [&](auto a, auto b) { return score(a) > score(b); });
  if (static_cast<std::int64_t>(records.size()) > inputs.explained)
    records.resize(static_cast<std::size_t>(inputs.explained));
  return records;
}

ExplainedRecording recording_of(const EvaluationInputs& inputs, std::int64_t row) {
  ExplainedRecording one;
  const auto index = static_cast<std::size_t>(row);
  one.record.name =
      inputs.set.paths.empty() ? fmt::format("record {}", inputs.set.ecg_ids[index]) : inputs.set.paths[index];
  one.record.samples = inputs.loader.recording(row);
  one.record.unit = inputs.trained.description.unit;
  const model::Batch batch = inputs.loader.whole(row);
  one.record.signals = batch.signals.to(Device::kCpu);
  if (batch.features.defined()) one.record.features = batch.features.to(Device::kCpu);
  for (const std::string& name : inputs.trained.description.feature_scaling.names) {
    const auto& names = inputs.set.feature_names;
    const auto column = static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
    one.record.feature_values.push_back(
        static_cast<double>(inputs.set.features[static_cast<std::size_t>(row) * names.size() + column]));
  }
  one.probabilities = model::probabilities_of(inputs.trained, one.record);
  one.beats = model::beat_parts(one.record, inputs.trained.description.rate);
  return one;
}

void add_mean(std::vector<model::PartContribution>& means, const std::vector<model::PartContribution>& parts,
              double weight) {
  if (means.empty())
    for (const model::PartContribution& part : parts) means.push_back({part.name, 0, 0, 0});
  for (std::size_t i = 0; i < parts.size(); ++i) {
    means[i].contribution += parts[i].contribution * weight;
    means[i].fraction += parts[i].fraction * weight;
    means[i].extent += parts[i].extent * weight;
  }
}

}  // namespace

std::vector<ExplainedClass> explain_classes(const EvaluationInputs& inputs,
                                            const evaluation::Predictions& predictions) {
  std::vector<ExplainedClass> classes;
  if (inputs.explained < 1) return classes;
  const OnCpu on_cpu(*inputs.trained.net, inputs.loader.device());
  for (std::int64_t column = 0; column < predictions.classes; ++column) {
    const auto records = right_positives(inputs, predictions, column);
    if (records.empty()) continue;
    log_info("explaining {} answers of class {} (--explain 0 leaves explanations out)", records.size(),
             inputs.trained.description.class_names[static_cast<std::size_t>(column)]);
    ExplainedClass one;
    one.column = static_cast<std::size_t>(column);
    one.records = static_cast<std::int64_t>(records.size());
    for (const std::int64_t record : records) {
      ExplainedRecording recording = recording_of(inputs, inputs.rows[static_cast<std::size_t>(record)]);
      model::Explanation why =
          model::explain(inputs.trained, recording.record, recording.beats, column, {.integration = {}, .window_s = 0});
      add_mean(one.leads, why.leads, 1 / static_cast<double>(records.size()));
      add_mean(one.parts, why.parts, 1 / static_cast<double>(records.size()));
      one.missed_fraction = std::max(one.missed_fraction, why.missed_fraction);
      if (record != records.front()) continue;
      one.example = std::move(recording);
      one.example.whys.push_back(std::move(why));
    }
    classes.push_back(std::move(one));
  }
  return classes;
}

}  // namespace cardiograd::report
