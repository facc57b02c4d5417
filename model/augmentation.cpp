#include "model/augmentation.h"

#include <algorithm>
#include <cmath>

#include "base/philox.h"
#include "base/random_streams.h"
#include "base/threads.h"

namespace cardiograd::model {
namespace {

// A value of Beta(a, a), 0 < a <= 1, by Joehnk's method (Metrika 8:5, 1964)
double draw_beta(PhiloxStream& random, double a) {
  for (;;) {
    const double x = std::pow(random.uniform(), 1 / a);
    const double y = std::pow(random.uniform(), 1 / a);
    if (x + y > 0 && x + y <= 1) return x / (x + y);
  }
}

// What is drawn is drawn in this order, and nothing that is not asked for.
void draw(const Augmentation& a, PhiloxStream& random, std::int64_t samples, std::int64_t leads, std::size_t place,
          BatchPlan& plan) {
  if (a.mixup > 0) {
    const double drawn = draw_beta(random, a.mixup);
    plan.fractions[place] = static_cast<float>(std::min(drawn, 1 - drawn));
  }
  float* gains = plan.gains.data() + static_cast<std::int64_t>(place) * leads;
  if (a.amplitude_sd > 0) std::fill_n(gains, leads, static_cast<float>(std::exp(a.amplitude_sd * random.normal())));
  for (std::int64_t lead = 0; a.lead_dropout > 0 && lead < leads; ++lead)
    if (random.uniform() < a.lead_dropout) gains[lead] = 0;
  if (a.time_mask > 0) {
    const auto most = static_cast<std::uint32_t>(a.time_mask * static_cast<double>(samples));
    const std::uint32_t count = random.below(most + 1);
    plan.silent_count[place] = static_cast<std::int32_t>(count);
    plan.silent_first[place] = static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(samples) - count + 1));
  }
}

template <class Value>
Tensor table_of(const std::vector<Value>& values, const Shape& shape, Device device) {
  return Tensor::from(values, shape).to(device);
}

}  // namespace

BatchPlan plan_batches(const Augmentation& augmentation, std::uint64_t seed, std::int64_t epoch, std::int64_t samples,
                       std::int64_t leads, const std::vector<Place>& places) {
  const std::size_t count = places.size();
  BatchPlan plan;
  for (std::vector<std::int32_t>* table :
       {&plan.records, &plan.starts, &plan.others, &plan.other_starts, &plan.silent_first, &plan.silent_count})
    table->assign(count, 0);
  plan.fractions.assign(count, 0);
  plan.gains.assign(count * static_cast<std::size_t>(leads), 1);
  plan.label_smoothing = augmentation.label_smoothing;
  parallel_for(static_cast<std::int64_t>(count), [&](std::int64_t i) {
    const auto at = static_cast<std::size_t>(i);
    const Place& place = places[at];
    plan.records[at] = static_cast<std::int32_t>(place.record);
    plan.starts[at] = static_cast<std::int32_t>(place.start);
    plan.others[at] = static_cast<std::int32_t>(place.next);
    plan.other_starts[at] = static_cast<std::int32_t>(place.next_start);
    if (!augmentation.any()) return;
    PhiloxStream random(seed, random_streams::augmentation(epoch, place.record));
    draw(augmentation, random, samples, leads, at, plan);
  });
  return plan;
}

ops::AlteredPlaces to_tensors(const BatchPlan& plan, std::int64_t leads, Device device) {
  const auto count = static_cast<std::int64_t>(plan.places());
  return {.records = table_of(plan.records, {count}, device),
          .starts = table_of(plan.starts, {count}, device),
          .others = table_of(plan.others, {count}, device),
          .other_starts = table_of(plan.other_starts, {count}, device),
          .fractions = table_of(plan.fractions, {count}, device),
          .silent_first = table_of(plan.silent_first, {count}, device),
          .silent_count = table_of(plan.silent_count, {count}, device),
          .gains = table_of(plan.gains, {count, leads}, device)};
}

}  // namespace cardiograd::model
