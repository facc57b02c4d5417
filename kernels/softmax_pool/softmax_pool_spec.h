// The specs of softmax_pool.h for the op table.
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>

#include "kernels/kernel_spec.h"
#include "kernels/softmax_pool/softmax_pool.h"
#include "kernels/softmax_pool/softmax_pool_ref.h"

namespace cardiograd::kernels {

// What the two specs share.
struct SoftmaxPoolSpec {
  using Shape = SoftmaxPoolShape;
  static constexpr const char* kGradientOf = "";
  static constexpr double kTolerance = 3e-6;

  static SoftmaxPoolShape sample(ShapeSampler& draw) {
    SoftmaxPoolShape s;
    s.batch = draw.size(1, 4);
    s.time = draw.size(1, 131);
    s.channels = draw.size(1, 97);
    return s;
  }
  // The leads of multibranch_cnn_standin.
  static std::vector<SoftmaxPoolShape> workload() { return {{.batch = 64 * 12, .time = 125, .channels = 64}}; }
  static std::string describe(const SoftmaxPoolShape& s) {
    return fmt::format("N{} T{} C{}", s.batch, s.time, s.channels);
  }
  static constexpr BufferSpec scores(const SoftmaxPoolShape& s, const char* name, Role role = Role::kInput) {
    return {name, {s.batch, s.time}, role};
  }
  static constexpr BufferSpec samples(const SoftmaxPoolShape& s, const char* name, Role role = Role::kInput) {
    return {name, {s.batch, s.time, s.channels}, role};
  }
  static constexpr BufferSpec means(const SoftmaxPoolShape& s, const char* name, Role role = Role::kInput) {
    return {name, {s.batch, s.channels}, role};
  }
  static double flop(const SoftmaxPoolShape& s, double per_value, double per_sample) {
    return static_cast<double>(s.batch * s.time) * (per_value * static_cast<double>(s.channels) + per_sample);
  }
};

struct SoftmaxPoolForward : SoftmaxPoolSpec {
  static constexpr const char* kName = "softmax_pool_forward";
  static constexpr std::vector<BufferSpec> buffers(const SoftmaxPoolShape& s) {
    return {scores(s, "z"), samples(s, "x"), scores(s, "w", Role::kOutput), means(s, "y", Role::kOutput)};
  }
  // Of a sample: a comparison (of the first none), a difference, an exponential of 20 operations, a sum, a division.
  static Cost cost(const SoftmaxPoolShape& s) {
    return {flop(s, 2, 24) - static_cast<double>(s.batch), least_bytes(buffers(s))};
  }
  static constexpr auto reference = [](auto... a) { softmax_pool_forward_ref(a...); };
  static constexpr auto cpu = softmax_pool_forward_cpu;
  static constexpr auto cuda = softmax_pool_forward_cuda;
};

struct SoftmaxPoolBackward : SoftmaxPoolSpec {
  static constexpr const char* kName = "softmax_pool_backward";
  static constexpr const char* kGradientOf = SoftmaxPoolForward::kName;
  static constexpr std::vector<BufferSpec> buffers(const SoftmaxPoolShape& s) {
    return {samples(s, "x"), scores(s, "w"), means(s, "dy"), scores(s, "dz", Role::kOutput),
            samples(s, "dx", Role::kOutput)};
  }
  static Cost cost(const SoftmaxPoolShape& s) { return {flop(s, 3, 4), least_bytes(buffers(s))}; }
  static constexpr auto reference = [](auto... a) { softmax_pool_backward_ref(a...); };
  static constexpr auto cpu = softmax_pool_backward_cpu;
  static constexpr auto cuda = softmax_pool_backward_cuda;
};

using SoftmaxPoolSpecs = SpecList<SoftmaxPoolForward, SoftmaxPoolBackward>;

}  // namespace cardiograd::kernels
