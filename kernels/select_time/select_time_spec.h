// The specs of select_time.h for the op table.
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>

#include "kernels/kernel_spec.h"
#include "kernels/select_time/select_time.h"
#include "kernels/select_time/select_time_ref.h"

namespace cardiograd::kernels {

// What the two specs share.
struct SelectTimeSpec {
  using Shape = SelectTimeShape;
  static constexpr const char* kGradientOf = "";
  static constexpr double kTolerance = 0;  // It copies.

  static SelectTimeShape sample(ShapeSampler& draw) {
    SelectTimeShape s;
    s.batch = draw.size(1, 19);
    s.time = draw.size(1, 70);
    s.channels = draw.size(1, 70);
    s.sample = draw.size(1, s.time) - 1;
    return s;
  }
  // The last sample of what lstm_bidir's layers give.
  static std::vector<SelectTimeShape> workload() {
    return {{.batch = 128, .time = 250, .channels = 512, .sample = 249}};
  }
  static std::string describe(const SelectTimeShape& s) {
    return fmt::format("N{} T{} C{} sample {}", s.batch, s.time, s.channels, s.sample);
  }
  // Of the samples that are selected; the others are not read.
  static double selected_bytes(const SelectTimeShape& s) { return 4.0 * static_cast<double>(s.batch * s.channels); }
};

struct SelectTimeForward : SelectTimeSpec {
  static constexpr const char* kName = "select_time_forward";
  static constexpr std::vector<BufferSpec> buffers(const SelectTimeShape& s) {
    return {{"x", {s.batch, s.time, s.channels}}, {"y", {s.batch, s.channels}, Role::kOutput}};
  }
  static Cost cost(const SelectTimeShape& s) { return {0, 2 * selected_bytes(s)}; }
  static constexpr auto reference = [](auto... a) { select_time_forward_ref(a...); };
  static constexpr auto cpu = select_time_forward_cpu;
  static constexpr auto cuda = select_time_forward_cuda;
};

struct SelectTimeBackward : SelectTimeSpec {
  static constexpr const char* kName = "select_time_backward";
  static constexpr const char* kGradientOf = SelectTimeForward::kName;
  static constexpr std::vector<BufferSpec> buffers(const SelectTimeShape& s) {
    return {{"dy", {s.batch, s.channels}}, {"dx", {s.batch, s.time, s.channels}, Role::kOutput}};
  }
  static Cost cost(const SelectTimeShape& s) { return {0, least_bytes(buffers(s))}; }
  static constexpr auto reference = [](auto... a) { select_time_backward_ref(a...); };
  static constexpr auto cpu = select_time_backward_cpu;
  static constexpr auto cuda = select_time_backward_cuda;
};

using SelectTimeSpecs = SpecList<SelectTimeForward, SelectTimeBackward>;

}  // namespace cardiograd::kernels
