// The specs of add.h for the op table.
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>

#include "kernels/add/add.h"
#include "kernels/add/add_ref.h"
#include "kernels/kernel_spec.h"

namespace cardiograd::kernels {

// What the three specs share.
struct AddSpec {
  using Shape = AddShape;
  static constexpr const char* kGradientOf = "";
  static constexpr double kTolerance = 1e-6;

  static Cost cost_of(const AddShape& s, const std::vector<BufferSpec>& buffers) {
    return {static_cast<double>(s.count), least_bytes(buffers)};
  }
  static AddShape sample(ShapeSampler& draw) {
    AddShape s;
    s.period = draw.size(1, 513) * (draw.coin() ? 1 : draw.size(1, 33));
    s.count = s.period * (draw.coin() ? 1 : draw.size(1, s.period > 513 ? 7 : 129));
    return s;
  }
  // Two residual connections in each encoder layer, and its positions.
  static std::vector<AddShape> workload() {
    return {{.count = 8000 * 256, .period = 8000 * 256}, {.count = 8000 * 256, .period = 125 * 256}};
  }
  static std::string describe(const AddShape& s) { return fmt::format("{} period{}", s.count, s.period); }
};

struct AddForward : AddSpec {
  static constexpr const char* kName = "add_forward";
  static constexpr std::vector<BufferSpec> buffers(const AddShape& s) {
    return {{"a", {s.count}}, {"b", {s.period}}, {"y", {s.count}, Role::kOutput}};
  }
  static Cost cost(const AddShape& s) { return cost_of(s, buffers(s)); }
  static constexpr auto reference = [](auto... a) { add_forward_ref(a...); };
  static constexpr auto cpu = add_forward_cpu;
  static constexpr auto cuda = add_forward_cuda;
};

struct AddBackwardBroadcast : AddSpec {
  static constexpr const char* kName = "add_backward_broadcast";
  static constexpr const char* kGradientOf = AddForward::kName;
  static constexpr std::vector<BufferSpec> buffers(const AddShape& s) {
    return {{"dy", {s.count}}, {"db", {s.period}, Role::kAccumulate}};
  }
  static Cost cost(const AddShape& s) { return cost_of(s, buffers(s)); }
  static constexpr auto reference = [](auto... a) { add_backward_broadcast_ref(a...); };
  static constexpr auto cpu = add_backward_broadcast_cpu;
  static constexpr auto cuda = add_backward_broadcast_cuda;
};

struct AccumulateForward : AddSpec {
  static constexpr const char* kName = "accumulate_forward";
  static std::vector<AddShape> workload() { return {{.count = 8000 * 256, .period = 8000 * 256}}; }
  static constexpr std::vector<BufferSpec> buffers(const AddShape& s) {
    return {{"x", {s.count}}, {"y", {s.count}, Role::kAccumulate}};
  }
  static Cost cost(const AddShape& s) { return cost_of(s, buffers(s)); }
  static constexpr auto reference = [](auto... a) { accumulate_forward_ref(a...); };
  static constexpr auto cpu = accumulate_forward_cpu;
  static constexpr auto cuda = accumulate_forward_cuda;
};

using AddSpecs = SpecList<AddForward, AddBackwardBroadcast, AccumulateForward>;

}  // namespace cardiograd::kernels
