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

// What the specs share of batch norms and of what they are a part of. S: a shape with channels, epsilon, momentum and
// relu.
template <class S>
struct NormalizationSpec {
  using Shape = S;
  static constexpr const char* kGradientOf = "";
  static constexpr double kTolerance = 2e-6;

  static constexpr BufferSpec per_channel(const S& s, const char* name, Role role = Role::kInput,
                                          Fill fill = Fill::kNormal) {
    return {name, {s.channels}, role, DType::kFloat32, fill};
  }
  // Of a forward kernel that takes the statistics of x.
  static constexpr std::vector<BufferSpec> training_buffers(const S& s, const BufferSpec& x, const BufferSpec& y) {
    return {x,
            per_channel(s, "gamma"),
            per_channel(s, "beta"),
            per_channel(s, "running_mean", Role::kUpdate),
            per_channel(s, "running_var", Role::kUpdate, Fill::kPositive),
            y,
            per_channel(s, "mean", Role::kOutput),
            per_channel(s, "variance", Role::kOutput)};
  }
  // Of one that is given them, and what comes between them and its result.
  static constexpr std::vector<BufferSpec> given_buffers(const S& s, const BufferSpec& x, const char* mean,
                                                         const char* variance, const std::vector<BufferSpec>& rest) {
    std::vector<BufferSpec> all = {x, per_channel(s, "gamma"), per_channel(s, "beta"), per_channel(s, mean),
                                   per_channel(s, variance, Role::kInput, Fill::kPositive)};
    all.insert(all.end(), rest.begin(), rest.end());
    return all;
  }
  static constexpr std::vector<BufferSpec> backward_buffers(const S& s, const BufferSpec& x, const char* mean,
                                                            const char* variance, const BufferSpec& dy) {
    BufferSpec dx = x;
    dx.name = "dx";
    dx.role = Role::kOutput;
    return given_buffers(
        s, x, mean, variance,
        {dy, dx, per_channel(s, "dgamma", Role::kAccumulate), per_channel(s, "dbeta", Role::kAccumulate)});
  }
  static void draw_settings(ShapeSampler& draw, S& s) {
    s.channels = draw.size(1, 67);
    s.epsilon = draw.coin() ? 1e-5 : 1e-2;
    s.momentum = draw.coin() ? 0.1 : 0.25;
    s.relu = draw.coin();
  }
  static std::string settings_text(const S& s) {
    return fmt::format("C{} eps{} momentum{}{}", s.channels, s.epsilon, s.momentum, s.relu ? " relu" : "");
  }
};

// What the four specs share.
struct BatchNormSpec : NormalizationSpec<BatchNormShape> {
  static int launches(const BatchNormShape& s) { return s.rows <= kBatchNormChunk ? 1 : 2; }
  static Cost cost_of(const BatchNormShape& s, double flop_per_element, const std::vector<BufferSpec>& buffers) {
    return {flop_per_element * static_cast<double>(s.rows * s.channels), least_bytes(buffers)};
  }
  static BatchNormShape sample(ShapeSampler& draw) {
    BatchNormShape s;
    s.rows = draw.size(2, 385);
    draw_settings(draw, s);
    return s;
  }
  static std::vector<BatchNormShape> workload() {
    return {{.rows = 64 * 1000, .channels = 64, .relu = true},
            {.rows = 64 * 500, .channels = 128, .relu = true},
            {.rows = 64 * 250, .channels = 256, .relu = true},
            {.rows = 64, .channels = 64, .relu = true}};
  }
  static std::string describe(const BatchNormShape& s) { return fmt::format("rows{} {}", s.rows, settings_text(s)); }
  static constexpr BufferSpec rows(const BatchNormShape& s, const char* name, Role role = Role::kInput) {
    return {name, {s.rows, s.channels}, role};
  }
};

struct BatchNormForward : BatchNormSpec {
  static constexpr const char* kName = "batch_norm_forward";
  static constexpr double kFlopFactor = 1.5;
  static constexpr std::vector<BufferSpec> buffers(const BatchNormShape& s) {
    return training_buffers(s, rows(s, "x"), rows(s, "y", Role::kOutput));
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
  static constexpr const char* kGradientOf = BatchNormForward::kName;
  static constexpr double kFlopFactor = 3;  // The reference computes the mask of ReLU at every use.
  static constexpr std::vector<BufferSpec> buffers(const BatchNormShape& s) {
    return backward_buffers(s, rows(s, "x"), "mean", "variance", rows(s, "dy"));
  }
  static Cost cost(const BatchNormShape& s) { return cost_of(s, 10, buffers(s)); }
  static constexpr auto reference = [](auto... a) { batch_norm_backward_ref(a...); };
  static constexpr auto cpu = batch_norm_backward_cpu;
  static constexpr auto cuda = batch_norm_backward_cuda;
};

struct BatchNormEvalForward : BatchNormSpec {
  static constexpr const char* kName = "batch_norm_eval_forward";
  static int launches(const BatchNormShape&) { return 1; }
  static constexpr double kFlopFactor = 1.5;
  static constexpr std::vector<BufferSpec> buffers(const BatchNormShape& s) {
    return given_buffers(s, rows(s, "x"), "running_mean", "running_var", {rows(s, "y", Role::kOutput)});
  }
  static Cost cost(const BatchNormShape& s) { return cost_of(s, 4, buffers(s)); }
  static constexpr auto reference = [](auto... a) { batch_norm_eval_forward_ref(a...); };
  static constexpr auto cpu = batch_norm_eval_forward_cpu;
  static constexpr auto cuda = batch_norm_eval_forward_cuda;
};

struct BatchNormEvalBackward : BatchNormSpec {
  static constexpr const char* kName = "batch_norm_eval_backward";
  static constexpr const char* kGradientOf = BatchNormEvalForward::kName;
  static constexpr double kFlopFactor = 3.5;  // As above.
  static constexpr std::vector<BufferSpec> buffers(const BatchNormShape& s) {
    return backward_buffers(s, rows(s, "x"), "running_mean", "running_var", rows(s, "dy"));
  }
  static Cost cost(const BatchNormShape& s) { return cost_of(s, 7, buffers(s)); }
  static constexpr auto reference = [](auto... a) { batch_norm_eval_backward_ref(a...); };
  static constexpr auto cpu = batch_norm_eval_backward_cpu;
  static constexpr auto cuda = batch_norm_eval_backward_cuda;
};

using BatchNormSpecs = SpecList<BatchNormForward, BatchNormBackward, BatchNormEvalForward, BatchNormEvalBackward>;

}  // namespace cardiograd::kernels
