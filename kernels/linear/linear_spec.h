// The specs of linear.h for the op table.
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>

#include "kernels/kernel_spec.h"
#include "kernels/linear/ladder/linear_ladder.h"
#include "kernels/linear/linear.h"
#include "kernels/linear/linear_ref.h"

namespace cardiograd::kernels {

// What the three specs share.
struct LinearSpec {
  using Shape = LinearShape;
  static constexpr const char* kGradientOf = "";
  static constexpr double kTolerance = 2e-6;
  static constexpr double tolerance(const LinearShape& s) { return product_tolerance(s.precision); }

  static Cost cost_of(const LinearShape& s, const std::vector<BufferSpec>& buffers) {
    return {2.0 * static_cast<double>(s.rows) * static_cast<double>(s.inputs * s.outputs), least_bytes(buffers)};
  }
  static LinearShape sample(ShapeSampler& draw) {
    return {draw.size(1, 513), draw.size(1, 129), draw.size(1, 97), draw.precision()};
  }
  static std::vector<LinearShape> workload() {
    return {{8000, 256, 768}, {8000, 256, 256}, {.rows = 8000, .inputs = 256, .outputs = 512, .relu = true},
            {8000, 512, 256}, {64, 64, 64},     {64, 320, 128}};
  }
  static std::string describe(const LinearShape& s) {
    return fmt::format("{}x{}->{}{}{}", s.rows, s.inputs, s.outputs, s.relu ? " relu" : "",
                       precision_suffix(s.precision));
  }
  static constexpr BufferSpec x(const LinearShape& s) { return {"x", {s.rows, s.inputs}}; }
  static constexpr BufferSpec w(const LinearShape& s) { return {"w", {s.inputs, s.outputs}}; }
};

struct LinearForward : LinearSpec {
  static constexpr const char* kName = "linear_forward";
  static constexpr std::vector<BufferSpec> buffers(const LinearShape& s) {
    return {x(s), w(s), {"b", {s.outputs}}, {"y", {s.rows, s.outputs}, Role::kOutput}};
  }
  static Cost cost(const LinearShape& s) {
    Cost cost = cost_of(s, buffers(s));
    if (s.relu) cost.flop += static_cast<double>(s.rows * s.outputs);
    return cost;
  }
  static LinearShape sample(ShapeSampler& draw) {
    LinearShape s = LinearSpec::sample(draw);
    s.relu = draw.coin();
    return s;
  }
  static constexpr auto reference = [](auto... a) { linear_forward_ref(a...); };
  static constexpr auto cpu = linear_forward_cpu;
  static constexpr auto cuda = linear_forward_cuda;
  static constexpr auto path = linear_forward_path;
  static constexpr KernelVariant<decltype(cuda)> cuda_variants[] = {{"naive", linear_forward_naive},
                                                                    {"shared", linear_forward_shared},
                                                                    {"tile", linear_forward_tile},
                                                                    {"product", linear_forward_product}};
};

struct LinearBackwardInput : LinearSpec {
  static constexpr const char* kName = "linear_backward_input";
  static constexpr const char* kGradientOf = LinearForward::kName;
  static constexpr std::vector<BufferSpec> buffers(const LinearShape& s) {
    return {w(s), {"dy", {s.rows, s.outputs}}, {"dx", {s.rows, s.inputs}, Role::kOutput}};
  }
  static Cost cost(const LinearShape& s) { return cost_of(s, buffers(s)); }
  static constexpr auto reference = [](auto... a) { linear_backward_input_ref(a...); };
  static constexpr auto cpu = linear_backward_input_cpu;
  static constexpr auto cuda = linear_backward_input_cuda;
  static constexpr auto path = linear_backward_input_path;
  static constexpr KernelVariant<decltype(cuda)> cuda_variants[] = {{"tile", linear_backward_input_tile},
                                                                    {"product", linear_backward_input_product}};
};

struct LinearBackwardWeight : LinearSpec {
  static constexpr const char* kName = "linear_backward_weight";
  static int launches(const LinearShape&) { return 2; }
  static constexpr const char* kGradientOf = LinearForward::kName;
  static constexpr double kFlopFactor = 1.5;  // The sums of db are left out.
  static constexpr std::vector<BufferSpec> buffers(const LinearShape& s) {
    return {x(s),
            {"dy", {s.rows, s.outputs}},
            {"dw", {s.inputs, s.outputs}, Role::kAccumulate},
            {"db", {s.outputs}, Role::kAccumulate}};
  }
  static Cost cost(const LinearShape& s) { return cost_of(s, buffers(s)); }
  static constexpr auto reference = [](auto... a) { linear_backward_weight_ref(a...); };
  static constexpr auto cpu = linear_backward_weight_cpu;
  static constexpr auto cuda = linear_backward_weight_cuda;
  static constexpr auto path = linear_backward_weight_path;
  static constexpr KernelVariant<decltype(cuda)> cuda_variants[] = {{"tile", linear_backward_weight_tile},
                                                                    {"product", linear_backward_weight_product}};
};

using LinearSpecs = SpecList<LinearForward, LinearBackwardInput, LinearBackwardWeight>;

}  // namespace cardiograd::kernels
