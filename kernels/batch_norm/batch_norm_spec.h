// The specs of batch_norm.h for the op table.
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>

#include "kernels/batch_norm/batch_norm.h"
#include "kernels/batch_norm/batch_norm_ref.h"
#include "kernels/batch_norm/ladder/batch_norm_ladder.h"
#include "kernels/kernel_spec.h"

namespace cardiograd::kernels {

// What the four specs share.
struct BatchNormSpec {
  using Shape = BatchNormShape;
  static constexpr const char* kGradientOf = "";
  static constexpr double kTolerance = 2e-6;

  static Cost cost_of(const BatchNormShape& s, double flop_per_element, const std::vector<BufferSpec>& buffers) {
    return {flop_per_element * static_cast<double>(s.rows * s.channels), least_bytes(buffers)};
  }
  static BatchNormShape sample(ShapeSampler& draw) {
    BatchNormShape s;
    s.rows = draw.size(2, 385);
    s.channels = draw.size(1, 67);
    s.epsilon = draw.coin() ? 1e-5 : 1e-2;
    s.momentum = draw.coin() ? 0.1 : 0.25;
    s.relu = draw.coin();
    return s;
  }
  static std::vector<BatchNormShape> workload() {
    return {{.rows = 64 * 1000, .channels = 64, .relu = true},
            {.rows = 64 * 500, .channels = 128, .relu = true},
            {.rows = 64 * 250, .channels = 256, .relu = true},
            {.rows = 64, .channels = 64, .relu = true}};
  }
  static std::string describe(const BatchNormShape& s) {
    return fmt::format("rows{} C{} eps{} momentum{}{}", s.rows, s.channels, s.epsilon, s.momentum,
                       s.relu ? " relu" : "");
  }
  static constexpr BufferSpec rows(const BatchNormShape& s, const char* name, Role role = Role::kInput) {
    return {name, {s.rows, s.channels}, role};
  }
  static constexpr BufferSpec per_channel(const BatchNormShape& s, const char* name, Role role = Role::kInput,
                                          Fill fill = Fill::kNormal) {
    return {name, {s.channels}, role, DType::kFloat32, fill};
  }
};

struct BatchNormForward : BatchNormSpec {
  static constexpr const char* kName = "batch_norm_forward";
  static int launches(const BatchNormShape&) { return 2; }
  static constexpr double kFlopFactor = 1.5;
  static constexpr std::vector<BufferSpec> buffers(const BatchNormShape& s) {
    return {rows(s, "x"),
            per_channel(s, "gamma"),
            per_channel(s, "beta"),
            per_channel(s, "running_mean", Role::kUpdate),
            per_channel(s, "running_var", Role::kUpdate, Fill::kPositive),
            rows(s, "y", Role::kOutput),
            per_channel(s, "mean", Role::kOutput),
            per_channel(s, "variance", Role::kOutput)};
  }
  static Cost cost(const BatchNormShape& s) { return cost_of(s, 7, buffers(s)); }
  static constexpr auto reference = [](auto... a) { batch_norm_forward_ref(a...); };
  static constexpr auto cpu = batch_norm_forward_cpu;
  static constexpr auto cuda = batch_norm_forward_cuda;
  // Not batch_norm_forward_sum_of_squares: it is wrong (tests/kernels/batch_norm/batch_norm_ladder_test.cpp).
  static constexpr KernelVariant<decltype(cuda)> cuda_variants[] = {{"two_passes", batch_norm_forward_two_passes},
                                                                    {"chunks", batch_norm_forward_chunks}};
};

struct BatchNormBackward : BatchNormSpec {
  static constexpr const char* kName = "batch_norm_backward";
  static int launches(const BatchNormShape&) { return 2; }
  static constexpr const char* kGradientOf = BatchNormForward::kName;
  static constexpr double kFlopFactor = 3;  // The reference computes the mask of ReLU at every use.
  static constexpr std::vector<BufferSpec> buffers(const BatchNormShape& s) {
    return {rows(s, "x"),
            per_channel(s, "gamma"),
            per_channel(s, "beta"),
            per_channel(s, "mean"),
            per_channel(s, "variance", Role::kInput, Fill::kPositive),
            rows(s, "dy"),
            rows(s, "dx", Role::kOutput),
            per_channel(s, "dgamma", Role::kAccumulate),
            per_channel(s, "dbeta", Role::kAccumulate)};
  }
  static Cost cost(const BatchNormShape& s) { return cost_of(s, 10, buffers(s)); }
  static constexpr auto reference = [](auto... a) { batch_norm_backward_ref(a...); };
  static constexpr auto cpu = batch_norm_backward_cpu;
  static constexpr auto cuda = batch_norm_backward_cuda;
};

struct BatchNormEvalForward : BatchNormSpec {
  static constexpr const char* kName = "batch_norm_eval_forward";
  static constexpr double kFlopFactor = 1.5;
  static constexpr std::vector<BufferSpec> buffers(const BatchNormShape& s) {
    return {rows(s, "x"),
            per_channel(s, "gamma"),
            per_channel(s, "beta"),
            per_channel(s, "running_mean"),
            per_channel(s, "running_var", Role::kInput, Fill::kPositive),
            rows(s, "y", Role::kOutput)};
  }
  static Cost cost(const BatchNormShape& s) { return cost_of(s, 4, buffers(s)); }
  static constexpr auto reference = [](auto... a) { batch_norm_eval_forward_ref(a...); };
  static constexpr auto cpu = batch_norm_eval_forward_cpu;
  static constexpr auto cuda = batch_norm_eval_forward_cuda;
};

struct BatchNormEvalBackward : BatchNormSpec {
  static constexpr const char* kName = "batch_norm_eval_backward";
  static int launches(const BatchNormShape&) { return 2; }
  static constexpr const char* kGradientOf = BatchNormEvalForward::kName;
  static constexpr double kFlopFactor = 3.5;  // As above.
  static constexpr std::vector<BufferSpec> buffers(const BatchNormShape& s) {
    return {rows(s, "x"),
            per_channel(s, "gamma"),
            per_channel(s, "beta"),
            per_channel(s, "running_mean"),
            per_channel(s, "running_var", Role::kInput, Fill::kPositive),
            rows(s, "dy"),
            rows(s, "dx", Role::kOutput),
            per_channel(s, "dgamma", Role::kAccumulate),
            per_channel(s, "dbeta", Role::kAccumulate)};
  }
  static Cost cost(const BatchNormShape& s) { return cost_of(s, 7, buffers(s)); }
  static constexpr auto reference = [](auto... a) { batch_norm_eval_backward_ref(a...); };
  static constexpr auto cpu = batch_norm_eval_backward_cpu;
  static constexpr auto cuda = batch_norm_eval_backward_cuda;
};

using BatchNormSpecs = SpecList<BatchNormForward, BatchNormBackward, BatchNormEvalForward, BatchNormEvalBackward>;

}  // namespace cardiograd::kernels
