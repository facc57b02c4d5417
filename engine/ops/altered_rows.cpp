#include "kernels/altered_rows/altered_rows.h"

#include <fmt/format.h>

#include "base/error.h"
#include "engine/dispatch.h"
#include "engine/ops/ops.h"

namespace cardiograd::ops {

BatchRows altered_rows(const Tensor& features, const Tensor& labels, const AlteredPlaces& places, const Tensor& first,
                       std::int64_t count, double smoothing) {
  constexpr const char* kOp = "altered_rows";
  if (features.shape().dims() != 2 || labels.shape().dims() != 2)
    throw Error(fmt::format("{}: features and labels have shapes {} and {}, expected (records, F) and (records, K)",
                            kOp, features.shape().text(), labels.shape().text()),
                "Give one row for each record.");
  const kernels::AlteredRowsShape s = {.records = labels.dim(0),
                                       .places = places.records.count(),
                                       .batch = count,
                                       .width = features.dim(1),
                                       .classes = labels.dim(1),
                                       .smoothing = static_cast<float>(smoothing)};
  expect_shape(kOp, "features", features, {s.records, s.width});
  expect_shape(kOp, "others", places.others, {s.places});
  expect_shape(kOp, "fractions", places.fractions, {s.places});
  expect_shape(kOp, "first", first, {1});
  BatchRows batch = {
      .rows = {}, .features = features.new_empty({count, s.width}), .labels = labels.new_empty({count, s.classes})};
  CARDIOGRAD_RUN(altered_rows_forward, s, features, labels, first, places.records, places.others, places.fractions,
                 batch.features, batch.labels);
  return batch;
}

}  // namespace cardiograd::ops
