// The specs of attention.h for the op table.
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>

#include "kernels/attention/attention.h"
#include "kernels/attention/attention_ref.h"
#include "kernels/kernel_spec.h"

namespace cardiograd::kernels {

struct AttentionSpec {
  using Shape = AttentionShape;
  static constexpr const char* kGradientOf = "";
  static constexpr double kTolerance = 3e-6;
  static constexpr double kFlopFactor = 1.5;  // The softmax is left out.

  // products: matrix products of T x T x D per head.
  static Cost cost_of(const AttentionShape& s, double products, const std::vector<BufferSpec>& buffers) {
    return {products * 2 * static_cast<double>(s.batch * s.heads) * static_cast<double>(s.time * s.time * s.width),
            least_bytes(buffers)};
  }
  static AttentionShape sample(ShapeSampler& draw) {
    return {.batch = draw.size(1, 3),
            .time = draw.size(1, 150),
            .heads = draw.size(1, 3),
            .width = draw.size(1, 40),
            .dropout = {.probability = draw.coin() ? 0.0F : 0.2F, .seed = 7, .layer = 2, .step = 11}};
  }
  // Heads so wide that the products are most of the work.
  static AttentionShape flop_sample(ShapeSampler& draw) {
    AttentionShape s = sample(draw);
    s.width = draw.size(24, 40);
    return s;
  }
  static std::vector<AttentionShape> workload() {
    return {{.batch = 64, .time = 125, .heads = 8, .width = 32, .dropout = {.probability = 0.1F}}};
  }
  static std::string describe(const AttentionShape& s) {
    return fmt::format("N{} T{} H{} D{} p{}", s.batch, s.time, s.heads, s.width, s.dropout.probability);
  }
  static constexpr std::vector<std::int64_t> qkv_dims(const AttentionShape& s) {
    return {s.batch, s.time, 3, s.heads, s.width};
  }
  static constexpr std::vector<std::int64_t> y_dims(const AttentionShape& s) {
    return {s.batch, s.time, s.heads, s.width};
  }
};

struct AttentionForward : AttentionSpec {
  static constexpr const char* kName = "attention_forward";
  static constexpr std::vector<BufferSpec> buffers(const AttentionShape& s) {
    return {{"qkv", qkv_dims(s)}, {"y", y_dims(s), Role::kOutput}, {"lse", {s.batch, s.heads, s.time}, Role::kOutput}};
  }
  static Cost cost(const AttentionShape& s) { return cost_of(s, 2, buffers(s)); }
  static constexpr auto reference = [](auto... a) { attention_forward_ref(a...); };
  static constexpr auto cpu = attention_forward_cpu;
  static constexpr auto cuda = attention_forward_cuda;
};

struct AttentionBackward : AttentionSpec {
  static constexpr const char* kName = "attention_backward";
  static int launches(const AttentionShape&) { return 3; }
  static constexpr const char* kGradientOf = AttentionForward::kName;
  static constexpr std::vector<BufferSpec> buffers(const AttentionShape& s) {
    return {{"qkv", qkv_dims(s)},
            {"y", y_dims(s)},
            {"lse", {s.batch, s.heads, s.time}},
            {"dy", y_dims(s)},
            {"dqkv", qkv_dims(s), Role::kOutput}};
  }
  static Cost cost(const AttentionShape& s) { return cost_of(s, 5, buffers(s)); }
  static constexpr auto reference = [](auto... a) { attention_backward_ref(a...); };
  static constexpr auto cpu = attention_backward_cpu;
  static constexpr auto cuda = attention_backward_cuda;
};

using AttentionSpecs = SpecList<AttentionForward, AttentionBackward>;

}  // namespace cardiograd::kernels
