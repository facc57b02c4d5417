// The specs of linear.h for the op table.
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>

#include "kernels/kernel_spec.h"
#include "kernels/linear/ladder/linear_ladder.h"
#include "kernels/linear/linear.h"
#include "kernels/linear/linear_paths.h"
#include "kernels/linear/linear_ref.h"

namespace cardiograd::kernels {

// What the specs share.
struct LinearSpec {
  using Shape = LinearShape;
  static constexpr const char* kGradientOf = "";
  static constexpr double kTolerance = 2e-6;
  // Epilogues are in one of the two numbers only, or depend on what is dropped.
  static constexpr double kFlopFactor = 1.5;
  static constexpr double tolerance(const LinearShape& s) { return product_tolerance(s.precision); }

  static Cost cost_of(const LinearShape& s, const std::vector<BufferSpec>& buffers, double products = 1) {
    return {2.0 * products * static_cast<double>(s.rows) * static_cast<double>(s.inputs * s.outputs),
            least_bytes(buffers)};
  }
  static LinearShape sample(ShapeSampler& draw) {
    return {draw.size(1, 513), draw.size(1, 129), draw.size(1, 97), draw.precision()};
  }
  static DropoutKey sample_dropout(ShapeSampler& draw) {
    return {.probability = draw.coin() ? 0.25F : 0,
            .seed = static_cast<std::uint64_t>(draw.size(0, 1000)) << 30,
            .layer = static_cast<std::uint32_t>(draw.size(0, 9)),
            .step = static_cast<std::uint32_t>(draw.size(0, 999))};
  }
  static std::string describe(const LinearShape& s) {
    std::string text = fmt::format("{}x{}->{}", s.rows, s.inputs, s.outputs);
    if (s.masked) text += " masked";
    if (s.relu) text += " relu";
    if (s.dropout.probability > 0) text += fmt::format(" p{}", s.dropout.probability);
    if (s.relu && s.dropout.probability > 0)
      text += fmt::format(" seed {} layer {} step {}", s.dropout.seed, s.dropout.layer, s.dropout.step);
    if (s.adds) text += " adds";
    return text + precision_suffix(s.precision);
  }
  static constexpr BufferSpec x(const LinearShape& s) { return {"x", {s.rows, s.inputs}}; }
  static constexpr BufferSpec w(const LinearShape& s) { return {"w", {s.inputs, s.outputs}}; }
  static constexpr BufferSpec dx(const LinearShape& s) {
    return {"dx", {s.rows, s.inputs}, s.adds && !s.masked ? Role::kAccumulate : Role::kOutput};
  }
};

struct LinearForward : LinearSpec {
  static constexpr const char* kName = "linear_forward";
  static constexpr std::vector<BufferSpec> buffers(const LinearShape& s) {
    return {x(s), w(s), {"b", {s.outputs}}, {"y", {s.rows, s.outputs}, Role::kOutput}};
  }
  static Cost cost(const LinearShape& s) {
    Cost cost = cost_of(s, buffers(s));
    if (s.relu) cost.flop += static_cast<double>(s.rows * s.outputs);
    return cost;
  }
  static LinearShape sample(ShapeSampler& draw) {
    LinearShape s = LinearSpec::sample(draw);
    s.relu = draw.coin();
    if (s.relu) s.dropout = sample_dropout(draw);
    return s;
  }
  static std::vector<LinearShape> workload() {
    return {{8000, 256, 768},
            {8000, 256, 256},
            {.rows = 8000, .inputs = 256, .outputs = 512, .relu = true, .dropout = {.probability = 0.1F}},
            {8000, 512, 256},
            {64, 29, 64},
            {64, 64, 64},
            {.rows = 64, .inputs = 320, .outputs = 128, .relu = true, .dropout = {.probability = 0.1F}},
            {64, 128, 5}};
  }
  static constexpr auto reference = [](auto... a) { linear_forward_ref(a...); };
  static constexpr auto cpu = linear_forward_cpu;
  static constexpr auto cuda = linear_forward_cuda;
  static constexpr auto path = linear_forward_path;
  static constexpr KernelVariant<decltype(cuda)> cuda_variants[] = {
    {"naive", linear_forward_naive},
    {"shared", linear_forward_shared},
    {"tile", linear_forward_tile},
    {"product", linear_forward_product},
    {"small", linear_forward_small},
#if defined(CARDIOGRAD_CUBLASLT)
    {"cuBLASLt", linear_forward_library, true},
#endif
    {"wide", linear_forward_wide}
  };
};

struct LinearBackwardInput : LinearSpec {
  static constexpr const char* kName = "linear_backward_input";
  static constexpr const char* kGradientOf = LinearForward::kName;
  static constexpr std::vector<BufferSpec> buffers(const LinearShape& s) {
    return {w(s), {"dy", {s.rows, s.outputs}}, dx(s)};
  }
  static Cost cost(const LinearShape& s) { return cost_of(s, buffers(s)); }
  static LinearShape sample(ShapeSampler& draw) {
    LinearShape s = LinearSpec::sample(draw);
    s.adds = draw.coin();
    return s;
  }
  static std::vector<LinearShape> workload() {
    return {{.rows = 8000, .inputs = 256, .outputs = 768, .adds = true}, {8000, 256, 256}};
  }
  static constexpr auto reference = [](auto... a) { linear_backward_input_ref(a...); };
  static constexpr auto cpu = linear_backward_input_cpu;
  static constexpr auto cuda = linear_backward_input_cuda;
  static constexpr auto path = linear_backward_input_path;
  static constexpr KernelVariant<decltype(cuda)> cuda_variants[] = {
    {"tile", linear_backward_input_tile},
    {"product", linear_backward_input_product},
    {"small", linear_backward_input_small},
#if defined(CARDIOGRAD_CUBLASLT)
    {"cuBLASLt", linear_backward_input_library, true},
#endif
    {"wide", linear_backward_input_wide}
  };
};

struct LinearBackwardWeight : LinearSpec {
  static constexpr const char* kName = "linear_backward_weight";
  static constexpr const char* kGradientOf = LinearForward::kName;
  static constexpr std::vector<BufferSpec> buffers(const LinearShape& s) {
    return {x(s),
            {"dy", {s.rows, s.outputs}},
            {"dw", {s.inputs, s.outputs}, Role::kAccumulate},
            {"db", {s.outputs}, Role::kAccumulate}};
  }
  static Cost cost(const LinearShape& s) { return cost_of(s, buffers(s)); }
  static std::vector<LinearShape> workload() { return {{8000, 256, 768}, {8000, 256, 256}, {64, 29, 64}}; }
  static constexpr auto reference = [](auto... a) { linear_backward_weight_ref(a...); };
  static constexpr auto cpu = linear_backward_weight_cpu;
  static constexpr auto cuda = linear_backward_weight_cuda;
  static constexpr auto path = linear_backward_weight_path;
  static constexpr KernelVariant<decltype(cuda)> cuda_variants[] = {
    {"tile", linear_backward_weight_tile},
    {"product", linear_backward_weight_product},
    {"small", linear_backward_weight_small},
#if defined(CARDIOGRAD_CUBLASLT)
    {"cuBLASLt", linear_backward_weight_library, true},
#endif
    {"wide", linear_backward_weight_wide}
  };
};

struct LinearBackward : LinearSpec {
  static constexpr const char* kName = "linear_backward";
  static constexpr const char* kGradientOf = LinearForward::kName;
  static constexpr std::vector<BufferSpec> buffers(const LinearShape& s) {
    return {x(s),
            w(s),
            {"dy", {s.rows, s.outputs}},
            dx(s),
            {"dw", {s.inputs, s.outputs}, Role::kAccumulate},
            {"db", {s.outputs}, Role::kAccumulate}};
  }
  static Cost cost(const LinearShape& s) { return cost_of(s, buffers(s), 2); }
  static LinearShape sample(ShapeSampler& draw) {
    LinearShape s = LinearSpec::sample(draw);
    s.masked = draw.coin();
    s.adds = draw.coin();
    if (s.masked) s.dropout = sample_dropout(draw);
    return s;
  }
  static std::vector<LinearShape> workload() {
    return {{.rows = 8000, .inputs = 256, .outputs = 768, .adds = true},
            {8000, 256, 256},
            {.rows = 8000, .inputs = 256, .outputs = 512, .adds = true},
            {.rows = 8000, .inputs = 512, .outputs = 256, .masked = true, .dropout = {.probability = 0.1F}},
            {64, 64, 64},
            {64, 320, 128},
            {.rows = 64, .inputs = 128, .outputs = 5, .masked = true, .dropout = {.probability = 0.1F}}};
  }
  static constexpr auto reference = [](auto... a) { linear_backward_ref(a...); };
  static constexpr auto cpu = linear_backward_cpu;
  static constexpr auto cuda = linear_backward_cuda;
  static constexpr auto path = linear_backward_path;
  static constexpr KernelVariant<decltype(cuda)> cuda_variants[] = {{"small", linear_backward_small},
                                                                    {"wide", linear_backward_wide}};
};

using LinearSpecs = SpecList<LinearForward, LinearBackwardInput, LinearBackwardWeight, LinearBackward>;

}  // namespace cardiograd::kernels
