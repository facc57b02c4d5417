#include "model/record_model.h"

#include <algorithm>
#include <span>

#include <fmt/format.h>

#include "base/error.h"
#include "engine/autograd.h"

namespace cardiograd::model {
namespace {

DataShape of_records(DataShape shape, std::int64_t samples) {
  shape.samples = samples;
  return shape;
}

// x (N, T, C) -> (N * windows, count, C): of each record the stretches that begin at `starts`.
Tensor cut_windows(const Tensor& x, const std::vector<std::int64_t>& starts, std::int64_t count) {
  const std::int64_t records = x.dim(0), channels = x.dim(2), whole = x.dim(1) * channels, part = count * channels;
  Tensor y = Tensor::empty({records * static_cast<std::int64_t>(starts.size()), count, channels});
  float* to = y.data();
  for (std::int64_t n = 0; n < records; ++n)
    for (const std::int64_t start : starts) to = std::copy_n(x.data() + n * whole + start * channels, part, to);
  const GradientSlot dx(x);
  record("cut_windows", y, {&x}, [=](const Tensor& dy) {
    Tensor gradient = dx.accumulator();
    const float* from = dy.data();
    for (std::int64_t n = 0; n < records; ++n)
      for (const std::int64_t start : starts) {
        float* at = gradient.data() + n * whole + start * channels;
        for (std::int64_t i = 0; i < part; ++i) at[i] += *from++;
      }
  });
  return y;
}

// x (N, F) -> (N * times, F): each row `times` times.
Tensor repeat_rows(const Tensor& x, std::int64_t times) {
  const std::int64_t rows = x.dim(0), width = x.dim(1);
  Tensor y = Tensor::empty({rows * times, width});
  for (std::int64_t i = 0; i < rows * times; ++i)
    std::copy_n(x.data() + i / times * width, width, y.data() + i * width);
  const GradientSlot dx(x);
  record("repeat_rows", y, {&x}, [=](const Tensor& dy) {
    Tensor gradient = dx.accumulator();
    for (std::int64_t i = 0; i < rows * times; ++i)
      for (std::int64_t f = 0; f < width; ++f) gradient.data()[i / times * width + f] += dy.data()[i * width + f];
  });
  return y;
}

// logits (N * windows, classes) -> (N, classes)
Tensor join_windows(const Tensor& logits, std::int64_t windows, Aggregate aggregate) {
  const std::int64_t records = logits.dim(0) / windows, classes = logits.dim(1);
  Tensor y = Tensor::empty({records, classes});
  Tensor slopes = Tensor::empty(logits.shape());  // of each joined logit in its windows'
  std::vector<double> parts(static_cast<std::size_t>(windows));
  for (std::int64_t n = 0; n < records; ++n)
    for (std::int64_t c = 0; c < classes; ++c) {
      const auto at = [&](std::int64_t w) { return (n * windows + w) * classes + c; };
      for (std::int64_t w = 0; w < windows; ++w)
        parts[static_cast<std::size_t>(w)] = static_cast<double>(logits.data()[at(w)]);
      const JoinedLogit joined = joined_logit(parts, aggregate);
      y.data()[n * classes + c] = static_cast<float>(joined.logit);
      for (std::int64_t w = 0; w < windows; ++w)
        slopes.data()[at(w)] = static_cast<float>(joined.slopes[static_cast<std::size_t>(w)]);
    }
  const GradientSlot dx(logits);
  record("join_windows", y, {&logits}, [=](const Tensor& dy) {
    Tensor gradient = dx.new_gradient();
    for (std::int64_t i = 0; i < records * windows; ++i)
      for (std::int64_t c = 0; c < classes; ++c)
        gradient.data()[i * classes + c] = slopes.data()[i * classes + c] * dy.data()[i / windows * classes + c];
    dx.accumulate(gradient);
  });
  return y;
}

}  // namespace

RecordModel::RecordModel(Model& crop_model, const Crops& crops, std::int64_t record_samples)
    : Model(of_records(crop_model.shape(), record_samples)),
      net_(crop_model),
      frozen_(crop_model),
      aggregate_(crops.aggregate),
      windows_(crop_windows(crops, record_samples)) {
  if (crops.samples != crop_model.shape().samples || crops.samples > record_samples)
    throw Error(fmt::format("a model of {} samples for crops of {} from records of {}", crop_model.shape().samples,
                            crops.samples, record_samples));
}

Tensor RecordModel::encode(const Tensor& signals) {
  if (signals.shape().dims() != 3 || signals.device() != Device::kCpu)
    throw Error(fmt::format("whole records have the shape {}, expected (N, samples, leads) on the CPU",
                            signals.shape().text()));
  expect_shape("whole records", "signals", signals, {signals.dim(0), shape().samples, shape().leads});
  return net_.encode(cut_windows(signals, windows_, net_.shape().samples));
}

Tensor RecordModel::classify(const Tensor& encoded, const Tensor& features) {
  const auto count = static_cast<std::int64_t>(windows_.size());
  return join_windows(net_.classify(encoded, features.defined() ? repeat_rows(features, count) : features), count,
                      aggregate_);
}

Tensor RecordModel::window(const Tensor& signals, std::size_t number) const {
  return cut_windows(signals, {windows_.at(number)}, net_.shape().samples);
}

}  // namespace cardiograd::model
