#include "model/augmentation.h"

#include <algorithm>
#include <cmath>

#include "base/philox.h"
#include "base/random_streams.h"
#include "data/dataset.h"

namespace cardiograd::model {
namespace {

using data::kInvalidInt16;

constexpr double kLargestInt16 = 32767;

// A value of Beta(a, a), 0 < a <= 1, by Joehnk's method (Metrika 8:5, 1964)
double draw_beta(PhiloxStream& random, double a) {
  for (;;) {
    const double x = std::pow(random.uniform(), 1 / a);
    const double y = std::pow(random.uniform(), 1 / a);
    if (x + y > 0 && x + y <= 1) return x / (x + y);
  }
}

Tensor copy_of(const Tensor& tensor) {
  Tensor copy = Tensor::empty(tensor.shape(), tensor.dtype());
  std::copy_n(tensor.bytes(), tensor.byte_count(), copy.bytes());
  return copy;
}

// Row `record` becomes a mean of itself and of row `other` of `all`, which counts for `fraction`.
void mix_row(Tensor& table, const Tensor& all, std::int64_t record, std::int64_t other, double fraction) {
  if (!table.defined()) return;
  const std::int64_t width = table.dim(1);
  float* to = table.data() + record * width;
  const float* from = all.data() + other * width;
  for (std::int64_t i = 0; i < width; ++i)
    to[i] = static_cast<float>((1 - fraction) * static_cast<double>(to[i]) + fraction * static_cast<double>(from[i]));
}

// In the record's own unit. A sample that is invalid in one of both is invalid.
void mix_signals(HostBatch& batch, const HostBatch& all, std::int64_t record, std::int64_t other, double fraction) {
  const std::int64_t samples = batch.signals.dim(1), leads = batch.signals.dim(2);
  auto* to = batch.signals.data<std::int16_t>() + record * samples * leads;
  const auto* from = all.signals.data<std::int16_t>() + other * samples * leads;
  for (std::int64_t lead = 0; lead < leads; ++lead) {
    const auto scale = static_cast<double>(batch.scales.data()[record * leads + lead]);
    const auto ratio = static_cast<double>(all.scales.data()[other * leads + lead]) / scale;
    for (std::int64_t i = lead; i < samples * leads; i += leads) {
      if (to[i] == kInvalidInt16) continue;
      if (from[i] == kInvalidInt16) {
        to[i] = kInvalidInt16;
        continue;
      }
      const double mixed = (1 - fraction) * to[i] + fraction * ratio * from[i];
      to[i] = static_cast<std::int16_t>(std::lround(std::clamp(mixed, -kLargestInt16, kLargestInt16)));
    }
  }
}

void silence(HostBatch& batch, std::int64_t record, std::int64_t lead, std::int64_t first, std::int64_t count) {
  const std::int64_t leads = batch.signals.dim(2);
  std::int16_t* row = batch.signals.data<std::int16_t>() + (record * batch.signals.dim(1) + first) * leads + lead;
  for (std::int64_t t = 0; t < count; ++t) row[t * leads] = kInvalidInt16;
}

void alter_signals(const Augmentation& a, PhiloxStream& random, HostBatch& batch, std::int64_t record) {
  const std::int64_t samples = batch.signals.dim(1), leads = batch.signals.dim(2);
  if (a.amplitude_sd > 0) {
    const auto factor = static_cast<float>(std::exp(a.amplitude_sd * random.normal()));
    for (std::int64_t lead = 0; lead < leads; ++lead) batch.scales.data()[record * leads + lead] *= factor;
  }
  for (std::int64_t lead = 0; a.lead_dropout > 0 && lead < leads; ++lead)
    if (random.uniform() < a.lead_dropout) silence(batch, record, lead, 0, samples);
  if (a.time_mask > 0) {
    const auto most = static_cast<std::uint32_t>(a.time_mask * static_cast<double>(samples));
    const std::int64_t count = random.below(most + 1);
    const std::int64_t first = random.below(static_cast<std::uint32_t>(samples - count + 1));
    for (std::int64_t lead = 0; lead < leads; ++lead) silence(batch, record, lead, first, count);
  }
}

}  // namespace

void augment(const Augmentation& augmentation, std::uint64_t seed, std::int64_t epoch,
             const std::vector<std::int64_t>& rows, HostBatch& batch) {
  const auto records = static_cast<std::int64_t>(rows.size());
  HostBatch all;
  if (augmentation.mixup > 0)
    all = {copy_of(batch.signals), copy_of(batch.scales), batch.features.defined() ? copy_of(batch.features) : Tensor(),
           copy_of(batch.labels)};
  for (std::int64_t record = 0; record < records; ++record) {
    PhiloxStream random(seed, random_streams::augmentation(epoch, rows[static_cast<std::size_t>(record)]));
    if (augmentation.mixup > 0) {
      const double drawn = draw_beta(random, augmentation.mixup);
      const double fraction = std::min(drawn, 1 - drawn);
      const std::int64_t other = (record + 1) % records;
      mix_signals(batch, all, record, other, fraction);
      mix_row(batch.features, all.features, record, other, fraction);
      mix_row(batch.labels, all.labels, record, other, fraction);
    }
    alter_signals(augmentation, random, batch, record);
  }
  if (augmentation.label_smoothing > 0) {
    const auto keep = static_cast<float>(1 - augmentation.label_smoothing);
    for (std::int64_t i = 0; i < batch.labels.shape().count(); ++i)
      batch.labels.data()[i] = batch.labels.data()[i] * keep + (1 - keep) / 2;
  }
}

}  // namespace cardiograd::model
