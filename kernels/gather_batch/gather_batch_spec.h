// The specs of gather_batch.h for the op table.
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>

#include "kernels/gather_batch/gather_batch.h"
#include "kernels/gather_batch/gather_batch_ref.h"
#include "kernels/kernel_spec.h"

namespace cardiograd::kernels {

struct GatherBatchForward {
  using Shape = GatherBatchShape;
  static constexpr const char* kName = "gather_batch_forward";
  static constexpr const char* kGradientOf = "";
  static constexpr double kFlopFactor = 1.1;  // Invalid samples.
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

using GatherBatchSpecs = SpecList<GatherBatchForward>;

}  // namespace cardiograd::kernels
