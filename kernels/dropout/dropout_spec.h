// The specs of dropout.h for the op table.
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>

#include "kernels/dropout/dropout.h"
#include "kernels/dropout/dropout_ref.h"
#include "kernels/kernel_spec.h"

namespace cardiograd::kernels {

struct DropoutSpec {
  using Shape = DropoutShape;
  static constexpr const char* kGradientOf = "";
  static constexpr double kTolerance = 1e-7;

  static DropoutShape sample(ShapeSampler& draw) {
    return {draw.size(1, 20000),
            {.probability = draw.coin() ? 0.1F : 0.7F,
             .seed = static_cast<std::uint64_t>(draw.size(0, 1000)) << 30,
             .layer = static_cast<std::uint32_t>(draw.size(0, 9)),
             .step = static_cast<std::uint32_t>(draw.size(0, 999))}};
  }
  static std::vector<DropoutShape> workload() {
    return {{8000 * 512, {.probability = 0.1F}}, {8000 * 256, {.probability = 0.1F}}};
  }
  static std::string describe(const DropoutShape& s) {
    return fmt::format("{} p{} seed {} layer {} step {}", s.count, s.key.probability, s.key.seed, s.key.layer,
                       s.key.step);
  }
};

struct DropoutForward : DropoutSpec {
  static constexpr const char* kName = "dropout_forward";
  static constexpr double kFlopFactor = 1.1;  // A dropped element costs the reference nothing.
  static constexpr std::vector<BufferSpec> buffers(const DropoutShape& s) {
    return {{"x", {s.count}}, {"y", {s.count}, Role::kOutput}};
  }
  static Cost cost(const DropoutShape& s) { return {static_cast<double>(s.count), least_bytes(buffers(s))}; }
  static constexpr auto reference = [](auto... a) { dropout_ref(a...); };
  static constexpr auto cpu = dropout_cpu;
  static constexpr auto cuda = dropout_cuda;
};

struct DropoutBackward : DropoutForward {
  static constexpr const char* kName = "dropout_backward";
  static constexpr const char* kGradientOf = DropoutForward::kName;
  static constexpr std::vector<BufferSpec> buffers(const DropoutShape& s) {
    return {{"dy", {s.count}}, {"dx", {s.count}, Role::kOutput}};
  }
};

using DropoutSpecs = SpecList<DropoutForward, DropoutBackward>;

}  // namespace cardiograd::kernels
