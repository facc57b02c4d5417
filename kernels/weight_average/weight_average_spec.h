// The specs of weight_average.h for the op table.
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>

#include "kernels/kernel_spec.h"
#include "kernels/weight_average/weight_average.h"
#include "kernels/weight_average/weight_average_ref.h"

namespace cardiograd::kernels {

struct WeightAverageForward {
  using Shape = WeightAverageShape;
  static constexpr const char* kName = "weight_average_forward";
  static constexpr const char* kGradientOf = "";
  static constexpr double kTolerance = 1e-6;

  static constexpr std::vector<BufferSpec> buffers(const Shape& s) {
    return {{"value", {s.count}}, {"average", {s.count}, Role::kUpdate}};
  }
  static Cost cost(const Shape& s) { return {3 * static_cast<double>(s.count), least_bytes(buffers(s))}; }
  static Shape sample(ShapeSampler& draw) {
    return {draw.size(1, 20000), draw.coin() ? 0.999 : 0.5, draw.size(0, 30000)};
  }
  static std::vector<Shape> workload() { return {{.count = 1248261, .step = 1000}}; }
  static std::string describe(const Shape& s) { return fmt::format("{} decay{} step{}", s.count, s.decay, s.step); }
  static constexpr auto reference = [](auto... a) { weight_average_forward_ref(a...); };
  static constexpr auto cpu = weight_average_forward_cpu;
  static constexpr auto cuda = weight_average_forward_cuda;
};

using WeightAverageSpecs = SpecList<WeightAverageForward>;

}  // namespace cardiograd::kernels
