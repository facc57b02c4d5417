// The spec of conv1d_statistics.h for the op table.
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>

#include "kernels/conv1d/conv1d_spec.h"
#include "kernels/conv1d_statistics/conv1d_statistics.h"
#include "kernels/conv1d_statistics/conv1d_statistics_ref.h"
#include "kernels/kernel_spec.h"

namespace cardiograd::kernels {

struct Conv1dStatisticsForward {
  using Shape = Conv1dStatisticsShape;
  static constexpr const char* kName = "conv1d_statistics_forward";
  static constexpr const char* kGradientOf = "";
  static constexpr double kTolerance = 2e-6;
  static constexpr double kFlopFactor = 1.5;  // What there is once per channel is left out.
  static double tolerance(const Shape& s) { return product_tolerance(s.precision); }
  // One, but for the path "parts" (conv1d_statistics_forward_path).
  static int launches(const Shape& s) {
    return s.stride == 1 && s.input_channels / s.groups % 4 == 0 && s.output_channels / s.groups % 4 == 0 ? 1 : 2;
  }
  static constexpr std::vector<BufferSpec> buffers(const Shape& s) {
    const auto per_channel = [&](const char* name, Role role, Fill fill = Fill::kNormal) {
      return BufferSpec{name, {s.output_channels}, role, DType::kFloat32, fill};
    };
    return {Conv1dSpec::x(s),
            Conv1dSpec::w(s),
            per_channel("b", Role::kInput),
            per_channel("running_mean", Role::kUpdate),
            per_channel("running_var", Role::kUpdate, Fill::kPositive),
            Conv1dSpec::y(s, "y", Role::kOutput),
            per_channel("mean", Role::kOutput),
            per_channel("variance", Role::kOutput)};
  }
  static Cost cost(const Shape& s) {
    Cost cost = Conv1dSpec::cost_of(s, buffers(s));
    cost.flop += 4 * static_cast<double>(s.rows() * s.output_channels);
    return cost;
  }
  static Shape sample(ShapeSampler& draw) { return {with_rows(Conv1dSpec::sample(draw)), draw.coin() ? 0.1 : 0.25}; }
  static Shape flop_sample(ShapeSampler& draw) {
    return {with_rows(Conv1dSpec::flop_sample(draw)), draw.coin() ? 0.1 : 0.25};
  }
  static std::vector<Shape> workload() {
    std::vector<Shape> all;
    for (const Conv1dShape& s : Conv1dSpec::workload()) all.push_back({s, 0.1});
    return all;
  }
  static std::string describe(const Shape& s) {
    return fmt::format("{} momentum{}", Conv1dSpec::describe(s), s.momentum);
  }
  static constexpr auto reference = [](auto... a) { conv1d_statistics_forward_ref(a...); };
  static constexpr auto cpu = conv1d_statistics_forward_cpu;
  static constexpr auto cuda = conv1d_statistics_forward_cuda;
  static constexpr auto path = conv1d_statistics_forward_path;

 private:
  // Two rows at least, which a variance needs.
  static Conv1dShape with_rows(Conv1dShape s) {
    if (s.batch * s.output_time() < 2) s.batch = 2;
    return s;
  }
};

using Conv1dStatisticsSpecs = SpecList<Conv1dStatisticsForward>;

}  // namespace cardiograd::kernels
