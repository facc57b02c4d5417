#include "kernels/batch_rows/batch_rows.h"

#include <fmt/format.h>

#include "base/error.h"
#include "engine/dispatch.h"
#include "engine/ops/ops.h"

namespace cardiograd::ops {

BatchRows batch_rows(const Tensor& order, const Tensor& first, const Tensor& features, const Tensor& labels,
                     std::int64_t count) {
  if (features.shape().dims() != 2 || labels.shape().dims() != 2)
    throw Error(
        fmt::format("batch_rows: features and labels have shapes {} and {}, expected (records, F) and "
                    "(records, C)",
                    features.shape().text(), labels.shape().text()));
  const kernels::BatchRowsShape s = {
      .records = labels.dim(0), .batch = count, .width = features.dim(1), .classes = labels.dim(1)};
  expect_shape("batch_rows", "features", features, {s.records, s.width});
  expect_shape("batch_rows", "first", first, {1});
  const Device device = labels.device();
  BatchRows batch = {.rows = Tensor::empty({count}, DType::kInt32, device),
                     .features = features.new_empty({count, s.width}),
                     .labels = labels.new_empty({count, s.classes})};
  CARDIOGRAD_RUN(batch_rows_forward, s, order, first, features, labels, batch.rows, batch.features, batch.labels);
  return batch;
}

}  // namespace cardiograd::ops
