// The specs of long_conv1d.h for the op table.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "kernels/kernel_spec.h"
#include "kernels/long_conv1d/long_conv1d.h"
#include "kernels/long_conv1d/long_conv1d_ref.h"

namespace cardiograd::kernels {

// What the two specs share.
struct LongConv1dSpec {
  using Shape = LongConv1dShape;
  static constexpr const char* kGradientOf = "";
  static constexpr double kTolerance = 2e-6;

  // Past a tile of samples or of channels, not both: the plain loops take long. Kernels shorter and longer than the
  // record, on either side.
  static LongConv1dShape sample(ShapeSampler& draw) {
    const bool wide = draw.coin();
    LongConv1dShape s;
    s.batch = draw.size(1, wide ? 10 : 3);
    s.time = draw.size(1, wide ? 17 : 150);
    s.channels = draw.size(1, wide ? 70 : 5);
    s.taps = draw.size(1, 2 * s.time + 3);
    s.before = draw.size(0, s.taps - 1);
    return s;
  }
  // A layer of the model s4 on crops of 2.5 s.
  static std::vector<LongConv1dShape> workload() {
    return {{.batch = 64, .time = 250, .channels = 512, .taps = 499, .before = 249}};
  }
  static std::string describe(const LongConv1dShape& s) {
    return fmt::format("N{} T{} C{} K{} before {}", s.batch, s.time, s.channels, s.taps, s.before);
  }
  static constexpr BufferSpec samples(const LongConv1dShape& s, const char* name, Role role = Role::kInput) {
    return {name, {s.batch, s.time, s.channels}, role};
  }
  static constexpr BufferSpec taps(const LongConv1dShape& s, const char* name, Role role = Role::kInput) {
    return {name, {s.taps, s.channels}, role};
  }
  // A product and an addition for each pair of samples that a tap connects.
  static double flop(const LongConv1dShape& s) {
    std::int64_t pairs = 0;
    for (std::int64_t k = 0; k < s.taps; ++k) pairs += std::max<std::int64_t>(0, s.last_sample(k) - s.first_sample(k));
    return 2.0 * static_cast<double>(s.batch * s.channels * pairs);
  }
};

struct LongConv1dForward : LongConv1dSpec {
  static constexpr const char* kName = "long_conv1d_forward";
  static constexpr std::vector<BufferSpec> buffers(const LongConv1dShape& s) {
    return {samples(s, "x"), taps(s, "w"), samples(s, "y", Role::kOutput)};
  }
  static Cost cost(const LongConv1dShape& s) { return {flop(s), least_bytes(buffers(s))}; }
  static constexpr auto reference = [](auto... a) { long_conv1d_forward_ref(a...); };
  static constexpr auto cpu = long_conv1d_forward_cpu;
  static constexpr auto cuda = long_conv1d_forward_cuda;
};

struct LongConv1dBackward : LongConv1dSpec {
  static constexpr const char* kName = "long_conv1d_backward";
  static constexpr const char* kGradientOf = LongConv1dForward::kName;
  // For dx, for dw in parts, and for their sum.
  static int launches(const LongConv1dShape& /*s*/) { return 3; }
  static constexpr std::vector<BufferSpec> buffers(const LongConv1dShape& s) {
    return {samples(s, "x"), taps(s, "w"), samples(s, "dy"), samples(s, "dx", Role::kOutput),
            taps(s, "dw", Role::kAccumulate)};
  }
  static Cost cost(const LongConv1dShape& s) { return {2 * flop(s), least_bytes(buffers(s))}; }
  static constexpr auto reference = [](auto... a) { long_conv1d_backward_ref(a...); };
  static constexpr auto cpu = long_conv1d_backward_cpu;
  static constexpr auto cuda = long_conv1d_backward_cuda;
};

using LongConv1dSpecs = SpecList<LongConv1dForward, LongConv1dBackward>;

}  // namespace cardiograd::kernels
