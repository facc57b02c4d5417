#include "kernels/altered_signals/altered_signals.h"

#include <fmt/format.h>

#include "base/error.h"
#include "engine/dispatch.h"
#include "engine/ops/ops.h"

namespace cardiograd::ops {

Tensor altered_signals(const Tensor& signals, const Tensor& scales, const Tensor& mean, const Tensor& inverse_sd,
                       const AlteredPlaces& places, const Tensor& first, std::int64_t count, std::int64_t samples) {
  constexpr const char* kOp = "altered_signals";
  if (signals.shape().dims() != 3 || samples > signals.dim(1))
    throw Error(fmt::format("{}: signals have shape {}, expected (records, {} samples or more, leads)", kOp,
                            signals.shape().text(), samples),
                "Use shorter crops, or longer records.");
  const kernels::AlteredSignalsShape s = {.records = signals.dim(0),
                                          .places = places.records.count(),
                                          .batch = count,
                                          .time = signals.dim(1),
                                          .samples = samples,
                                          .channels = signals.dim(2)};
  expect_shape(kOp, "scales", scales, {s.records, s.channels});
  expect_shape(kOp, "mean", mean, {s.channels});
  expect_shape(kOp, "inverse_sd", inverse_sd, {s.channels});
  expect_shape(kOp, "first", first, {1});
  for (const Tensor* table : {&places.starts, &places.others, &places.other_starts, &places.fractions,
                              &places.silent_first, &places.silent_count})
    expect_shape(kOp, "a table of the places", *table, {s.places});
  expect_shape(kOp, "gains", places.gains, {s.places, s.channels});
  Tensor x = signals.new_empty({s.batch, s.samples, s.channels});
  CARDIOGRAD_RUN(altered_signals_forward, s, signals, scales, mean, inverse_sd, first, places.records, places.starts,
                 places.others, places.other_starts, places.fractions, places.silent_first, places.silent_count,
                 places.gains, x);
  return x;
}

}  // namespace cardiograd::ops
