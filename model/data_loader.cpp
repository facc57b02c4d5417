#include "model/data_loader.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <map>
#include <numeric>
#include <utility>

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "data/dataset.h"
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

// The values as a tensor. They may be most of the memory in use: the pages of each part go back to the system as soon
// as it is copied, so that there are never two copies of all.
Tensor moved(std::vector<std::int16_t>&& values, const Shape& shape) {
  constexpr std::size_t kPart = std::size_t{8} << 20;  // bytes, whole pages
  Tensor tensor = Tensor::empty(shape, DType::kInt16);
  const std::size_t bytes = values.size() * sizeof(std::int16_t);
  if (bytes != tensor.byte_count())
    throw Error(fmt::format("tensor of shape {}: {} values, expected {}", shape.text(), values.size(), shape.count()));
  auto* from = reinterpret_cast<std::byte*>(values.data());
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  for (std::size_t at = 0; at < bytes; at += kPart) {
    const std::size_t count = std::min(kPart, bytes - at);
    std::memcpy(tensor.bytes() + at, from + at, count);
    const auto address = reinterpret_cast<std::uintptr_t>(from);
    const std::uintptr_t begin = (address + at + page - 1) / page * page, end = (address + at + count) / page * page;
    if (begin < end) ::madvise(from + (begin - address), end - begin, MADV_DONTNEED);
  }
  values = {};
  return tensor;
}

// The answers to the windows of each record, side by side in `logits`, as one.
Scores join_windows(const std::vector<float>& logits, std::size_t windows, std::size_t classes, Aggregate aggregate,
                    double loss) {
  Scores scores;
  scores.loss = loss;
  for (std::size_t first = 0; first < logits.size(); first += windows * classes)
    for (std::size_t c = 0; c < classes; ++c) {
      double sum = 0, largest = 0;
      for (std::size_t w = 0; w < windows; ++w) {
        const double probability = 1 / (1 + std::exp(-static_cast<double>(logits[first + w * classes + c])));
        sum += probability;
        if (std::isnan(probability) || probability > largest) largest = probability;
      }
      const double joined = aggregate == Aggregate::kMax ? largest : sum / static_cast<double>(windows);
      scores.probabilities.push_back(static_cast<float>(joined));
      scores.logits.push_back(static_cast<float>(std::log(joined) - std::log1p(-joined)));
    }
  return scores;
}

}  // namespace

DataLoader::DataLoader(RecordArrays arrays, const SignalScaling& signal_scaling, Device device,
                       double resident_fraction)
    : device_(device),
      crops_(arrays.crops),
      records_(arrays.records),
      samples_(arrays.samples),
      leads_(arrays.leads),
      mapped_(std::move(arrays.mapped)),
      signals_(mapped_ ? Tensor() : moved(std::move(arrays.signals), {arrays.records, arrays.samples, arrays.leads})),
      scales_(Tensor::from(arrays.scales, {arrays.records, arrays.leads})),
      labels_(Tensor::from(arrays.labels, {arrays.records, arrays.classes})),
      mean_(Tensor::from(to_float(signal_scaling.mean), {arrays.leads}).to(device)) {
  if (mapped_ && (mapped_->records() != records_ || mapped_->values() != samples_ * leads_))
    throw Error(fmt::format("{} mapped records of {} values, expected {} of {}", mapped_->records(), mapped_->values(),
                            records_, samples_ * leads_));
  std::vector<float> inverse;
  for (const double sd : signal_scaling.sd) inverse.push_back(static_cast<float>(1 / sd));
  inverse_sd_ = Tensor::from(inverse, {arrays.leads}).to(device);
  if (arrays.feature_width > 0) features_ = Tensor::from(arrays.features, {arrays.records, arrays.feature_width});
  if (crops_.samples > arrays.samples)
    throw Error(fmt::format("crops of {} samples, and the records have {}", crops_.samples, arrays.samples),
                "Use a smaller training.crop, or longer records.");
  make_resident(resident_fraction);
}

// On the CPU signals in memory are there; on the GPU all are brought there, mapped ones too, unless they take more than
// `fraction` of its memory.
void DataLoader::make_resident(double fraction) {
  const Shape shape({records_, samples_, leads_});
  const auto bytes = static_cast<std::size_t>(shape.count()) * sizeof(std::int16_t);
  if (device_ == Device::kCpu ? mapped_ != nullptr
                              : static_cast<double>(bytes) > fraction * static_cast<double>(cuda_memory_for_tensors()))
    return;
  resident_scales_ = scales_.to(device_);
  if (!mapped_) {
    resident_signals_ = signals_.to(device_);
    return;
  }
  resident_signals_ = Tensor::empty(shape, DType::kInt16, device_);
  constexpr std::int64_t kAtOnce = 256;  // records
  for (std::int64_t first = 0; first < records_; first += kAtOnce) {
    std::vector<std::int32_t> index(static_cast<std::size_t>(std::min(kAtOnce, records_ - first)));
    std::iota(index.begin(), index.end(), static_cast<std::int32_t>(first));
    const Tensor part = signals_of(index);
    resident_signals_.part(first * samples_ * leads_, part.shape()).assign(part);
  }
}

void DataLoader::prefetch(const std::vector<std::int64_t>& rows, std::size_t first, std::size_t count) const {
  if (!mapped_ || resident()) return;
  for (std::size_t i = first; i < std::min(first + count, rows.size()); ++i) mapped_->will_need(rows[i]);
}

// All samples of records `index`, int16 (N, samples, leads) on the CPU.
Tensor DataLoader::signals_of(const std::vector<std::int32_t>& index) const {
  Tensor signals = Tensor::empty({static_cast<std::int64_t>(index.size()), samples_, leads_}, DType::kInt16);
  for (std::size_t i = 0; i < index.size(); ++i)
    std::copy_n(signal_of(index[i]).data(), samples_ * leads_,
                signals.data<std::int16_t>() + static_cast<std::int64_t>(i) * samples_ * leads_);
  return signals;
}

// Rows `index` of `signals` and `scales`, which are on the device.
Tensor DataLoader::standardized(const Tensor& signals, const Tensor& scales,
                                const std::vector<std::int32_t>& index) const {
  return ops::gather_batch(signals, scales, Tensor::from(index, {static_cast<std::int64_t>(index.size())}), mean_,
                           inverse_sd_);
}

// Of the records in memory, or of the parts that the plan needs, which are sent.
Tensor DataLoader::planned_signals(const BatchPlan& plan) const {
  const auto count = static_cast<std::int64_t>(plan.places());
  const std::int64_t samples = part_samples();
  const Tensor first = Tensor::from(std::vector<std::int32_t>{0}, {1}).to(device_);
  if (resident())
    return ops::altered_signals(resident_signals_, resident_scales_, mean_, inverse_sd_,
                                to_tensors(plan, leads_, device_), first, count, samples);
  BatchPlan sent = plan;
  std::vector<std::int32_t> records;
  std::vector<std::int16_t> parts;
  std::map<std::pair<std::int32_t, std::int32_t>, std::int32_t> places;  // of a record and a start among the parts
  const auto send = [&](std::int32_t& record, std::int32_t& start) {
    const auto [found, is_new] = places.try_emplace({record, start}, static_cast<std::int32_t>(records.size()));
    if (is_new) {
      const data::RecordSignal signal = signal_of(record);
      const std::int16_t* from = signal.data() + start * leads_;
      parts.insert(parts.end(), from, from + samples * leads_);
      records.push_back(record);
    }
    record = found->second;
    start = 0;
  };
  for (std::size_t i = 0; i < sent.places(); ++i) {
    send(sent.records[i], sent.starts[i]);
    if (sent.fractions[i] != 0)
      send(sent.others[i], sent.other_starts[i]);
    else
      sent.others[i] = sent.other_starts[i] = 0;
  }
  const Tensor signals = Tensor::from(parts, {static_cast<std::int64_t>(records.size()), samples, leads_}).to(device_);
  return ops::altered_signals(signals, gather_rows(scales_, records, device_), mean_, inverse_sd_,
                              to_tensors(sent, leads_, device_), first, count, samples);
}

Batch DataLoader::planned_batch(const BatchPlan& plan) const {
  const std::int64_t last = samples_ - part_samples();
  for (std::size_t i = 0; i < plan.places(); ++i) {
    expect_record(plan.records[i]);
    expect_record(plan.others[i]);
    for (const std::int32_t start : {plan.starts[i], plan.other_starts[i]})
      if (start < 0 || start > last)
        throw Error(fmt::format("a crop begins at sample {}, expected 0 to {}", start, last),
                    "Use a smaller training.crop, or longer records.");
  }
  const ops::BatchRows rows = ops::altered_rows(
      features_.defined() ? features_ : Tensor::empty({records_, 0}), labels_, to_tensors(plan, leads_, Device::kCpu),
      Tensor::from(std::vector<std::int32_t>{0}, {1}), static_cast<std::int64_t>(plan.places()), plan.label_smoothing);
  return {.signals = planned_signals(plan),
          .features = features_.defined() ? rows.features.to(device_) : Tensor(),
          .labels = rows.labels.to(device_)};
}

Batch DataLoader::batch(const std::vector<std::int64_t>& rows, std::size_t first, std::size_t count,
                        const std::vector<std::int64_t>& starts) const {
  if (crops_.samples > 0) {
    std::vector<Place> places;
    places.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      const std::int64_t record = rows[first + i], start = starts.empty() ? (samples_ - crops_.samples) / 2 : starts[i];
      places.push_back({.record = record, .start = start, .next = record, .next_start = start});
    }
    return planned_batch(plan_batches({}, 0, 0, part_samples(), leads_, places));
  }
  std::vector<std::int32_t> index;
  for (std::size_t i = 0; i < count; ++i) index.push_back(static_cast<std::int32_t>(rows[first + i]));
  Batch batch;
  if (features_.defined()) batch.features = gather_rows(features_, index, device_);
  batch.labels = gather_rows(labels_, index, device_);
  Tensor signals = resident_signals_;
  Tensor scales = resident_scales_;
  if (!resident()) {
    signals = signals_of(index).to(device_);
    scales = gather_rows(scales_, index, device_);
    std::iota(index.begin(), index.end(), 0);
  }
  batch.signals = standardized(signals, scales, index);
  return batch;
}

void DataLoader::expect_record(std::int64_t record) const {
  if (record < 0 || record >= records_)
    throw Error(fmt::format("record number {}, expected 0 to {}", record, records_ - 1));
}

Batch DataLoader::whole(std::int64_t record) const {
  expect_record(record);
  const std::vector<std::int32_t> index = {static_cast<std::int32_t>(record)};
  Tensor signals = Tensor::empty({1, samples_, leads_}, DType::kInt16);
  std::copy_n(signal_of(record).data(), signals.count(), signals.data<std::int16_t>());
  return {.signals = standardized(signals.to(device_), gather_rows(scales_, index, device_), {0}),
          .features = features_.defined() ? gather_rows(features_, index, device_) : Tensor(),
          .labels = gather_rows(labels_, index, device_)};
}

std::vector<float> DataLoader::recording(std::int64_t record) const {
  expect_record(record);
  const std::int64_t count = samples_ * leads_;
  const data::RecordSignal signal = signal_of(record);
  const std::int16_t* steps = signal.data();
  const float* scales = scales_.data() + record * leads_;
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i)
    values[static_cast<std::size_t>(i)] = steps[i] == data::kInvalidInt16
                                              ? std::numeric_limits<float>::quiet_NaN()
                                              : static_cast<float>(steps[i]) * scales[i % leads_];
  return values;
}

Scores make_scores(std::vector<float> logits, double loss) {
  Scores scores;
  for (const float logit : logits)
    scores.probabilities.push_back(static_cast<float>(1.0 / (1.0 + std::exp(-static_cast<double>(logit)))));
  scores.logits = std::move(logits);
  scores.loss = loss;
  return scores;
}

std::vector<Place> window_places(const DataLoader& loader, const std::vector<std::int64_t>& rows) {
  const std::vector<std::int64_t> windows = crop_windows(loader.crops(), loader.samples());
  std::vector<Place> places;
  places.reserve(rows.size() * windows.size());
  for (const std::int64_t record : rows)
    for (const std::int64_t start : windows)
      places.push_back({.record = record, .start = start, .next = record, .next_start = start});
  return places;
}

std::int64_t batches_of(const DataLoader& loader, std::size_t rows, std::int64_t batch_size) {
  const auto inputs = static_cast<std::int64_t>(rows * crop_windows(loader.crops(), loader.samples()).size());
  return (inputs + batch_size - 1) / batch_size;
}

BatchScores score_batches(Model& net, const DataLoader& loader, const std::vector<std::int64_t>& rows,
                          std::int64_t batch_size, const Tensor& pos_weight, std::int64_t first_batch,
                          std::int64_t end_batch, const std::function<void()>& between) {
  const NoGrad no_grad;
  net.set_training(false);
  BatchScores scores;
  const std::vector<std::int64_t> windows = crop_windows(loader.crops(), loader.samples());
  const std::size_t inputs = rows.size() * windows.size();
  for (std::int64_t number = first_batch; number < end_batch; ++number) {
    if (between) between();
    const auto first = static_cast<std::size_t>(number * batch_size);
    const std::size_t count = std::min(static_cast<std::size_t>(batch_size), inputs - first);
    std::vector<std::int64_t> some, starts;
    for (std::size_t i = first; i < first + count; ++i) {
      some.push_back(rows[i / windows.size()]);
      starts.push_back(windows[i % windows.size()]);
    }
    loader.prefetch(rows, (first + count) / windows.size(), count / windows.size() + 1);
    const Batch batch = loader.batch(some, 0, count, starts);
    const Tensor logits = net.forward(batch.signals, batch.features);
    const std::vector<float> values = logits.values();
    scores.logits.insert(scores.logits.end(), values.begin(), values.end());
    if (!pos_weight.defined()) continue;
    const Tensor mean_loss = ops::weighted_bce(logits, batch.labels, pos_weight);
    scores.losses.push_back(static_cast<double>(mean_loss.values()[0]) * static_cast<double>(count));
  }
  return scores;
}

Scores join_batches(const DataLoader& loader, std::size_t rows, BatchScores all) {
  const std::size_t windows = crop_windows(loader.crops(), loader.samples()).size();
  double loss = 0;
  for (const double one : all.losses) loss += one;
  loss = all.losses.empty() ? std::numeric_limits<double>::quiet_NaN() : loss / static_cast<double>(rows * windows);
  if (loader.crops().samples == 0) return make_scores(std::move(all.logits), loss);
  return join_windows(all.logits, windows, static_cast<std::size_t>(loader.labels().dim(1)), loader.crops().aggregate,
                      loss);
}

Scores score(Model& net, const DataLoader& loader, const std::vector<std::int64_t>& rows, std::int64_t batch_size,
             const Tensor& pos_weight, const std::function<void()>& between) {
  const std::int64_t batches = batches_of(loader, rows.size(), batch_size);
  return join_batches(loader, rows.size(),
                      score_batches(net, loader, rows, batch_size, pos_weight, 0, batches, between));
}

}  // namespace cardiograd::model
