// The specs of activation.h for the op table.
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>

#include "kernels/activation/activation.h"
#include "kernels/activation/activation_ref.h"
#include "kernels/kernel_spec.h"

namespace cardiograd::kernels {

// What the specs share.
struct ActivationSpec {
  using Shape = ActivationShape;
  static constexpr const char* kGradientOf = "";
  static constexpr double kTolerance = 1e-6;

  static Cost cost_of(const ActivationShape& s, double flop_per_element, const std::vector<BufferSpec>& buffers) {
    return {flop_per_element * static_cast<double>(s.count), least_bytes(buffers)};
  }
  // Sometimes more than one task has work.
  static ActivationShape sample(ShapeSampler& draw) {
    return {draw.size(1, 513) * (draw.coin() ? 1 : draw.size(1, 129))};
  }
  // The feed-forward layer of the encoder and the head.
  static std::vector<ActivationShape> workload() { return {{8000 * 512}, {64 * 128}}; }
  static std::string describe(const ActivationShape& s) { return fmt::format("{}", s.count); }
  static constexpr BufferSpec flat(const ActivationShape& s, const char* name, Role role = Role::kInput) {
    return {name, {s.count}, role};
  }
};

struct ReluForward : ActivationSpec {
  static constexpr const char* kName = "relu_forward";
  static constexpr std::vector<BufferSpec> buffers(const ActivationShape& s) {
    return {flat(s, "x"), flat(s, "y", Role::kOutput)};
  }
  static Cost cost(const ActivationShape& s) { return cost_of(s, 1, buffers(s)); }
  static constexpr auto reference = [](auto... a) { relu_forward_ref(a...); };
  static constexpr auto cpu = relu_forward_cpu;
  static constexpr auto cuda = relu_forward_cuda;
};

struct ReluBackward : ActivationSpec {
  static constexpr const char* kName = "relu_backward";
  static constexpr const char* kGradientOf = ReluForward::kName;
  static constexpr std::vector<BufferSpec> buffers(const ActivationShape& s) {
    return {flat(s, "y"), flat(s, "dy"), flat(s, "dx", Role::kOutput)};
  }
  static Cost cost(const ActivationShape& s) { return cost_of(s, 1, buffers(s)); }
  static constexpr auto reference = [](auto... a) { relu_backward_ref(a...); };
  static constexpr auto cpu = relu_backward_cpu;
  static constexpr auto cuda = relu_backward_cuda;
};

struct GeluForward : ActivationSpec {
  static constexpr const char* kName = "gelu_forward";
  static constexpr double kFlopFactor = 1.2;
  static constexpr std::vector<BufferSpec> buffers(const ActivationShape& s) {
    return {flat(s, "x"), flat(s, "y", Role::kOutput)};
  }
  static Cost cost(const ActivationShape& s) { return cost_of(s, 45, buffers(s)); }
  static constexpr auto reference = [](auto... a) { gelu_forward_ref(a...); };
  static constexpr auto cpu = gelu_forward_cpu;
  static constexpr auto cuda = gelu_forward_cuda;
};

struct GeluBackward : ActivationSpec {
  static constexpr const char* kName = "gelu_backward";
  static constexpr const char* kGradientOf = GeluForward::kName;
  static constexpr double kFlopFactor = 1.6;  // One exponential serves both terms, unlike in the reference.
  static constexpr std::vector<BufferSpec> buffers(const ActivationShape& s) {
    return {flat(s, "x"), flat(s, "dy"), flat(s, "dx", Role::kOutput)};
  }
  static Cost cost(const ActivationShape& s) { return cost_of(s, 48, buffers(s)); }
  static constexpr auto reference = [](auto... a) { gelu_backward_ref(a...); };
  static constexpr auto cpu = gelu_backward_cpu;
  static constexpr auto cuda = gelu_backward_cuda;
};

struct LeakyReluSpec {
  using Shape = LeakyReluShape;
  static constexpr const char* kGradientOf = "";
  static constexpr double kTolerance = 1e-6;
  static constexpr double kFlopFactor = 2.5;  // A positive element costs the reference nothing.

  static LeakyReluShape sample(ShapeSampler& draw) {
    return {draw.size(1, 513) * (draw.coin() ? 1 : draw.size(1, 129)), draw.coin() ? 0.01F : 0.3F};
  }
  // Few elements may all have one sign.
  static LeakyReluShape flop_sample(ShapeSampler& draw) { return {draw.size(500, 4000), 0.01F}; }
  // The first convolution of cnn_entropy_standin.
  static std::vector<LeakyReluShape> workload() { return {{64 * 500 * 32}}; }
  static std::string describe(const LeakyReluShape& s) { return fmt::format("{} slope{}", s.count, s.slope); }
  static constexpr BufferSpec flat(const LeakyReluShape& s, const char* name, Role role = Role::kInput) {
    return {name, {s.count}, role};
  }
};

struct LeakyReluForward : LeakyReluSpec {
  static constexpr const char* kName = "leaky_relu_forward";
  static constexpr std::vector<BufferSpec> buffers(const LeakyReluShape& s) {
    return {flat(s, "x"), flat(s, "y", Role::kOutput)};
  }
  static Cost cost(const LeakyReluShape& s) { return {static_cast<double>(s.count), least_bytes(buffers(s))}; }
  static constexpr auto reference = [](auto... a) { leaky_relu_forward_ref(a...); };
  static constexpr auto cpu = leaky_relu_forward_cpu;
  static constexpr auto cuda = leaky_relu_forward_cuda;
};

struct LeakyReluBackward : LeakyReluSpec {
  static constexpr const char* kName = "leaky_relu_backward";
  static constexpr const char* kGradientOf = LeakyReluForward::kName;
  static constexpr std::vector<BufferSpec> buffers(const LeakyReluShape& s) {
    return {flat(s, "x"), flat(s, "dy"), flat(s, "dx", Role::kOutput)};
  }
  static Cost cost(const LeakyReluShape& s) { return {static_cast<double>(s.count), least_bytes(buffers(s))}; }
  static constexpr auto reference = [](auto... a) { leaky_relu_backward_ref(a...); };
  static constexpr auto cpu = leaky_relu_backward_cpu;
  static constexpr auto cuda = leaky_relu_backward_cuda;
};

struct TanhForward : ActivationSpec {
  static constexpr const char* kName = "tanh_forward";
  static std::vector<ActivationShape> workload() { return {{64 * 12 * 125 * 32}}; }  // multibranch_cnn_standin
  static constexpr std::vector<BufferSpec> buffers(const ActivationShape& s) {
    return {flat(s, "x"), flat(s, "y", Role::kOutput)};
  }
  static Cost cost(const ActivationShape& s) { return cost_of(s, 20, buffers(s)); }
  static constexpr auto reference = [](auto... a) { tanh_forward_ref(a...); };
  static constexpr auto cpu = tanh_forward_cpu;
  static constexpr auto cuda = tanh_forward_cuda;
};

struct TanhBackward : TanhForward {
  static constexpr const char* kName = "tanh_backward";
  static constexpr const char* kGradientOf = TanhForward::kName;
  static constexpr std::vector<BufferSpec> buffers(const ActivationShape& s) {
    return {flat(s, "y"), flat(s, "dy"), flat(s, "dx", Role::kOutput)};
  }
  static Cost cost(const ActivationShape& s) { return cost_of(s, 3, buffers(s)); }
  static constexpr auto reference = [](auto... a) { tanh_backward_ref(a...); };
  static constexpr auto cpu = tanh_backward_cpu;
  static constexpr auto cuda = tanh_backward_cuda;
};

using ActivationSpecs = SpecList<ReluForward, ReluBackward, GeluForward, GeluBackward, LeakyReluForward,
                                 LeakyReluBackward, TanhForward, TanhBackward>;

}  // namespace cardiograd::kernels
