#include "model/device_batches.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "engine/ops/ops.h"
#include "engine/transfer.h"
#include "kernels/common/batch_progress_cuda.h"
#include "kernels/common/device_code.h"

namespace cardiograd::model {
namespace {

using kernels::BatchProgress;

Tensor words_on_gpu(std::size_t bytes) {
  return Tensor::zeros({static_cast<std::int64_t>(bytes / sizeof(std::int32_t))}, DType::kInt32, Device::kCuda);
}

// Room for `places` rows of a plan.
ops::AlteredPlaces places_on_gpu(std::int64_t places, std::int64_t leads) {
  const auto words = [&] { return Tensor::zeros({places}, DType::kInt32, Device::kCuda); };
  return {.records = words(),
          .starts = words(),
          .others = words(),
          .other_starts = words(),
          .fractions = Tensor::zeros({places}, DType::kFloat32, Device::kCuda),
          .silent_first = words(),
          .silent_count = words(),
          .gains = Tensor::zeros({places, leads}, DType::kFloat32, Device::kCuda)};
}

// Places that a begin() may have, at least one for each record.
std::int64_t most_places(const DataLoader& loader, std::int64_t places) {
  if (places > 0) return std::max(places, loader.labels().dim(0));
  const std::size_t windows = crop_windows(loader.crops(), loader.samples()).size();
  return loader.labels().dim(0) * static_cast<std::int64_t>(windows);
}

template <class Value>
void upload_to(Tensor& tensor, const std::vector<Value>& values) {
  upload(reinterpret_cast<std::byte*>(tensor.address<Value>()), values.data(), values.size() * sizeof(Value));
}

std::byte* raw(Tensor& tensor) {
  return reinterpret_cast<std::byte*>(tensor.address<std::int32_t>());
}

const BatchProgress& progress_at(const Tensor& tensor) {
  return *reinterpret_cast<const BatchProgress*>(tensor.address<std::int32_t>());
}

// The table, or one without columns.
Tensor features_on_gpu(const Tensor& features, std::int64_t records) {
  return features.defined() ? features.to(Device::kCuda) : Tensor::empty({records, 0}, DType::kFloat32, Device::kCuda);
}

}  // namespace

LossRing::LossRing()
    : ring_(Tensor::zeros({kSize}, DType::kFloat32, Device::kCuda)),
      pinned_(pinned_allocator().allocate(2 * kSize * sizeof(float))) {}

LossRing::~LossRing() {
  try {
    take(true);             // The stream may still hold copies into the pinned memory.
  } catch (const Error&) {  // The next call that waits for the stream reports it.
  }
}

void LossRing::count_step() {
  if (++written_ == kSize) copy();
}

void LossRing::copy() {
  Part& part = parts_[next_];
  arrive(part);
  part.first = copied_;
  part.count = written_ - copied_;
  auto* to = reinterpret_cast<float*>(pinned_.get()) + next_ * kSize;
  cuda::copy(to, ring_.address() + part.first, static_cast<std::size_t>(part.count) * sizeof(float),
             cuda::Direction::kToHost);
  part.copied.record();
  copied_ = written_;
  if (written_ == kSize) written_ = copied_ = 0;
  next_ = 1 - next_;
}

void LossRing::arrive(Part& part) {
  if (part.count == 0) return;
  part.copied.wait();
  const auto* from = reinterpret_cast<const float*>(pinned_.get()) + (&part - parts_) * kSize;
  arrived_.insert(arrived_.end(), from, from + part.count);
  part.count = 0;
}

std::vector<float> LossRing::take(bool all) {
  if (all && written_ > copied_) copy();
  if (all) {
    arrive(parts_[next_]);  // the older one first
    arrive(parts_[1 - next_]);
  }
  return std::exchange(arrived_, {});
}

void LossRing::clear() {
  take(true);
  written_ = copied_ = 0;
}

DeviceBatches::DeviceBatches(const DataLoader& loader, bool planned, std::int64_t places)
    : loader_(loader),
      features_(features_on_gpu(loader.features(), loader.labels().dim(0))),
      labels_(loader.labels().to(Device::kCuda)),
      order_(Tensor::zeros({loader.labels().dim(0)}, DType::kInt32, Device::kCuda)),
      progress_(words_on_gpu(sizeof(BatchProgress))),
      rates_(words_on_gpu(static_cast<std::size_t>(loader.labels().dim(0)) * sizeof(kernels::StepRates))),
      logits_(Tensor::zeros({most_places(loader, places), loader.labels().dim(1)}, DType::kFloat32, Device::kCuda)) {
  if (planned) places_ = places_on_gpu(most_places(loader, places), loader.leads());
  constexpr std::size_t kWord = sizeof(std::int32_t);
  static_assert(offsetof(BatchProgress, first) % kWord == 0 && sizeof(BatchProgress) % kWord == 0);
  first_ = progress_.part(offsetof(BatchProgress, first) / kWord, {1});
}

void DeviceBatches::begin(const std::vector<std::int64_t>& rows, std::size_t first, std::int64_t step,
                          const std::vector<kernels::StepRates>& rates) {
  const std::vector<std::int32_t> order(rows.begin(), rows.end());
  upload_to(order_, order);
  begin_at(first, step, rates);
}

void DeviceBatches::begin(const BatchPlan& plan, std::int64_t step, const std::vector<kernels::StepRates>& rates) {
  if (static_cast<std::int64_t>(plan.places()) > places_.records.count())
    throw Error(fmt::format("a plan of {} places, expected {} at most", plan.places(), places_.records.count()),
                "Tell DeviceBatches how many there will be.");
  upload_to(places_.records, plan.records);
  upload_to(places_.starts, plan.starts);
  upload_to(places_.others, plan.others);
  upload_to(places_.other_starts, plan.other_starts);
  upload_to(places_.fractions, plan.fractions);
  upload_to(places_.silent_first, plan.silent_first);
  upload_to(places_.silent_count, plan.silent_count);
  upload_to(places_.gains, plan.gains);
  begin_at(0, step, rates);
}

void DeviceBatches::begin_at(std::size_t first, std::int64_t step, const std::vector<kernels::StepRates>& rates) {
  upload(raw(rates_), rates.data(), rates.size() * sizeof(kernels::StepRates));
  const BatchProgress progress = {.rates = rates.empty() ? kernels::StepRates() : rates.front(),
                                  .first = static_cast<std::int32_t>(first),
                                  .batch = 0,
                                  .step = static_cast<std::uint32_t>(step)};
  upload(raw(progress_), &progress, sizeof progress);
  losses_.clear();
}

Batch DeviceBatches::batch(std::int64_t count) const {
  const ops::BatchRows rows = ops::batch_rows(order_, first_, features_, labels_, count);
  const DataLoader::Resident all = loader_.resident_arrays();
  return {.signals = ops::gather_batch(all.signals, all.scales, rows.rows, all.mean, all.inverse_sd),
          .features = loader_.features().defined() ? rows.features : Tensor(),
          .labels = rows.labels};
}

Batch DeviceBatches::planned_batch(std::int64_t count, double label_smoothing) const {
  const DataLoader::Resident all = loader_.resident_arrays();
  const ops::BatchRows rows = ops::altered_rows(features_, labels_, places_, first_, count, label_smoothing);
  return {.signals = ops::altered_signals(all.signals, all.scales, all.mean, all.inverse_sd, places_, first_, count,
                                          loader_.part_samples()),
          .features = loader_.features().defined() ? rows.features : Tensor(),
          .labels = rows.labels};
}

kernels::BatchEnd DeviceBatches::end(const Tensor& loss, const Tensor& logits, std::int64_t count) {
  return {.results = {.records = static_cast<std::int32_t>(count),
                      .loss = loss.address(),
                      .losses = losses_.ring().address(),
                      .ring = LossRing::kSize,
                      .classes = static_cast<std::int32_t>(labels_.dim(1)),
                      .logits = logits.defined() ? logits.address() : nullptr,
                      .all_logits = logits_.address(),
                      .rates = reinterpret_cast<const kernels::StepRates*>(raw(rates_)),
                      .rate_count = static_cast<std::int32_t>(rates_.byte_count() / sizeof(kernels::StepRates))},
          .progress = reinterpret_cast<BatchProgress*>(raw(progress_))};
}

void DeviceBatches::finish(const Tensor& loss, const Tensor& logits, std::int64_t count) {
  if constexpr (kernels::kHasDeviceCode) kernels::finish_batch_cuda(end(loss, logits, count), cuda::stream());
}

std::size_t bytes_beside_plan(const DataLoader& loader, bool planned, std::int64_t places) {
  const std::int64_t records = loader.labels().dim(0), beyond = loader.samples() - loader.part_samples();
  const std::int64_t signals = loader.resident() ? records * beyond * loader.leads() * 2 : 0;
  const std::int64_t row = 4 * (7 + loader.leads() + loader.labels().dim(1));  // of the tables and of logits
  return static_cast<std::size_t>(signals + (planned ? most_places(loader, places) * row : 0));
}

std::vector<float> DeviceBatches::logits(std::size_t rows) const {
  return logits_.part(0, {static_cast<std::int64_t>(rows), labels_.dim(1)}).values();
}

const kernels::StepRates* DeviceBatches::rates() const {
  return &progress_at(progress_).rates;
}

const std::uint32_t* DeviceBatches::step() const {
  return &progress_at(progress_).step;
}

}  // namespace cardiograd::model
