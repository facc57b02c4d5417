// The specs of max_pool.h for the op table.
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>

#include "kernels/kernel_spec.h"
#include "kernels/max_pool/max_pool.h"
#include "kernels/max_pool/max_pool_ref.h"

namespace cardiograd::kernels {

// What the two specs share.
struct MaxPoolSpec {
  using Shape = MaxPoolShape;
  static constexpr const char* kGradientOf = "";
  static constexpr double kTolerance = 1e-6;
  static constexpr double kFlopFactor = 2;  // Windows that reach into the padding.

  static Cost cost_of(const MaxPoolShape& s, const std::vector<BufferSpec>& buffers) {
    return {static_cast<double>(s.batch * s.output_time() * s.channels * s.kernel), least_bytes(buffers)};
  }
  static MaxPoolShape sample(ShapeSampler& draw) {
    MaxPoolShape s;
    s.batch = draw.size(1, 5);
    s.channels = draw.size(1, 97);
    if (draw.coin()) {
      s.kernel = s.stride = 2;
    } else {
      s.kernel = draw.size(1, 7);
      s.stride = draw.size(1, 8);
      s.padding = draw.coin() ? 0 : draw.size(0, s.kernel / 2);
    }
    s.time = s.kernel + draw.size(0, 33);
    return s;
  }
  static std::vector<MaxPoolShape> workload() {
    return {{.batch = 64, .time = 1000, .channels = 64, .kernel = 2, .stride = 2},
            {.batch = 64, .time = 500, .channels = 128, .kernel = 2, .stride = 2},
            {.batch = 64, .time = 250, .channels = 256, .kernel = 2, .stride = 2}};
  }
  static std::string describe(const MaxPoolShape& s) {
    return fmt::format("N{} T{} C{} k{} s{} p{}", s.batch, s.time, s.channels, s.kernel, s.stride, s.padding);
  }
  static constexpr BufferSpec x(const MaxPoolShape& s, const char* name, Role role) {
    return {name, {s.batch, s.time, s.channels}, role};
  }
  static constexpr BufferSpec y(const MaxPoolShape& s, const char* name, Role role) {
    return {name, {s.batch, s.output_time(), s.channels}, role};
  }
};

struct MaxPoolForward : MaxPoolSpec {
  static constexpr const char* kName = "max_pool_forward";
  static constexpr std::vector<BufferSpec> buffers(const MaxPoolShape& s) {
    return {x(s, "x", Role::kInput), y(s, "y", Role::kOutput)};
  }
  static Cost cost(const MaxPoolShape& s) { return cost_of(s, buffers(s)); }
  static constexpr auto reference = [](auto... a) { max_pool_forward_ref(a...); };
  static constexpr auto cpu = max_pool_forward_cpu;
  static constexpr auto cuda = max_pool_forward_cuda;
};

struct MaxPoolBackward : MaxPoolSpec {
  static constexpr const char* kName = "max_pool_backward";
  static constexpr const char* kGradientOf = MaxPoolForward::kName;
  static constexpr std::vector<BufferSpec> buffers(const MaxPoolShape& s) {
    return {x(s, "x", Role::kInput), y(s, "dy", Role::kInput), x(s, "dx", Role::kOutput)};
  }
  static Cost cost(const MaxPoolShape& s) { return cost_of(s, buffers(s)); }
  static constexpr auto reference = [](auto... a) { max_pool_backward_ref(a...); };
  static constexpr auto cpu = max_pool_backward_cpu;
  static constexpr auto cuda = max_pool_backward_cuda;
};

using MaxPoolSpecs = SpecList<MaxPoolForward, MaxPoolBackward>;

}  // namespace cardiograd::kernels
