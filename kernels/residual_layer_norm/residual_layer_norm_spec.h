// The specs of residual_layer_norm.h for the op table.
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>

#include "kernels/kernel_spec.h"
#include "kernels/residual_layer_norm/residual_layer_norm.h"
#include "kernels/residual_layer_norm/residual_layer_norm_ref.h"

namespace cardiograd::kernels {

// What the two specs share.
struct ResidualLayerNormSpec {
  using Shape = ResidualLayerNormShape;
  static constexpr const char* kGradientOf = "";
  static constexpr double kTolerance = 2e-6;
  static constexpr double kFlopFactor = 1.5;

  static Cost cost_of(const Shape& s, double flop_per_element, const std::vector<BufferSpec>& buffers) {
    return {flop_per_element * static_cast<double>(s.rows * s.width), least_bytes(buffers)};
  }
  // As for layer_norm: rows of three or more.
  static Shape sample(ShapeSampler& draw) {
    Shape s;
    s.rows = draw.size(1, 193);
    s.width = draw.coin() ? draw.size(3, 97) : 4 * draw.size(1, 40);
    s.epsilon = draw.coin() ? 1e-5 : 1e-2;
    s.dropout = {.probability = draw.coin() ? 0.0F : 0.3F,
                 .seed = static_cast<std::uint64_t>(draw.size(0, 1000)) << 30,
                 .layer = static_cast<std::uint32_t>(draw.size(0, 9)),
                 .step = static_cast<std::uint32_t>(draw.size(0, 999))};
    return s;
  }
  static std::vector<Shape> workload() { return {{.rows = 8000, .width = 256, .dropout = {.probability = 0.1F}}}; }
  static std::string describe(const Shape& s) {
    return fmt::format("rows{} D{} eps{} p{} seed {} layer {} step {}", s.rows, s.width, s.epsilon,
                       s.dropout.probability, s.dropout.seed, s.dropout.layer, s.dropout.step);
  }
  static constexpr BufferSpec matrix(const Shape& s, const char* name, Role role = Role::kInput) {
    return {name, {s.rows, s.width}, role};
  }
  static constexpr BufferSpec vector(const Shape& s, const char* name, Role role = Role::kInput) {
    return {name, {s.width}, role};
  }
};

struct ResidualLayerNormForward : ResidualLayerNormSpec {
  static constexpr const char* kName = "residual_layer_norm_forward";
  static constexpr std::vector<BufferSpec> buffers(const Shape& s) {
    return {matrix(s, "x"),
            vector(s, "bias"),
            matrix(s, "residual"),
            vector(s, "gamma"),
            vector(s, "beta"),
            matrix(s, "y", Role::kOutput),
            {"mean", {s.rows}, Role::kOutput},
            {"rstd", {s.rows}, Role::kOutput}};
  }
  static Cost cost(const Shape& s) { return cost_of(s, 11, buffers(s)); }
  static constexpr auto reference = [](auto... a) { residual_layer_norm_forward_ref(a...); };
  static constexpr auto cpu = residual_layer_norm_forward_cpu;
  static constexpr auto cuda = residual_layer_norm_forward_cuda;
};

struct ResidualLayerNormBackward : ResidualLayerNormSpec {
  static constexpr const char* kName = "residual_layer_norm_backward";
  static constexpr const char* kGradientOf = ResidualLayerNormForward::kName;
  static constexpr std::vector<BufferSpec> buffers(const Shape& s) {
    return {matrix(s, "x"),
            vector(s, "bias"),
            matrix(s, "residual"),
            vector(s, "gamma"),
            {"mean", {s.rows}},
            {"rstd", {s.rows}, Role::kInput, DType::kFloat32, Fill::kPositive},
            matrix(s, "dy"),
            matrix(s, "dx", Role::kOutput),
            matrix(s, "dresidual", Role::kOutput),
            vector(s, "dbias", Role::kAccumulate),
            vector(s, "dgamma", Role::kAccumulate),
            vector(s, "dbeta", Role::kAccumulate)};
  }
  static Cost cost(const Shape& s) { return cost_of(s, 20, buffers(s)); }
  static constexpr auto reference = [](auto... a) { residual_layer_norm_backward_ref(a...); };
  static constexpr auto cpu = residual_layer_norm_backward_cpu;
  static constexpr auto cuda = residual_layer_norm_backward_cuda;
};

using ResidualLayerNormSpecs = SpecList<ResidualLayerNormForward, ResidualLayerNormBackward>;

}  // namespace cardiograd::kernels
