#include "model/augmentation.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/gather_batch/gather_batch.h"
#include "model/data_loader.h"

namespace cardiograd::model {
namespace {

constexpr std::int64_t kRecords = 200, kSamples = 21, kLeads = 3;

// Record i is i + 1 everywhere, in a unit of its own and in its feature; its label is i % 2. Sample 0 of lead 0 of
// record 1 is invalid.
DataLoader records() {
  RecordArrays arrays;
  arrays.records = kRecords;
  arrays.samples = kSamples;
  arrays.leads = kLeads;
  arrays.classes = 1;
  arrays.feature_width = 1;
  for (std::int64_t i = 0; i < kRecords; ++i) {
    const std::int64_t unit = i % 2 == 0 ? 10 : 20;
    arrays.signals.insert(arrays.signals.end(), kSamples * kLeads, static_cast<std::int16_t>((i + 1) * unit));
    arrays.scales.insert(arrays.scales.end(), kLeads, 1.0F / static_cast<float>(unit));
    arrays.features.push_back(static_cast<float>(i + 1));
    arrays.labels.push_back(static_cast<float>(i % 2));
  }
  arrays.signals[kSamples * kLeads] = kernels::kInvalidSample;
  return {std::move(arrays), identity_scaling(kLeads)};
}

// All records, each with the one behind it.
std::vector<Place> places() {
  std::vector<Place> places;
  for (std::int64_t i = 0; i < kRecords; ++i) places.push_back({.record = i, .next = (i + 1) % kRecords});
  return places;
}

BatchPlan plan(const Augmentation& augmentation, std::uint64_t seed = 3, std::int64_t epoch = 5) {
  return plan_batches(augmentation, seed, epoch, kSamples, kLeads, places());
}

Batch batch(const Augmentation& augmentation) {
  return records().planned_batch(plan(augmentation));
}

double value(const Batch& b, std::int64_t record, std::int64_t sample, std::int64_t lead) {
  return static_cast<double>(b.signals.data()[(record * kSamples + sample) * kLeads + lead]);
}

bool silent(const Batch& b, std::int64_t record, std::int64_t sample, std::int64_t lead) {
  return value(b, record, sample, lead) == 0;
}

TEST(Augmentation, MixesSignalsFeaturesAndLabelsAlike) {
  const Batch b = batch({.mixup = 0.4});
  double sum = 0;
  int changed = 0;
  for (std::int64_t i = 0; i + 1 < kRecords; ++i) {
    const double fraction = static_cast<double>(b.features.data()[i]) - static_cast<double>(i + 1);
    ASSERT_TRUE(fraction >= 0 && fraction <= 0.5) << "of record " << i;
    const double label = static_cast<double>(b.labels.data()[i]);
    EXPECT_NEAR(label, i % 2 == 0 ? fraction : 1 - fraction, 2e-5);
    EXPECT_NEAR(value(b, i, 7, 2), static_cast<double>(i + 1) + fraction, 1e-4);
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
  Batch b = batch({.lead_dropout = 0.25});
  int leads = 0;
  for (std::int64_t i = 0; i < kRecords; ++i)
    for (std::int64_t lead = 0; lead < kLeads; ++lead) {
      leads += silent(b, i, 1, lead) ? 1 : 0;
      for (std::int64_t t = 2; t < kSamples; ++t) EXPECT_EQ(silent(b, i, t, lead), silent(b, i, 1, lead));
    }
  EXPECT_NEAR(leads, 0.25 * kRecords * kLeads, 45);

  b = batch({.time_mask = 0.5});
  std::vector<int> lengths(kSamples + 1);
  for (std::int64_t i = 0; i < kRecords; ++i) {
    int length = 0, begins = 0;
    for (std::int64_t t = 0; t < kSamples; ++t) {
      length += silent(b, i, t, 1) ? 1 : 0;
      begins += silent(b, i, t, 1) && (t == 0 || !silent(b, i, t - 1, 1)) ? 1 : 0;
      EXPECT_EQ(silent(b, i, t, 1), silent(b, i, t, 2));
    }
    EXPECT_EQ(begins, length > 0 ? 1 : 0);
    ++lengths[static_cast<std::size_t>(length)];
  }
  for (std::size_t length = 0; length < lengths.size(); ++length)
    EXPECT_NEAR(lengths[length], length <= 10 ? kRecords / 11 : 0, length <= 10 ? 17 : 0) << length;
}

TEST(Augmentation, ScalesAndSmooths) {
  const Batch b = batch({.amplitude_sd = 0.2, .label_smoothing = 0.1});
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
  EXPECT_EQ(plan(some).gains, plan(some).gains);
  EXPECT_NE(plan(some, 3, 5).gains, plan(some, 4, 5).gains);
  EXPECT_NE(plan(some, 3, 5).gains, plan(some, 3, 6).gains);
  const BatchPlan later = plan_batches(some, 3, 5, kSamples, kLeads, {{.record = 7}});
  const std::vector<float> all = plan(some).gains;
  EXPECT_EQ(later.gains, std::vector<float>(all.begin() + 7 * kLeads, all.begin() + 8 * kLeads));
  EXPECT_EQ(plan({}).gains, std::vector<float>(kRecords * kLeads, 1));
  EXPECT_EQ(plan({}).fractions, std::vector<float>(kRecords));
  EXPECT_EQ(plan({}).silent_count, std::vector<std::int32_t>(kRecords));
  EXPECT_FALSE(Augmentation{}.any());
}

}  // namespace
}  // namespace cardiograd::model
