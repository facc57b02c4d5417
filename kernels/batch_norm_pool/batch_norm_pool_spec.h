// The specs of batch_norm_pool.h for the op table.
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>

#include "kernels/batch_norm/batch_norm_spec.h"
#include "kernels/batch_norm_pool/batch_norm_pool.h"
#include "kernels/batch_norm_pool/batch_norm_pool_ref.h"
#include "kernels/kernel_spec.h"

namespace cardiograd::kernels {

// What the specs share.
struct BatchNormPoolSpec : NormalizationSpec<BatchNormPoolShape> {
  static Cost cost_of(const Shape& s, double flop_per_element, const std::vector<BufferSpec>& buffers) {
    return {flop_per_element * static_cast<double>(s.batch * s.time * s.channels), least_bytes(buffers)};
  }
  static Shape sample(ShapeSampler& draw) {
    Shape s;
    s.batch = draw.size(1, 5);
    s.time = draw.size(2, 150);
    draw_settings(draw, s);
    return s;
  }
  static std::vector<Shape> workload() {
    return {{.batch = 64, .time = 1000, .channels = 64, .relu = true},
            {.batch = 64, .time = 500, .channels = 128, .relu = true},
            {.batch = 64, .time = 250, .channels = 256, .relu = true}};
  }
  static std::string describe(const Shape& s) { return fmt::format("N{} T{} {}", s.batch, s.time, settings_text(s)); }
  static constexpr BufferSpec x(const Shape& s) { return {"x", {s.batch, s.time, s.channels}}; }
  static constexpr BufferSpec y(const Shape& s, const char* name, Role role = Role::kInput) {
    return {name, {s.batch, s.output_time(), s.channels}, role};
  }
};

struct BatchNormPoolForward : BatchNormPoolSpec {
  static constexpr const char* kName = "batch_norm_pool_forward";
  static int launches(const Shape&) { return 2; }
  static constexpr double kFlopFactor = 1.5;
  static constexpr std::vector<BufferSpec> buffers(const Shape& s) {
    return training_buffers(s, x(s), y(s, "y", Role::kOutput));
  }
  static Cost cost(const Shape& s) { return cost_of(s, 8.5, buffers(s)); }
  static constexpr auto reference = [](auto... a) { batch_norm_pool_forward_ref(a...); };
  static constexpr auto cpu = batch_norm_pool_forward_cpu;
  static constexpr auto cuda = batch_norm_pool_forward_cuda;
};

struct BatchNormPoolGiven : BatchNormPoolSpec {
  static constexpr const char* kName = "batch_norm_pool_given_forward";
  static constexpr double kFlopFactor = 1.5;
  static constexpr std::vector<BufferSpec> buffers(const Shape& s) {
    return given_buffers(s, x(s), "mean", "variance", {y(s, "y", Role::kOutput)});
  }
  static Cost cost(const Shape& s) { return cost_of(s, 5.5, buffers(s)); }
  static constexpr auto reference = [](auto... a) { batch_norm_pool_given_forward_ref(a...); };
  static constexpr auto cpu = batch_norm_pool_given_forward_cpu;
  static constexpr auto cuda = batch_norm_pool_given_forward_cuda;
};

struct BatchNormPoolAdd : BatchNormPoolSpec {
  static constexpr const char* kName = "batch_norm_pool_add_forward";
  static constexpr double kFlopFactor = 1.5;
  static constexpr std::vector<BufferSpec> buffers(const Shape& s) {
    return given_buffers(s, x(s), "mean", "variance",
                         {{"added", {s.output_time(), s.channels}}, y(s, "y", Role::kOutput)});
  }
  static Cost cost(const Shape& s) { return cost_of(s, 6, buffers(s)); }
  static std::vector<Shape> workload() { return {{.batch = 64, .time = 250, .channels = 256, .relu = true}}; }
  static constexpr auto reference = [](auto... a) { batch_norm_pool_add_forward_ref(a...); };
  static constexpr auto cpu = batch_norm_pool_add_forward_cpu;
  static constexpr auto cuda = batch_norm_pool_add_forward_cuda;
};

struct BatchNormPoolBackward : BatchNormPoolSpec {
  static constexpr const char* kName = "batch_norm_pool_backward";
  static int launches(const Shape& s) { return s.batch == 1 && s.time <= kBatchNormChunk ? 1 : 2; }
  static constexpr const char* kGradientOf = BatchNormPoolForward::kName;
  static constexpr double kFlopFactor = 3;  // The reference computes the mask of ReLU at every use.
  static constexpr std::vector<BufferSpec> buffers(const Shape& s) {
    return backward_buffers(s, x(s), "mean", "variance", y(s, "dy"));
  }
  static Cost cost(const Shape& s) { return cost_of(s, 15, buffers(s)); }
  static constexpr auto reference = [](auto... a) { batch_norm_pool_backward_ref(a...); };
  static constexpr auto cpu = batch_norm_pool_backward_cpu;
  static constexpr auto cuda = batch_norm_pool_backward_cuda;
};

using BatchNormPoolSpecs = SpecList<BatchNormPoolForward, BatchNormPoolGiven, BatchNormPoolAdd, BatchNormPoolBackward>;

}  // namespace cardiograd::kernels
