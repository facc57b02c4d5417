#include "model/data_loader.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <fmt/format.h>

#include "base/error.h"
#include "engine/autograd.h"
#include "engine/ops/ops.h"

namespace cardiograd::model {
namespace {

std::vector<float> to_float(const std::vector<double>& values) {
  return {values.begin(), values.end()};
}

// Rows `index` of a table on the CPU, brought to `device`.
Tensor gather_rows(const Tensor& table, const std::vector<std::int32_t>& index, Device device) {
  std::vector<std::int64_t> dims = {static_cast<std::int64_t>(index.size())};
  for (int i = 1; i < table.shape().dims(); ++i) dims.push_back(table.dim(i));
  Tensor rows = Tensor::empty(Shape(dims), table.dtype());
  const std::size_t bytes = index.empty() ? 0 : rows.byte_count() / index.size();
  for (std::size_t i = 0; i < index.size(); ++i)
    std::copy_n(table.bytes() + static_cast<std::size_t>(index[i]) * bytes, bytes, rows.bytes() + i * bytes);
  return rows.to(device);
}

bool fits_on_gpu(const Tensor& signals, double share) {
  return static_cast<double>(signals.byte_count()) <= share * static_cast<double>(cuda_memory_for_tensors());
}

}  // namespace

DataLoader::DataLoader(data::Dataset& set, const SignalScaling& signal_scaling, const FeatureScaling& feature_scaling,
                       Device device, double resident_share)
    : device_(device),
      signals_(Tensor::from(set.signals, {set.records, set.samples, set.leads})),
      scales_(Tensor::from(set.scales, {set.records, set.leads})),
      labels_(Tensor::from(std::vector<float>(set.labels.begin(), set.labels.end()),
                           {set.records, static_cast<std::int64_t>(set.class_names.size())})),
      mean_(Tensor::from(to_float(signal_scaling.mean), {set.leads}).to(device)) {
  set.signals.clear();
  set.signals.shrink_to_fit();
  std::vector<float> inverse;
  for (const double sd : signal_scaling.sd) inverse.push_back(static_cast<float>(1 / sd));
  inverse_sd_ = Tensor::from(inverse, {set.leads}).to(device);
  if (feature_scaling.width() > 0)
    features_ = Tensor::from(scaled_features(feature_scaling, set), {set.records, feature_scaling.width()});
  if (device == Device::kCpu || fits_on_gpu(signals_, resident_share)) {
    resident_signals_ = signals_.to(device);
    resident_scales_ = scales_.to(device);
  }
}

Batch DataLoader::batch(const std::vector<std::int64_t>& rows, std::size_t first, std::size_t count) const {
  std::vector<std::int32_t> index;
  for (std::size_t i = 0; i < count; ++i) index.push_back(static_cast<std::int32_t>(rows[first + i]));
  Batch batch;
  if (features_.defined()) batch.features = gather_rows(features_, index, device_);
  batch.labels = gather_rows(labels_, index, device_);
  Tensor signals = resident_signals_;
  Tensor scales = resident_scales_;
  if (!resident()) {
    signals = gather_rows(signals_, index, device_);
    scales = gather_rows(scales_, index, device_);
    std::iota(index.begin(), index.end(), 0);
  }
  batch.signals =
      ops::gather_batch(signals, scales, Tensor::from(index, {static_cast<std::int64_t>(count)}), mean_, inverse_sd_);
  return batch;
}

std::vector<float> DataLoader::recording(std::int64_t record) const {
  if (record < 0 || record >= signals_.dim(0))
    throw Error(fmt::format("record number {}, expected 0 to {}", record, signals_.dim(0) - 1));
  const std::int64_t leads = signals_.dim(2);
  const std::int64_t count = signals_.dim(1) * leads;
  const std::int16_t* steps = signals_.data<std::int16_t>() + record * count;
  const float* scales = scales_.data() + record * leads;
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i)
    values[static_cast<std::size_t>(i)] = steps[i] == data::kInvalidInt16
                                              ? std::numeric_limits<float>::quiet_NaN()
                                              : static_cast<float>(steps[i]) * scales[i % leads];
  return values;
}

Scores score(Model& net, const DataLoader& source, const std::vector<std::int64_t>& rows, std::int64_t batch_size,
             const Tensor& pos_weight) {
  const NoGrad no_grad;
  net.set_training(false);
  Scores scores;
  double loss = 0;
  for (std::size_t first = 0; first < rows.size(); first += static_cast<std::size_t>(batch_size)) {
    const std::size_t count = std::min(static_cast<std::size_t>(batch_size), rows.size() - first);
    const Batch batch = source.batch(rows, first, count);
    const Tensor logits = net.forward(batch.signals, batch.features);
    const std::vector<float> values = logits.values();
    scores.logits.insert(scores.logits.end(), values.begin(), values.end());
    if (pos_weight.defined()) {
      const Tensor mean_loss = ops::weighted_bce(logits, batch.labels, pos_weight);
      loss += static_cast<double>(mean_loss.values()[0]) * static_cast<double>(count);
    }
  }
  for (const float logit : scores.logits)
    scores.probabilities.push_back(static_cast<float>(1.0 / (1.0 + std::exp(-static_cast<double>(logit)))));
  scores.loss =
      pos_weight.defined() ? loss / static_cast<double>(rows.size()) : std::numeric_limits<double>::quiet_NaN();
  return scores;
}

std::vector<std::int64_t> rows_of_folds(const data::Dataset& set, const std::vector<std::int64_t>& folds) {
  std::vector<std::int64_t> rows;
  for (std::int64_t record = 0; record < set.records; ++record) {
    const int fold = set.folds[static_cast<std::size_t>(record)];
    if (std::find(folds.begin(), folds.end(), fold) != folds.end()) rows.push_back(record);
  }
  return rows;
}

std::vector<std::uint8_t> labels_of(const data::Dataset& set, const std::vector<std::int64_t>& rows) {
  const std::size_t classes = set.class_names.size();
  std::vector<std::uint8_t> labels;
  for (const std::int64_t row : rows) {
    const auto first = set.labels.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(row) * classes);
    labels.insert(labels.end(), first, first + static_cast<std::ptrdiff_t>(classes));
  }
  return labels;
}

}  // namespace cardiograd::model
