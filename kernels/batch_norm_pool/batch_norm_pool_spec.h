// The specs of batch_norm_pool.h for the op table.
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>

#include "kernels/batch_norm_pool/batch_norm_pool.h"
#include "kernels/batch_norm_pool/batch_norm_pool_ref.h"
#include "kernels/kernel_spec.h"

namespace cardiograd::kernels {

// What the two specs share.
struct BatchNormPoolSpec {
  using Shape = BatchNormPoolShape;
  static constexpr const char* kGradientOf = "";
  static constexpr double kTolerance = 2e-6;
  static int launches(const Shape&) { return 2; }

  static Cost cost_of(const Shape& s, double flop_per_element, const std::vector<BufferSpec>& buffers) {
    return {flop_per_element * static_cast<double>(s.batch * s.time * s.channels), least_bytes(buffers)};
  }
  static Shape sample(ShapeSampler& draw) {
    Shape s;
    s.batch = draw.size(1, 5);
    s.time = draw.size(2, 150);
    s.channels = draw.size(1, 67);
    s.epsilon = draw.coin() ? 1e-5 : 1e-2;
    s.momentum = draw.coin() ? 0.1 : 0.25;
    s.relu = draw.coin();
    return s;
  }
  static std::vector<Shape> workload() {
    return {{.batch = 64, .time = 1000, .channels = 64, .relu = true},
            {.batch = 64, .time = 500, .channels = 128, .relu = true},
            {.batch = 64, .time = 250, .channels = 256, .relu = true}};
  }
  static std::string describe(const Shape& s) {
    return fmt::format("N{} T{} C{} eps{} momentum{}{}", s.batch, s.time, s.channels, s.epsilon, s.momentum,
                       s.relu ? " relu" : "");
  }
  static constexpr BufferSpec x(const Shape& s, const char* name, Role role = Role::kInput) {
    return {name, {s.batch, s.time, s.channels}, role};
  }
  static constexpr BufferSpec y(const Shape& s, const char* name, Role role = Role::kInput) {
    return {name, {s.batch, s.output_time(), s.channels}, role};
  }
  static constexpr BufferSpec per_channel(const Shape& s, const char* name, Role role = Role::kInput,
                                          Fill fill = Fill::kNormal) {
    return {name, {s.channels}, role, DType::kFloat32, fill};
  }
};

struct BatchNormPoolForward : BatchNormPoolSpec {
  static constexpr const char* kName = "batch_norm_pool_forward";
  static constexpr double kFlopFactor = 1.5;
  static constexpr std::vector<BufferSpec> buffers(const Shape& s) {
    return {x(s, "x"),
            per_channel(s, "gamma"),
            per_channel(s, "beta"),
            per_channel(s, "running_mean", Role::kUpdate),
            per_channel(s, "running_var", Role::kUpdate, Fill::kPositive),
            y(s, "y", Role::kOutput),
            per_channel(s, "mean", Role::kOutput),
            per_channel(s, "variance", Role::kOutput)};
  }
  static Cost cost(const Shape& s) { return cost_of(s, 8.5, buffers(s)); }
  static constexpr auto reference = [](auto... a) { batch_norm_pool_forward_ref(a...); };
  static constexpr auto cpu = batch_norm_pool_forward_cpu;
  static constexpr auto cuda = batch_norm_pool_forward_cuda;
};

struct BatchNormPoolBackward : BatchNormPoolSpec {
  static constexpr const char* kName = "batch_norm_pool_backward";
  static constexpr const char* kGradientOf = BatchNormPoolForward::kName;
  static constexpr double kFlopFactor = 3;  // The reference computes the mask of ReLU at every use.
  static constexpr std::vector<BufferSpec> buffers(const Shape& s) {
    return {x(s, "x"),
            per_channel(s, "gamma"),
            per_channel(s, "beta"),
            per_channel(s, "mean"),
            per_channel(s, "variance", Role::kInput, Fill::kPositive),
            y(s, "dy"),
            x(s, "dx", Role::kOutput),
            per_channel(s, "dgamma", Role::kAccumulate),
            per_channel(s, "dbeta", Role::kAccumulate)};
  }
  static Cost cost(const Shape& s) { return cost_of(s, 15, buffers(s)); }
  static constexpr auto reference = [](auto... a) { batch_norm_pool_backward_ref(a...); };
  static constexpr auto cpu = batch_norm_pool_backward_cpu;
  static constexpr auto cuda = batch_norm_pool_backward_cuda;
};

using BatchNormPoolSpecs = SpecList<BatchNormPoolForward, BatchNormPoolBackward>;

}  // namespace cardiograd::kernels
