// The specs of layer_norm.h for the op table.
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>

#include "kernels/kernel_spec.h"
#include "kernels/layer_norm/layer_norm.h"
#include "kernels/layer_norm/layer_norm_ref.h"

namespace cardiograd::kernels {

// What the two specs share.
struct LayerNormSpec {
  using Shape = LayerNormShape;
  static constexpr const char* kGradientOf = "";
  static constexpr double kTolerance = 2e-6;

  static Cost cost_of(const LayerNormShape& s, double flop_per_element, const std::vector<BufferSpec>& buffers) {
    return {flop_per_element * static_cast<double>(s.rows * s.width), least_bytes(buffers)};
  }
  // A row of one or two elements has a variance near zero, where differences say nothing about a gradient.
  static LayerNormShape sample(ShapeSampler& draw) {
    LayerNormShape s;
    s.rows = draw.size(1, 193);
    s.width = draw.size(3, 97);
    s.epsilon = draw.coin() ? 1e-5 : 1e-2;
    return s;
  }
  static std::vector<LayerNormShape> workload() { return {{.rows = 8000, .width = 256}}; }
  static std::string describe(const LayerNormShape& s) {
    return fmt::format("rows{} D{} eps{}", s.rows, s.width, s.epsilon);
  }
  static constexpr BufferSpec matrix(const LayerNormShape& s, const char* name, Role role = Role::kInput) {
    return {name, {s.rows, s.width}, role};
  }
};

struct LayerNormForward : LayerNormSpec {
  static constexpr const char* kName = "layer_norm_forward";
  static constexpr double kFlopFactor = 1.5;
  static constexpr std::vector<BufferSpec> buffers(const LayerNormShape& s) {
    return {matrix(s, "x"),
            {"gamma", {s.width}},
            {"beta", {s.width}},
            matrix(s, "y", Role::kOutput),
            {"mean", {s.rows}, Role::kOutput},
            {"rstd", {s.rows}, Role::kOutput}};
  }
  static Cost cost(const LayerNormShape& s) { return cost_of(s, 8, buffers(s)); }
  static constexpr auto reference = [](auto... a) { layer_norm_forward_ref(a...); };
  static constexpr auto cpu = layer_norm_forward_cpu;
  static constexpr auto cuda = layer_norm_forward_cuda;
};

struct LayerNormBackward : LayerNormSpec {
  static constexpr const char* kName = "layer_norm_backward";
  static constexpr const char* kGradientOf = LayerNormForward::kName;
  static constexpr double kFlopFactor = 1.5;
  static constexpr std::vector<BufferSpec> buffers(const LayerNormShape& s) {
    return {matrix(s, "x"),
            {"gamma", {s.width}},
            {"mean", {s.rows}},
            {"rstd", {s.rows}, Role::kInput, DType::kFloat32, Fill::kPositive},
            matrix(s, "dy"),
            matrix(s, "dx", Role::kOutput),
            {"dgamma", {s.width}, Role::kAccumulate},
            {"dbeta", {s.width}, Role::kAccumulate}};
  }
  static Cost cost(const LayerNormShape& s) { return cost_of(s, 15, buffers(s)); }
  static constexpr auto reference = [](auto... a) { layer_norm_backward_ref(a...); };
  static constexpr auto cpu = layer_norm_backward_cpu;
  static constexpr auto cuda = layer_norm_backward_cuda;
};

using LayerNormSpecs = SpecList<LayerNormForward, LayerNormBackward>;

}  // namespace cardiograd::kernels
