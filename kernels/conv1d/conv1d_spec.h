// The specs of conv1d.h for the op table.
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>

#include "kernels/conv1d/conv1d.h"
#include "kernels/conv1d/conv1d_ref.h"
#include "kernels/conv1d/ladder/conv1d_ladder.h"
#include "kernels/kernel_spec.h"

namespace cardiograd::kernels {

// What the three specs share.
struct Conv1dSpec {
  using Shape = Conv1dShape;
  static constexpr const char* kGradientOf = "";
  static constexpr double kTolerance = 2e-6;
  static constexpr double tolerance(const Conv1dShape& s) { return product_tolerance(s.precision); }

  static Cost cost_of(const Conv1dShape& s, const std::vector<BufferSpec>& buffers) {
    const std::int64_t depth = s.kernel * (s.input_channels / s.groups);
    const double products =
        static_cast<double>(s.batch * s.output_time()) * static_cast<double>(s.output_channels * depth);
    return {2 * products, least_bytes(buffers)};
  }
  static Conv1dShape sample(ShapeSampler& draw) {
    Conv1dShape s;
    s.batch = draw.size(1, 5);
    s.kernel = draw.size(1, 9);
    s.dilation = draw.coin() ? 1 : draw.size(1, 4);
    s.stride = draw.coin() ? 1 : draw.size(1, 4);
    s.padding = draw.coin() ? s.dilation * (s.kernel - 1) / 2 : draw.size(0, 12);
    s.time = s.dilation * (s.kernel - 1) + draw.size(1, 97);
    s.groups = draw.coin() ? 1 : draw.size(1, 4);
    s.input_channels = s.groups * draw.size(1, 17);
    s.output_channels = s.groups * draw.size(1, s.groups == 1 ? 67 : 17);
    s.precision = draw.precision();
    return s;
  }
  // The reference leaves out products with the zeros around the signal.
  static Conv1dShape flop_sample(ShapeSampler& draw) {
    Conv1dShape s = sample(draw);
    s.padding = 0;
    return s;
  }
  static std::vector<Conv1dShape> workload() {
    return {{.batch = 64, .time = 1000, .input_channels = 12, .output_channels = 64, .kernel = 7, .padding = 3},
            {.batch = 64, .time = 500, .input_channels = 64, .output_channels = 128, .kernel = 5, .padding = 2},
            {.batch = 64, .time = 250, .input_channels = 128, .output_channels = 256, .kernel = 3, .padding = 1}};
  }
  static std::string describe(const Conv1dShape& s) {
    return fmt::format("N{} T{} C{}->{} k{} s{} p{} d{} g{}{}", s.batch, s.time, s.input_channels, s.output_channels,
                       s.kernel, s.stride, s.padding, s.dilation, s.groups, precision_suffix(s.precision));
  }
  static constexpr BufferSpec x(const Conv1dShape& s) { return {"x", {s.batch, s.time, s.input_channels}}; }
  static constexpr BufferSpec w(const Conv1dShape& s) {
    return {"w", {s.kernel, s.input_channels / s.groups, s.output_channels}};
  }
  static constexpr BufferSpec y(const Conv1dShape& s, const char* name, Role role) {
    return {name, {s.batch, s.output_time(), s.output_channels}, role};
  }
};

struct Conv1dForward : Conv1dSpec {
  static constexpr const char* kName = "conv1d_forward";
  static constexpr std::vector<BufferSpec> buffers(const Conv1dShape& s) {
    return {x(s), w(s), {"b", {s.output_channels}}, y(s, "y", Role::kOutput)};
  }
  static Cost cost(const Conv1dShape& s) { return cost_of(s, buffers(s)); }
  static constexpr auto reference = [](auto... a) { conv1d_forward_ref(a...); };
  static constexpr auto cpu = conv1d_forward_cpu;
  static constexpr auto cuda = conv1d_forward_cuda;
  static constexpr auto path = conv1d_forward_path;
  static constexpr KernelVariant<decltype(cuda)> cuda_variants[] = {{"naive", conv1d_forward_naive},
                                                                    {"coalesced", conv1d_forward_coalesced},
                                                                    {"gather", conv1d_forward_gather},
                                                                    {"hoisted", conv1d_forward_hoisted},
                                                                    {"register_tile", conv1d_forward_register_tile}};
};

struct Conv1dBackwardInput : Conv1dSpec {
  static constexpr const char* kName = "conv1d_backward_input";
  // One, but for the path "gather".
  static int launches(const Conv1dShape& s) {
    return s.stride == 1 && s.input_channels / s.groups % 4 == 0 && s.output_channels / s.groups % 4 == 0 ? 1 : 2;
  }
  static constexpr const char* kGradientOf = Conv1dForward::kName;
  static constexpr std::vector<BufferSpec> buffers(const Conv1dShape& s) {
    return {w(s), y(s, "dy", Role::kInput), {"dx", {s.batch, s.time, s.input_channels}, Role::kOutput}};
  }
  static Cost cost(const Conv1dShape& s) { return cost_of(s, buffers(s)); }
  static constexpr auto reference = [](auto... a) { conv1d_backward_input_ref(a...); };
  static constexpr auto cpu = conv1d_backward_input_cpu;
  static constexpr auto cuda = conv1d_backward_input_cuda;
  static constexpr auto path = conv1d_backward_input_path;
  static constexpr KernelVariant<decltype(cuda)> cuda_variants[] = {{"gather", conv1d_backward_input_gather}};
};

struct Conv1dBackwardWeight : Conv1dSpec {
  static constexpr const char* kName = "conv1d_backward_weight";
  static int launches(const Conv1dShape&) { return 2; }
  static Conv1dShape sample(ShapeSampler& draw) {
    Conv1dShape s = Conv1dSpec::sample(draw);
    s.bias_gradient = draw.coin();
    return s;
  }
  // Without that of the bias: batch norms follow.
  static std::vector<Conv1dShape> workload() {
    std::vector<Conv1dShape> all = Conv1dSpec::workload();
    for (Conv1dShape& s : all) s.bias_gradient = false;
    return all;
  }
  static std::string describe(const Conv1dShape& s) {
    return Conv1dSpec::describe(s) + (s.bias_gradient ? "" : " no db");
  }
  static constexpr const char* kGradientOf = Conv1dForward::kName;
  static constexpr double kFlopFactor = 1.5;  // The sums of db are left out.
  static constexpr std::vector<BufferSpec> buffers(const Conv1dShape& s) {
    BufferSpec dw = w(s);
    dw.name = "dw";
    dw.role = Role::kAccumulate;
    return {x(s), y(s, "dy", Role::kInput), dw, {"db", {s.output_channels}, Role::kAccumulate}};
  }
  static Cost cost(const Conv1dShape& s) { return cost_of(s, buffers(s)); }
  static constexpr auto reference = [](auto... a) { conv1d_backward_weight_ref(a...); };
  static constexpr auto cpu = conv1d_backward_weight_cpu;
  static constexpr auto cuda = conv1d_backward_weight_cuda;
  static constexpr auto path = conv1d_backward_weight_path;
  static constexpr KernelVariant<decltype(cuda)> cuda_variants[] = {{"gather", conv1d_backward_weight_gather}};
};

using Conv1dSpecs = SpecList<Conv1dForward, Conv1dBackwardInput, Conv1dBackwardWeight>;

}  // namespace cardiograd::kernels
