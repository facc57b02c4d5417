// The specs of transpose.h for the op table.
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>

#include "kernels/kernel_spec.h"
#include "kernels/transpose/transpose.h"
#include "kernels/transpose/transpose_ref.h"

namespace cardiograd::kernels {

struct TransposeForward {
  using Shape = TransposeShape;
  static constexpr const char* kName = "transpose_forward";
  static constexpr const char* kGradientOf = "";
  static constexpr double kTolerance = 0;
  static constexpr std::vector<BufferSpec> buffers(const TransposeShape& s) {
    return {{"x", {s.batch, s.time, s.channels}}, {"y", {s.batch, s.channels, s.time}, Role::kOutput}};
  }
  static Cost cost(const TransposeShape& s) { return {0, least_bytes(buffers(s))}; }
  static TransposeShape sample(ShapeSampler& draw) {
    TransposeShape s;
    s.batch = draw.size(1, 3);
    s.time = draw.size(1, 97);
    s.channels = draw.size(1, 97);
    return s;
  }
  // The signals of multibranch_cnn_standin.
  static std::vector<TransposeShape> workload() { return {{.batch = 64, .time = 1000, .channels = 12}}; }
  static std::string describe(const TransposeShape& s) {
    return fmt::format("N{} T{} C{}", s.batch, s.time, s.channels);
  }
  static constexpr auto reference = [](auto... a) { transpose_forward_ref(a...); };
  static constexpr auto cpu = transpose_forward_cpu;
  static constexpr auto cuda = transpose_forward_cuda;
};

struct TransposeBackward : TransposeForward {
  static constexpr const char* kName = "transpose_backward";
  static constexpr const char* kGradientOf = TransposeForward::kName;
  static constexpr std::vector<BufferSpec> buffers(const TransposeShape& s) {
    return {{"dy", {s.batch, s.channels, s.time}}, {"dx", {s.batch, s.time, s.channels}, Role::kOutput}};
  }
  static Cost cost(const TransposeShape& s) { return {0, least_bytes(buffers(s))}; }
  static constexpr auto reference = [](auto... a) { transpose_backward_ref(a...); };
  static constexpr auto cpu = transpose_backward_cpu;
  static constexpr auto cuda = transpose_backward_cuda;
};

using TransposeSpecs = SpecList<TransposeForward, TransposeBackward>;

}  // namespace cardiograd::kernels
