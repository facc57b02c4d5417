#include "kernels/gather_batch/gather_batch.h"

#include <fmt/format.h>

#include "base/error.h"
#include "engine/dispatch.h"
#include "engine/ops/ops.h"

namespace cardiograd::ops {

Tensor gather_batch(const Tensor& signals, const Tensor& scales, const Tensor& index, const Tensor& mean,
                    const Tensor& inverse_sd) {
  if (signals.shape().dims() != 3)
    throw Error(
        fmt::format("gather_batch: signals have shape {}, expected (records, T, leads)", signals.shape().text()));
  const kernels::GatherBatchShape s = {
      .records = signals.dim(0), .batch = index.count(), .time = signals.dim(1), .channels = signals.dim(2)};
  expect_shape("gather_batch", "scales", scales, {s.records, s.channels});
  expect_shape("gather_batch", "mean", mean, {s.channels});
  expect_shape("gather_batch", "inverse_sd", inverse_sd, {s.channels});
  for (std::int64_t i = 0; i < (index.device() == Device::kCpu ? s.batch : 0); ++i) {
    const std::int32_t record = index.data<std::int32_t>()[i];
    if (record < 0 || record >= s.records)
      throw Error(fmt::format("gather_batch: record {}, expected 0 to {}", record, s.records - 1));
  }
  Tensor x = signals.new_empty({s.batch, s.time, s.channels});
  CARDIOGRAD_RUN(gather_batch_forward, s, signals, scales, index.to(signals.device()), mean, inverse_sd, x);
  return x;
}

}  // namespace cardiograd::ops
