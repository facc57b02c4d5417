// The specs of gate.h for the op table.
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>

#include "kernels/gate/gate.h"
#include "kernels/gate/gate_ref.h"
#include "kernels/kernel_spec.h"

namespace cardiograd::kernels {

// What the two specs share.
struct GateSpec {
  using Shape = GateShape;
  static constexpr const char* kGradientOf = "";
  static constexpr double kTolerance = 2e-6;

  static GateShape sample(ShapeSampler& draw) {
    GateShape s;
    s.batch = draw.size(1, 3);
    s.time = draw.size(1, 65);
    s.channels = draw.size(1, 97);
    return s;
  }
  // The first and the last stage of xecgnet_standin, and the gated linear map of s4.
  static std::vector<GateShape> workload() {
    return {{.batch = 64, .time = 250, .channels = 32},
            {.batch = 64, .time = 32, .channels = 256},
            {.batch = 64 * 250, .time = 1, .channels = 512}};
  }
  static std::string describe(const GateShape& s) { return fmt::format("N{} T{} C{}", s.batch, s.time, s.channels); }
  static constexpr BufferSpec samples(const GateShape& s, const char* name, Role role = Role::kInput) {
    return {name, {s.batch, s.time, s.channels}, role};
  }
  static constexpr BufferSpec gates(const GateShape& s, const char* name, Role role = Role::kInput) {
    return {name, {s.batch, s.channels}, role};
  }
  // The sigmoid: an exponential of 20 operations, an addition, a division.
  static double flop(const GateShape& s, double per_sample, double per_gate) {
    const auto count = static_cast<double>(s.batch * s.channels);
    return count * (per_sample * static_cast<double>(s.time) + 22 + per_gate);
  }
};

struct GateForward : GateSpec {
  static constexpr const char* kName = "gate_forward";
  static constexpr std::vector<BufferSpec> buffers(const GateShape& s) {
    return {samples(s, "x"), gates(s, "g"), samples(s, "y", Role::kOutput)};
  }
  static Cost cost(const GateShape& s) { return {flop(s, 1, 0), least_bytes(buffers(s))}; }
  static constexpr auto reference = [](auto... a) { gate_forward_ref(a...); };
  static constexpr auto cpu = gate_forward_cpu;
  static constexpr auto cuda = gate_forward_cuda;
};

struct GateBackward : GateSpec {
  static constexpr const char* kName = "gate_backward";
  static constexpr const char* kGradientOf = GateForward::kName;
  static constexpr std::vector<BufferSpec> buffers(const GateShape& s) {
    return {samples(s, "x"), gates(s, "g"), samples(s, "dy"), samples(s, "dx", Role::kOutput),
            gates(s, "dg", Role::kOutput)};
  }
  static Cost cost(const GateShape& s) { return {flop(s, 3, 3), least_bytes(buffers(s))}; }
  static constexpr auto reference = [](auto... a) { gate_backward_ref(a...); };
  static constexpr auto cpu = gate_backward_cpu;
  static constexpr auto cuda = gate_backward_cuda;
};

using GateSpecs = SpecList<GateForward, GateBackward>;

}  // namespace cardiograd::kernels
