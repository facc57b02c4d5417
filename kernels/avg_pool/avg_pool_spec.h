// The specs of avg_pool.h for the op table.
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>

#include "kernels/avg_pool/avg_pool.h"
#include "kernels/avg_pool/avg_pool_ref.h"
#include "kernels/kernel_spec.h"

namespace cardiograd::kernels {

// What the two specs share.
struct AvgPoolSpec {
  using Shape = AvgPoolShape;
  static constexpr const char* kGradientOf = "";
  static constexpr double kTolerance = 1e-6;
  static constexpr double kFlopFactor = 2;  // Windows that reach into the padding.

  // A sum and a division.
  static Cost cost_of(const AvgPoolShape& s, const std::vector<BufferSpec>& buffers) {
    return {static_cast<double>(s.batch * s.output_time() * s.channels * (s.kernel + 1)), least_bytes(buffers)};
  }
  static AvgPoolShape sample(ShapeSampler& draw) {
    AvgPoolShape s;
    s.batch = draw.size(1, 3);
    s.channels = draw.size(1, 97);
    s.kernel = draw.size(1, 7);
    s.stride = draw.size(1, 8);
    s.padding = draw.coin() ? 0 : draw.size(0, s.kernel / 2);
    s.ceil_mode = draw.coin();
    s.time = s.kernel + draw.size(0, 33);
    return s;
  }
  // The identity paths of xresnet1d101.
  static std::vector<AvgPoolShape> workload() {
    return {
        {.batch = 128, .time = 63, .channels = 256, .kernel = 2, .stride = 2, .ceil_mode = true},
        {.batch = 128, .time = 32, .channels = 256, .kernel = 2, .stride = 2, .ceil_mode = true},
        {.batch = 128, .time = 16, .channels = 256, .kernel = 2, .stride = 2, .ceil_mode = true},
    };
  }
  static std::string describe(const AvgPoolShape& s) {
    return fmt::format("N{} T{} C{} k{} s{} p{}{}", s.batch, s.time, s.channels, s.kernel, s.stride, s.padding,
                       s.ceil_mode ? " ceil" : "");
  }
  static constexpr BufferSpec x(const AvgPoolShape& s, const char* name, Role role) {
    return {name, {s.batch, s.time, s.channels}, role};
  }
  static constexpr BufferSpec y(const AvgPoolShape& s, const char* name, Role role) {
    return {name, {s.batch, s.output_time(), s.channels}, role};
  }
};

struct AvgPoolForward : AvgPoolSpec {
  static constexpr const char* kName = "avg_pool_forward";
  static constexpr std::vector<BufferSpec> buffers(const AvgPoolShape& s) {
    return {x(s, "x", Role::kInput), y(s, "y", Role::kOutput)};
  }
  static Cost cost(const AvgPoolShape& s) { return cost_of(s, buffers(s)); }
  static constexpr auto reference = [](auto... a) { avg_pool_forward_ref(a...); };
  static constexpr auto cpu = avg_pool_forward_cpu;
  static constexpr auto cuda = avg_pool_forward_cuda;
};

struct AvgPoolBackward : AvgPoolSpec {
  static constexpr const char* kName = "avg_pool_backward";
  static constexpr const char* kGradientOf = AvgPoolForward::kName;
  static constexpr std::vector<BufferSpec> buffers(const AvgPoolShape& s) {
    return {y(s, "dy", Role::kInput), x(s, "dx", Role::kOutput)};
  }
  static Cost cost(const AvgPoolShape& s) { return cost_of(s, buffers(s)); }
  static constexpr auto reference = [](auto... a) { avg_pool_backward_ref(a...); };
  static constexpr auto cpu = avg_pool_backward_cpu;
  static constexpr auto cuda = avg_pool_backward_cuda;
};

using AvgPoolSpecs = SpecList<AvgPoolForward, AvgPoolBackward>;

}  // namespace cardiograd::kernels
