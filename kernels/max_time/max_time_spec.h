// The specs of max_time.h for the op table.
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>

#include "kernels/kernel_spec.h"
#include "kernels/max_time/max_time.h"
#include "kernels/max_time/max_time_ref.h"

namespace cardiograd::kernels {

// What the two specs share.
struct MaxTimeSpec {
  using Shape = MaxTimeShape;
  static constexpr const char* kGradientOf = "";
  static constexpr double kTolerance = 0;  // It chooses.

  static MaxTimeShape sample(ShapeSampler& draw) {
    MaxTimeShape s;
    s.batch = draw.size(1, 3);
    s.time = draw.size(1, 65);
    s.channels = draw.size(1, 97);
    return s;
  }
  // What resnet1d_wang and xresnet1d101 end with.
  static std::vector<MaxTimeShape> workload() {
    return {{.batch = 128, .time = 63, .channels = 128}, {.batch = 128, .time = 8, .channels = 256}};
  }
  static std::string describe(const MaxTimeShape& s) { return fmt::format("N{} T{} C{}", s.batch, s.time, s.channels); }
  static constexpr BufferSpec index(const MaxTimeShape& s, Role role) {
    return {"index", {s.batch, s.channels}, role, DType::kInt32, Fill::kIndex, s.time};
  }
};

struct MaxTimeForward : MaxTimeSpec {
  static constexpr const char* kName = "max_time_forward";
  static constexpr std::vector<BufferSpec> buffers(const MaxTimeShape& s) {
    return {{"x", {s.batch, s.time, s.channels}}, {"y", {s.batch, s.channels}, Role::kOutput}, index(s, Role::kOutput)};
  }
  static Cost cost(const MaxTimeShape& s) {
    return {static_cast<double>(s.batch * (s.time - 1) * s.channels), least_bytes(buffers(s))};
  }
  static constexpr auto reference = [](auto... a) { max_time_forward_ref(a...); };
  static constexpr auto cpu = max_time_forward_cpu;
  static constexpr auto cuda = max_time_forward_cuda;
};

struct MaxTimeBackward : MaxTimeSpec {
  static constexpr const char* kName = "max_time_backward";
  static constexpr const char* kGradientOf = MaxTimeForward::kName;
  static constexpr std::vector<BufferSpec> buffers(const MaxTimeShape& s) {
    return {
        {"dy", {s.batch, s.channels}}, index(s, Role::kInput), {"dx", {s.batch, s.time, s.channels}, Role::kOutput}};
  }
  static Cost cost(const MaxTimeShape& s) { return {0, least_bytes(buffers(s))}; }
  static constexpr auto reference = [](auto... a) { max_time_backward_ref(a...); };
  static constexpr auto cpu = max_time_backward_cpu;
  static constexpr auto cuda = max_time_backward_cuda;
};

using MaxTimeSpecs = SpecList<MaxTimeForward, MaxTimeBackward>;

}  // namespace cardiograd::kernels
