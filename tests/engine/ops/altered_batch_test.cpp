// Batches as an epoch alters them: marks that random numbers rarely hit, and the same bits on both devices.
#include <algorithm>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.h"
#include "engine/ops/ops.h"
#include "kernels/gather_batch/gather_batch.h"
#include "tests/engine/on_cuda.h"

namespace cardiograd {
namespace {

using testing::CudaTest;
using testing::random_tensor;

constexpr std::int64_t kRecords = 5, kTime = 40, kLeads = 4, kPlaces = 6, kSamples = 30;

Tensor signals() {
  std::vector<std::int16_t> steps(kRecords * kTime * kLeads);
  for (std::size_t i = 0; i < steps.size(); ++i) steps[i] = static_cast<std::int16_t>(7919 * i % 4001 - 2000);
  return Tensor::from(steps, {kRecords, kTime, kLeads});
}

Tensor words(const std::vector<std::int32_t>& values) {
  return Tensor::from(values, {static_cast<std::int64_t>(values.size())});
}

// Nothing is altered.
ops::AlteredPlaces plain_places() {
  return {.records = words({4, 0, 3, 1, 2, 0}),
          .starts = words({0, 10, 3, 7, 1, 0}),
          .others = words({0, 3, 1, 2, 0, 4}),
          .other_starts = words({10, 3, 7, 1, 0, 0}),
          .fractions = Tensor::zeros({kPlaces}),
          .silent_first = words(std::vector<std::int32_t>(kPlaces)),
          .silent_count = words(std::vector<std::int32_t>(kPlaces)),
          .gains = Tensor::full({kPlaces, kLeads}, 1)};
}

ops::AlteredPlaces altered_places() {
  ops::AlteredPlaces places = plain_places();
  places.fractions = Tensor::from<float>({0.1F, 0, 0.4F, 0.25F, 0, 0.5F}, {kPlaces});
  places.silent_first = words({0, 3, 29, 30, 4, 0});
  places.silent_count = words({0, 9, 1, 0, 26, 30});
  places.gains = random_tensor({kPlaces, kLeads}, 5);
  places.gains.data()[6] = 0;
  return places;
}

ops::AlteredPlaces on(Device device, ops::AlteredPlaces places) {
  for (Tensor* table : {&places.records, &places.starts, &places.others, &places.other_starts, &places.fractions,
                        &places.silent_first, &places.silent_count, &places.gains})
    *table = table->to(device);
  return places;
}

Tensor altered(const Tensor& steps, const ops::AlteredPlaces& places, std::int32_t first, std::int64_t count,
               Device device = Device::kCpu) {
  return ops::altered_signals(steps.to(device), random_tensor({kRecords, kLeads}, 1).to(device),
                              random_tensor({kLeads}, 2).to(device), random_tensor({kLeads}, 3).to(device),
                              on(device, places), words({first}).to(device), count, kSamples);
}

TEST(AlteredBatch, WhatIsNotAlteredHasTheBitsOfTheGatheredRecords) {
  const Tensor all = ops::gather_batch(signals(), random_tensor({kRecords, kLeads}, 1), words({3, 1, 2}),
                                       random_tensor({kLeads}, 2), random_tensor({kLeads}, 3));
  const Tensor parts = altered(signals(), plain_places(), 2, 3);
  const std::int64_t starts[] = {3, 7, 1};
  for (std::int64_t n = 0; n < 3; ++n)
    for (std::int64_t i = 0; i < kSamples * kLeads; ++i)
      ASSERT_EQ(parts.data()[n * kSamples * kLeads + i], all.data()[(n * kTime + starts[n]) * kLeads + i]);
}

TEST(AlteredBatch, InvalidSamplesOfEitherRecordAreTheMean) {
  Tensor steps = signals();
  const auto mark = [&](std::int64_t record, std::int64_t sample, std::int64_t lead) {
    steps.data<std::int16_t>()[(record * kTime + sample) * kLeads + lead] = kernels::kInvalidSample;
  };
  mark(3, 3 + 11, 1);  // of place 2 itself
  mark(1, 7 + 20, 2);  // of what is mixed into it
  mark(3, 3 + 25, 0);  // of what is mixed into place 1, where nothing of it is
  ops::AlteredPlaces places = plain_places();
  places.fractions.data()[2] = 0.25F;
  const Tensor x = altered(steps, places, 1, 2);
  const auto at = [&](std::int64_t n, std::int64_t sample, std::int64_t lead) {
    return x.data()[(n * kSamples + sample) * kLeads + lead];
  };
  EXPECT_EQ(at(1, 11, 1), 0);
  EXPECT_EQ(at(1, 20, 2), 0);
  EXPECT_EQ(at(1, 25, 0), 0);
  EXPECT_NE(at(0, 25, 0), 0);
  EXPECT_EQ(std::count(x.data(), x.data() + x.count(), 0.0F), 3);
}

TEST(AlteredBatch, WhatIsSilentIsTheMean) {
  ops::AlteredPlaces places = plain_places();
  places.gains.data()[1 * kLeads + 2] = 0;
  places.silent_first = words({0, 28, 0, 0, 0, 0});
  places.silent_count = words({0, 2, 30, 0, 0, 0});
  const Tensor x = altered(signals(), places, 1, 2);
  for (std::int64_t t = 0; t < kSamples; ++t)
    for (std::int64_t lead = 0; lead < kLeads; ++lead) {
      EXPECT_EQ(x.data()[t * kLeads + lead] == 0, lead == 2 || t >= 28) << t << " " << lead;
      EXPECT_EQ(x.data()[(kSamples + t) * kLeads + lead], 0);
    }
}

TEST(AlteredBatch, TablesOfOtherSizesAreRefused) {
  ops::AlteredPlaces places = plain_places();
  places.gains = Tensor::full({kPlaces, kLeads + 1}, 1);
  EXPECT_THROW(altered(signals(), places, 0, 2), Error);
  places = plain_places();
  places.starts = words({0, 0});
  EXPECT_THROW(altered(signals(), places, 0, 2), Error);
  EXPECT_THROW(ops::altered_signals(signals(), random_tensor({kRecords, kLeads}, 1), random_tensor({kLeads}, 2),
                                    random_tensor({kLeads}, 3), plain_places(), words({0}), 2, kTime + 1),
               Error);
}

class CudaAlteredBatch : public CudaTest {};

TEST_F(CudaAlteredBatch, HasTheBitsOfTheCpu) {
  Tensor steps = signals();
  steps.data<std::int16_t>()[3 * kTime * kLeads + 57] = kernels::kInvalidSample;
  for (const ops::AlteredPlaces& places : {plain_places(), altered_places()}) {
    EXPECT_EQ(altered(steps, places, 1, 5, Device::kCuda).values(), altered(steps, places, 1, 5).values());
    ops::BatchRows rows[2];
    for (const Device device : {Device::kCpu, Device::kCuda})
      rows[device == Device::kCuda] =
          ops::altered_rows(random_tensor({kRecords, 29}, 4).to(device), random_tensor({kRecords, 3}, 6).to(device),
                            on(device, places), words({1}).to(device), 5, 0.1);
    EXPECT_EQ(rows[1].features.values(), rows[0].features.values());
    EXPECT_EQ(rows[1].labels.values(), rows[0].labels.values());
  }
}

}  // namespace
}  // namespace cardiograd
