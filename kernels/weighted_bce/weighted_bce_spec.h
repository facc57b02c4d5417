// The specs of weighted_bce.h for the op table.
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>

#include "kernels/kernel_spec.h"
#include "kernels/weighted_bce/ladder/weighted_bce_ladder.h"
#include "kernels/weighted_bce/weighted_bce.h"
#include "kernels/weighted_bce/weighted_bce_ref.h"

namespace cardiograd::kernels {

// What the two specs share.
struct WeightedBceSpec {
  using Shape = WeightedBceShape;
  static constexpr const char* kGradientOf = "";
  static constexpr double kTolerance = 1e-6;
  static constexpr double kFlopFactor = 2.5;  // One exponential serves both terms, unlike in the reference.

  static Cost cost_of(const WeightedBceShape& s, double flop_per_element, const std::vector<BufferSpec>& buffers) {
    return {flop_per_element * static_cast<double>(s.rows * s.classes), least_bytes(buffers)};
  }
  static WeightedBceShape sample(ShapeSampler& draw) {
    WeightedBceShape s;
    s.rows = draw.size(1, 257);
    s.classes = draw.size(1, 33);
    return s;
  }
  // Superclasses and subclasses.
  static std::vector<WeightedBceShape> workload() { return {{.rows = 64, .classes = 5}, {.rows = 64, .classes = 23}}; }
  static std::string describe(const WeightedBceShape& s) { return fmt::format("rows{} classes{}", s.rows, s.classes); }
  static constexpr std::vector<BufferSpec> inputs(const WeightedBceShape& s) {
    return {{"logits", {s.rows, s.classes}},
            {"targets", {s.rows, s.classes}, Role::kInput, DType::kFloat32, Fill::kBinary},
            {"pos_weight", {s.classes}, Role::kInput, DType::kFloat32, Fill::kPositive}};
  }
};

struct WeightedBceForward : WeightedBceSpec {
  static constexpr const char* kName = "weighted_bce_forward";
  static constexpr std::vector<BufferSpec> buffers(const WeightedBceShape& s) {
    std::vector<BufferSpec> all = inputs(s);
    all.push_back({"loss", {1}, Role::kOutput});
    return all;
  }
  static Cost cost(const WeightedBceShape& s) { return cost_of(s, 40, buffers(s)); }
  static constexpr auto reference = [](auto... a) { weighted_bce_forward_ref(a...); };
  static constexpr auto cpu = weighted_bce_forward_cpu;
  static constexpr auto cuda = weighted_bce_forward_cuda;
};

struct WeightedBceBackward : WeightedBceSpec {
  static constexpr const char* kName = "weighted_bce_backward";
  static constexpr const char* kGradientOf = WeightedBceForward::kName;
  static constexpr std::vector<BufferSpec> buffers(const WeightedBceShape& s) {
    std::vector<BufferSpec> all = inputs(s);
    all.push_back({"dloss", {1}});
    all.push_back({"dlogits", {s.rows, s.classes}, Role::kOutput});
    return all;
  }
  static Cost cost(const WeightedBceShape& s) { return cost_of(s, 25, buffers(s)); }
  static constexpr auto reference = [](auto... a) { weighted_bce_backward_ref(a...); };
  static constexpr auto cpu = weighted_bce_backward_cpu;
  static constexpr auto cuda = weighted_bce_backward_cuda;
};

struct WeightedBceLossAndGradient : WeightedBceSpec {
  static constexpr const char* kName = "weighted_bce_loss_and_gradient";
  static constexpr std::vector<BufferSpec> buffers(const WeightedBceShape& s) {
    std::vector<BufferSpec> all = inputs(s);
    all.push_back({"loss", {1}, Role::kOutput});
    all.push_back({"dlogits", {s.rows, s.classes}, Role::kOutput});
    return all;
  }
  static Cost cost(const WeightedBceShape& s) { return cost_of(s, 60, buffers(s)); }
  static constexpr auto reference = [](auto... a) { weighted_bce_loss_and_gradient_ref(a...); };
  static constexpr auto cpu = weighted_bce_loss_and_gradient_cpu;
  static constexpr auto cuda = weighted_bce_loss_and_gradient_cuda;
  static constexpr KernelVariant<decltype(cuda)> cuda_variants[] = {
      {"naive", weighted_bce_naive}, {"stable", weighted_bce_stable}, {"tree", weighted_bce_tree}};
};

using WeightedBceSpecs = SpecList<WeightedBceForward, WeightedBceBackward, WeightedBceLossAndGradient>;

}  // namespace cardiograd::kernels
