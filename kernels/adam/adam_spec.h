// The specs of adam.h for the op table.
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>

#include "kernels/adam/adam.h"
#include "kernels/adam/adam_ref.h"
#include "kernels/kernel_spec.h"

namespace cardiograd::kernels {

struct AdamForward {
  using Shape = AdamShape;
  static constexpr const char* kName = "adam_forward";
  static constexpr const char* kGradientOf = "";
  static constexpr double kFlopFactor = 1.2;  // Either kind of decay.
  static constexpr double kTolerance = 1e-6;

  static constexpr std::vector<BufferSpec> buffers(const AdamShape& s) {
    return {{"gradient", {s.count}},
            {"parameter", {s.count}, Role::kUpdate},
            {"m", {s.count}, Role::kUpdate},
            {"v", {s.count}, Role::kUpdate, DType::kFloat32, Fill::kPositive}};
  }
  static Cost cost(const AdamShape& s) { return {13 * static_cast<double>(s.count), least_bytes(buffers(s))}; }
  static AdamShape sample(ShapeSampler& draw) {
    AdamShape s;
    s.count = draw.size(1, 513) * (draw.coin() ? 1 : draw.size(1, 97));
    s.lr = draw.coin() ? 3e-4 : 0.1;
    s.weight_decay = draw.coin() ? 0 : 0.01;
    s.decoupled = draw.coin();
    s.step = draw.size(1, 513);
    return s;
  }
  // All parameters of the model.
  static std::vector<AdamShape> workload() { return {{.count = 1'248'261, .lr = 3e-4, .step = 10}}; }
  static std::string describe(const AdamShape& s) {
    return fmt::format("{} lr{} decay{}{} step{}", s.count, s.lr, s.weight_decay, s.decoupled ? " decoupled" : "",
                       s.step);
  }
  static constexpr auto reference = [](auto... a) { adam_forward_ref(a...); };
  static constexpr auto cpu = adam_forward_cpu;
  static constexpr auto cuda = adam_forward_cuda;
};

using AdamSpecs = SpecList<AdamForward>;

}  // namespace cardiograd::kernels
