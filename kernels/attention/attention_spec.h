// The specs of attention.h for the op table.
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>

#include "kernels/attention/attention.h"
#include "kernels/attention/attention_ref.h"
#include "kernels/attention/ladder/attention_ladder.h"
#include "kernels/kernel_spec.h"

namespace cardiograd::kernels {

struct AttentionSpec {
  using Shape = AttentionShape;
  static constexpr const char* kGradientOf = "";
  static constexpr double kTolerance = 3e-6;
  // With rounded factors, a weight's last bits decide to which side it is rounded, and kernels that walk over tiles of
  // keys round weights relative to another maximum than the reference.
  static constexpr double tolerance(const AttentionShape& s) {
    return s.precision == Precision::kFp32 ? kTolerance : s.precision == Precision::kTf32 ? 4e-4 : 3e-3;
  }

  // Per head: `pair` for each query and key, `query` for each query.
  static Cost cost_of(const AttentionShape& s, double pair, double query, const std::vector<BufferSpec>& buffers) {
    const auto time = static_cast<double>(s.time);
    return {static_cast<double>(s.batch * s.heads) * time * (time * pair + query), least_bytes(buffers)};
  }
  static AttentionShape sample(ShapeSampler& draw) {
    return {.batch = draw.size(1, 3),
            .time = draw.size(1, 150),
            .heads = draw.size(1, 3),
            .width = draw.size(1, 40),
            .dropout = {.probability = draw.coin() ? 0.0F : 0.2F, .seed = 7, .layer = 2, .step = 11},
            .precision = draw.precision()};
  }
  static std::vector<AttentionShape> workload() {
    return {{.batch = 64, .time = 125, .heads = 8, .width = 32, .dropout = {.probability = 0.1F}}};
  }
  static std::string describe(const AttentionShape& s) {
    return fmt::format("N{} T{} H{} D{} p{}{}", s.batch, s.time, s.heads, s.width, s.dropout.probability,
                       precision_suffix(s.precision));
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
  // Of the softmax: scale, compare, subtract, exp (20), add for each pair; log (20), add, division by the sum for each
  // query.
  static Cost cost(const AttentionShape& s) {
    const auto width = static_cast<double>(s.width);
    return cost_of(s, 4 * width + 24, width + 21, buffers(s));
  }
  static constexpr auto reference = [](auto... a) { attention_forward_ref(a...); };
  static constexpr auto cpu = attention_forward_cpu;
  static constexpr auto cuda = attention_forward_cuda;
  static constexpr auto path = attention_forward_path;
  static constexpr KernelVariant<decltype(cuda)> cuda_variants[] = {{"matrix", attention_forward_matrix},
                                                                    {"online", attention_forward_online},
                                                                    {"row_tile", attention_forward_row_tile},
                                                                    {"tile", attention_forward_tile},
                                                                    {"ffma", attention_forward_ffma}};
};

struct AttentionBackward : AttentionSpec {
  static constexpr const char* kName = "attention_backward";
  // One kernel up to the head width of attention_backward_path's "mma" and "ffma", three on its "tile".
  static int launches(const AttentionShape& s) {
    return s.width <= (s.precision == Precision::kFp32 ? 32 : 64) ? 1 : 3;
  }
  static constexpr const char* kGradientOf = AttentionForward::kName;
  static constexpr std::vector<BufferSpec> buffers(const AttentionShape& s) {
    return {{"qkv", qkv_dims(s)},
            {"y", y_dims(s)},
            {"lse", {s.batch, s.heads, s.time}},
            {"dy", y_dims(s)},
            {"dqkv", qkv_dims(s), Role::kOutput}};
  }
  // Of a pair, beside five products: scale, subtract, exp (20); mask; dS in three, and its scale.
  static Cost cost(const AttentionShape& s) {
    const auto width = static_cast<double>(s.width);
    return cost_of(s, 10 * width + 27, 2 * width, buffers(s));
  }
  static constexpr auto reference = [](auto... a) { attention_backward_ref(a...); };
  static constexpr auto cpu = attention_backward_cpu;
  static constexpr auto cuda = attention_backward_cuda;
  static constexpr auto path = attention_backward_path;
  static constexpr KernelVariant<decltype(cuda)> cuda_variants[] = {{"tile", attention_backward_tile}};
};

using AttentionSpecs = SpecList<AttentionForward, AttentionBackward>;

}  // namespace cardiograd::kernels
