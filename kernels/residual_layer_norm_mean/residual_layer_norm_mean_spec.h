// The specs of residual_layer_norm_mean.h for the op table.
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>

#include "kernels/kernel_spec.h"
#include "kernels/residual_layer_norm_mean/residual_layer_norm_mean.h"
#include "kernels/residual_layer_norm_mean/residual_layer_norm_mean_ref.h"

namespace cardiograd::kernels {

// What the two specs share.
struct ResidualLayerNormMeanSpec {
  using Shape = ResidualLayerNormMeanShape;
  static constexpr const char* kGradientOf = "";
  static constexpr double kTolerance = 2e-6;
  static constexpr double kFlopFactor = 1.5;

  static Cost cost_of(const Shape& s, double flop_per_element, const std::vector<BufferSpec>& buffers) {
    return {flop_per_element * static_cast<double>(s.batch * s.time * s.width), least_bytes(buffers)};
  }
  // As for layer_norm: rows of three or more.
  static Shape sample(ShapeSampler& draw) {
    Shape s;
    s.batch = draw.size(1, 5);
    s.time = draw.size(1, 65);
    s.width = draw.coin() ? draw.size(3, 97) : 4 * draw.size(1, 40);
    s.width_b = draw.coin() ? draw.size(1, 33) : 4 * draw.size(1, 9);
    s.epsilon = draw.coin() ? 1e-5 : 1e-2;
    s.dropout = {.probability = draw.coin() ? 0.0F : 0.3F,
                 .seed = static_cast<std::uint64_t>(draw.size(0, 1000)) << 30,
                 .layer = static_cast<std::uint32_t>(draw.size(0, 9)),
                 .step = static_cast<std::uint32_t>(draw.size(0, 999))};
    return s;
  }
  // The end of the encoder, beside the features that go to the head with it.
  static std::vector<Shape> workload() {
    return {{.batch = 64, .time = 125, .width = 256, .width_b = 64, .dropout = {.probability = 0.1F}}};
  }
  static std::string describe(const Shape& s) {
    return fmt::format("N{} T{} D{}+{} eps{} p{} seed {} layer {} step {}", s.batch, s.time, s.width, s.width_b,
                       s.epsilon, s.dropout.probability, s.dropout.seed, s.dropout.layer, s.dropout.step);
  }
  static constexpr BufferSpec tokens(const Shape& s, const char* name, Role role = Role::kInput) {
    return {name, {s.batch, s.time, s.width}, role};
  }
  static constexpr BufferSpec vector(const Shape& s, const char* name, Role role = Role::kInput) {
    return {name, {s.width}, role};
  }
};

struct ResidualLayerNormMeanForward : ResidualLayerNormMeanSpec {
  static constexpr const char* kName = "residual_layer_norm_mean_forward";
  static constexpr std::vector<BufferSpec> buffers(const Shape& s) {
    return {tokens(s, "x"),
            vector(s, "bias"),
            tokens(s, "residual"),
            vector(s, "gamma"),
            vector(s, "beta"),
            {"beside", {s.batch, s.width_b}},
            {"y", {s.batch, s.width + s.width_b}, Role::kOutput},
            {"mean", {s.batch, s.time}, Role::kOutput},
            {"rstd", {s.batch, s.time}, Role::kOutput}};
  }
  static Cost cost(const Shape& s) { return cost_of(s, 12, buffers(s)); }
  static constexpr auto reference = [](auto... a) { residual_layer_norm_mean_forward_ref(a...); };
  static constexpr auto cpu = residual_layer_norm_mean_forward_cpu;
  static constexpr auto cuda = residual_layer_norm_mean_forward_cuda;
};

struct ResidualLayerNormMeanBackward : ResidualLayerNormMeanSpec {
  static constexpr const char* kName = "residual_layer_norm_mean_backward";
  static constexpr const char* kGradientOf = ResidualLayerNormMeanForward::kName;
  static constexpr std::vector<BufferSpec> buffers(const Shape& s) {
    return {tokens(s, "x"),
            vector(s, "bias"),
            tokens(s, "residual"),
            vector(s, "gamma"),
            {"mean", {s.batch, s.time}},
            {"rstd", {s.batch, s.time}, Role::kInput, DType::kFloat32, Fill::kPositive},
            {"dy", {s.batch, s.width + s.width_b}},
            tokens(s, "dx", Role::kOutput),
            tokens(s, "dresidual", Role::kOutput),
            vector(s, "dbias", Role::kAccumulate),
            vector(s, "dgamma", Role::kAccumulate),
            vector(s, "dbeta", Role::kAccumulate),
            {"dbeside", {s.batch, s.width_b}, Role::kOutput}};
  }
  static Cost cost(const Shape& s) { return cost_of(s, 20, buffers(s)); }
  static constexpr auto reference = [](auto... a) { residual_layer_norm_mean_backward_ref(a...); };
  static constexpr auto cpu = residual_layer_norm_mean_backward_cpu;
  static constexpr auto cuda = residual_layer_norm_mean_backward_cuda;
};

using ResidualLayerNormMeanSpecs = SpecList<ResidualLayerNormMeanForward, ResidualLayerNormMeanBackward>;

}  // namespace cardiograd::kernels
