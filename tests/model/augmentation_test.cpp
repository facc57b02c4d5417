#include "model/augmentation.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "data/dataset.h"

namespace cardiograd::model {
namespace {

constexpr std::int64_t kRecords = 200, kSamples = 21, kLeads = 3;

std::vector<std::int64_t> rows() {
  std::vector<std::int64_t> rows(kRecords);
  std::iota(rows.begin(), rows.end(), 1000);
  return rows;
}

// Record i is i + 1 everywhere, in a unit of its own and in its feature; its label is i % 2.
HostBatch batch() {
  HostBatch batch = {Tensor::empty({kRecords, kSamples, kLeads}, DType::kInt16),
                     Tensor::zeros({kRecords, kLeads}, DType::kFloat32, Device::kCpu),
                     Tensor::zeros({kRecords, 1}, DType::kFloat32, Device::kCpu),
                     Tensor::zeros({kRecords, 1}, DType::kFloat32, Device::kCpu)};
  for (std::int64_t i = 0; i < kRecords; ++i) {
    const std::int64_t unit = i % 2 == 0 ? 10 : 20;
    std::fill_n(batch.signals.data<std::int16_t>() + i * kSamples * kLeads, kSamples * kLeads, (i + 1) * unit);
    std::fill_n(batch.scales.data() + i * kLeads, kLeads, 1.0F / static_cast<float>(unit));
    batch.features.data()[i] = static_cast<float>(i + 1);
    batch.labels.data()[i] = static_cast<float>(i % 2);
  }
  return batch;
}

double value(const HostBatch& b, std::int64_t record, std::int64_t sample, std::int64_t lead) {
  return static_cast<double>(b.signals.data<std::int16_t>()[(record * kSamples + sample) * kLeads + lead]) *
         static_cast<double>(b.scales.data()[record * kLeads + lead]);
}

bool silent(const HostBatch& b, std::int64_t record, std::int64_t sample, std::int64_t lead) {
  return b.signals.data<std::int16_t>()[(record * kSamples + sample) * kLeads + lead] == data::kInvalidInt16;
}

TEST(Augmentation, MixesSignalsFeaturesAndLabelsAlike) {
  HostBatch b = batch();
  b.signals.data<std::int16_t>()[kSamples * kLeads] = data::kInvalidInt16;  // record 1, sample 0, lead 0
  augment({.mixup = 0.4}, 3, 5, rows(), b);
  double sum = 0;
  int changed = 0;
  for (std::int64_t i = 0; i + 1 < kRecords; ++i) {
    const double fraction = static_cast<double>(b.features.data()[i]) - static_cast<double>(i + 1);
    ASSERT_TRUE(fraction >= 0 && fraction <= 0.5) << "of record " << i;
    const double label = static_cast<double>(b.labels.data()[i]);
    EXPECT_NEAR(label, i % 2 == 0 ? fraction : 1 - fraction, 2e-5);
    EXPECT_NEAR(value(b, i, 7, 2), static_cast<double>(i + 1) + fraction, 0.051) << "half a step of the unit";
    sum += fraction;
    changed += fraction > 0.01 ? 1 : 0;
  }
  EXPECT_TRUE(silent(b, 0, 0, 0) && silent(b, 1, 0, 0)) << "invalid in one of both";
  EXPECT_FALSE(silent(b, 1, 1, 0));
  // Of min(x, 1 - x), x from Beta(0.4, 0.4): by numerical integration its mean is 0.160 and its SD 0.153.
  EXPECT_NEAR(sum / (kRecords - 1), 0.160, 4 * 0.153 / std::sqrt(kRecords));
  EXPECT_GT(changed, kRecords / 2);
}

TEST(Augmentation, SilencesLeadsAndAStretch) {
  HostBatch b = batch();
  augment({.lead_dropout = 0.25}, 3, 5, rows(), b);
  int leads = 0;
  for (std::int64_t i = 0; i < kRecords; ++i)
    for (std::int64_t lead = 0; lead < kLeads; ++lead) {
      leads += silent(b, i, 0, lead) ? 1 : 0;
      for (std::int64_t t = 1; t < kSamples; ++t) EXPECT_EQ(silent(b, i, t, lead), silent(b, i, 0, lead));
    }
  EXPECT_NEAR(leads, 0.25 * kRecords * kLeads, 45);

  b = batch();
  augment({.time_mask = 0.5}, 3, 5, rows(), b);
  std::vector<int> lengths(kSamples + 1);
  for (std::int64_t i = 0; i < kRecords; ++i) {
    int length = 0, begins = 0;
    for (std::int64_t t = 0; t < kSamples; ++t) {
      length += silent(b, i, t, 0) ? 1 : 0;
      begins += silent(b, i, t, 0) && (t == 0 || !silent(b, i, t - 1, 0)) ? 1 : 0;
      EXPECT_EQ(silent(b, i, t, 0), silent(b, i, t, 2));
    }
    EXPECT_EQ(begins, length > 0 ? 1 : 0);
    ++lengths[static_cast<std::size_t>(length)];
  }
  for (std::size_t length = 0; length < lengths.size(); ++length)
    EXPECT_NEAR(lengths[length], length <= 10 ? kRecords / 11 : 0, length <= 10 ? 17 : 0) << length;
}

TEST(Augmentation, ScalesAndSmooths) {
  HostBatch b = batch();
  augment({.amplitude_sd = 0.2, .label_smoothing = 0.1}, 3, 5, rows(), b);
  double sum = 0, squares = 0;
  for (std::int64_t i = 0; i < kRecords; ++i) {
    const double log_factor = std::log(value(b, i, 3, 1) / static_cast<double>(i + 1));
    EXPECT_NEAR(std::log(value(b, i, 9, 2) / static_cast<double>(i + 1)), log_factor, 1e-5);
    sum += log_factor;
    squares += log_factor * log_factor;
    EXPECT_FLOAT_EQ(b.labels.data()[i], i % 2 == 0 ? 0.05F : 0.95F);
    EXPECT_EQ(b.features.data()[i], static_cast<float>(i + 1));
  }
  EXPECT_NEAR(sum / kRecords, 0, 0.06);
  EXPECT_NEAR(std::sqrt(squares / kRecords), 0.2, 0.04);
}

// What happens to a record depends on seed, epoch and record, not on its place; nothing is drawn that is not asked for.
TEST(Augmentation, IsAFunctionOfSeedEpochAndRecord) {
  const Augmentation some = {.lead_dropout = 0.3, .amplitude_sd = 0.1};
  const auto altered = [&](std::uint64_t seed, std::int64_t epoch) {
    HostBatch b = batch();
    augment(some, seed, epoch, rows(), b);
    return b.scales.values();
  };
  EXPECT_EQ(altered(3, 5), altered(3, 5));
  EXPECT_NE(altered(3, 5), altered(4, 5));
  EXPECT_NE(altered(3, 5), altered(3, 6));
  HostBatch b = batch();
  const std::vector<float> before = b.scales.values();
  augment({}, 3, 5, rows(), b);
  EXPECT_EQ(b.scales.values(), before);
  EXPECT_FALSE(Augmentation{}.any());
}

}  // namespace
}  // namespace cardiograd::model
