// The specs of concat.h for the op table.
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>

#include "kernels/concat/concat.h"
#include "kernels/concat/concat_ref.h"
#include "kernels/kernel_spec.h"

namespace cardiograd::kernels {

// What the two specs share.
struct ConcatSpec {
  using Shape = ConcatShape;
  static constexpr const char* kGradientOf = "";
  static constexpr double kTolerance = 0;  // It copies.

  static ConcatShape sample(ShapeSampler& draw) {
    ConcatShape s;
    s.rows = draw.size(1, 193);
    s.width_a = draw.size(1, 129);
    s.width_b = draw.size(1, 129);
    return s;
  }
  // What the encoder and the features give to the head.
  static std::vector<ConcatShape> workload() { return {{.rows = 64, .width_a = 256, .width_b = 64}}; }
  static std::string describe(const ConcatShape& s) {
    return fmt::format("rows{} {}+{}", s.rows, s.width_a, s.width_b);
  }
};

struct ConcatForward : ConcatSpec {
  static constexpr const char* kName = "concat_forward";
  static constexpr std::vector<BufferSpec> buffers(const ConcatShape& s) {
    return {
        {"a", {s.rows, s.width_a}}, {"b", {s.rows, s.width_b}}, {"y", {s.rows, s.width_a + s.width_b}, Role::kOutput}};
  }
  static Cost cost(const ConcatShape& s) { return {0, least_bytes(buffers(s))}; }
  static constexpr auto reference = [](auto... a) { concat_forward_ref(a...); };
  static constexpr auto cpu = concat_forward_cpu;
  static constexpr auto cuda = concat_forward_cuda;
};

struct ConcatBackward : ConcatSpec {
  static constexpr const char* kName = "concat_backward";
  static constexpr const char* kGradientOf = ConcatForward::kName;
  static constexpr std::vector<BufferSpec> buffers(const ConcatShape& s) {
    return {{"dy", {s.rows, s.width_a + s.width_b}},
            {"da", {s.rows, s.width_a}, Role::kOutput},
            {"db", {s.rows, s.width_b}, Role::kOutput}};
  }
  static Cost cost(const ConcatShape& s) { return {0, least_bytes(buffers(s))}; }
  static constexpr auto reference = [](auto... a) { concat_backward_ref(a...); };
  static constexpr auto cpu = concat_backward_cpu;
  static constexpr auto cuda = concat_backward_cuda;
};

using ConcatSpecs = SpecList<ConcatForward, ConcatBackward>;

}  // namespace cardiograd::kernels
