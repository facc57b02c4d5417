// A training batch from the int16 signals of all records, standardized.
//
//   x[n, t, c] = (signals[r, t, c] * scales[r, c] - mean[c]) * inverse_sd[c],   r = index[n]
//
//   signals  (records, T, C) int16    scales  (records, C), physical units per step    index  (N) int32, < records
//   mean, inverse_sd  (C), of the training folds                                       x  (N, T, C)
//
//   gather_batch_forward   x =
//
// The marker of an invalid sample, -32768, becomes 0: the standardized mean.
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>

#include "kernels/gather_batch/gather_batch_cuda.h"
#include "kernels/gather_batch/gather_batch_ref.h"
#include "kernels/gather_batch/gather_batch_shape.h"
#include "kernels/kernel_spec.h"

namespace cardiograd::kernels {

void gather_batch_forward_cpu(const GatherBatchShape& s, const std::int16_t* signals, const float* scales,
                              const std::int32_t* index, const float* mean, const float* inverse_sd, float* x);

struct GatherBatchForward {
  using Shape = GatherBatchShape;
  static constexpr const char* kName = "gather_batch_forward";
  static constexpr const char* kGradientOf = "";
  static constexpr double kTolerance = 1e-6;

  static constexpr std::vector<BufferSpec> buffers(const GatherBatchShape& s) {
    return {{"signals", {s.records, s.time, s.channels}, Role::kInput, DType::kInt16},
            {"scales", {s.records, s.channels}, Role::kInput, DType::kFloat32, Fill::kPositive},
            {"index", {s.batch}, Role::kInput, DType::kInt32, Fill::kIndex, s.records},
            {"mean", {s.channels}},
            {"inverse_sd", {s.channels}, Role::kInput, DType::kFloat32, Fill::kPositive},
            {"x", {s.batch, s.time, s.channels}, Role::kOutput}};
  }
  // Of the signals only the records of the batch are read.
  static Cost cost(const GatherBatchShape& s) {
    GatherBatchShape read = s;
    read.records = s.batch;
    return {3 * static_cast<double>(s.batch * s.time * s.channels), least_bytes(buffers(read))};
  }
  static GatherBatchShape sample(ShapeSampler& draw) {
    GatherBatchShape s;
    s.records = draw.size(1, 17);
    s.batch = draw.size(1, 13);
    s.time = draw.size(1, 129);
    s.channels = draw.size(1, 17);
    return s;
  }
  static std::vector<GatherBatchShape> workload() {
    return {{.records = 2048, .batch = 64, .time = 1000, .channels = 12}};
  }
  static std::string describe(const GatherBatchShape& s) {
    return fmt::format("N{} of {} T{} C{}", s.batch, s.records, s.time, s.channels);
  }
  static constexpr auto reference = [](auto... a) { gather_batch_forward_ref(a...); };
  static constexpr auto cpu = gather_batch_forward_cpu;
  static constexpr auto cuda = gather_batch_forward_cuda;
};

}  // namespace cardiograd::kernels
