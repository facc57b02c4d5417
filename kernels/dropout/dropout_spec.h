// Dropout: y[i] = x[i] / (1 - p) with probability 1 - p, else 0. The mask is a function of the element's index, the
// layer, the step and the seed (dropout_shape.h); it is never stored.
//
//   x, y (count)      dropout_forward  y = mask * x      dropout_backward  dx = mask * dy, with the same mask
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>

#include "kernels/dropout/dropout_cuda.h"
#include "kernels/dropout/dropout_ref.h"
#include "kernels/dropout/dropout_shape.h"
#include "kernels/kernel_spec.h"

namespace cardiograd::kernels {

// Both directions: y[i] = x[i] * mask[i]. x and y may be the same buffer.
void dropout_cpu(const DropoutShape& s, const float* x, float* y);

// The factors 0 or 1 / (1 - p) of elements first ... first + count - 1, on the calling thread. The result lies in
// thread-local scratch memory and holds until the thread's next call.
const float* dropout_factors_cpu(const DropoutKey& key, std::int64_t first, std::int64_t count);

struct DropoutSpec {
  using Shape = DropoutShape;
  static constexpr const char* kGradientOf = "";
  static constexpr double kTolerance = 1e-7;

  static DropoutShape sample(ShapeSampler& draw) {
    return {draw.size(1, 20000),
            {.probability = draw.coin() ? 0.1F : 0.7F,
             .seed = static_cast<std::uint64_t>(draw.size(0, 1000)) << 30,
             .layer = static_cast<std::uint32_t>(draw.size(0, 9)),
             .step = static_cast<std::uint32_t>(draw.size(0, 999))}};
  }
  static std::vector<DropoutShape> workload() {
    return {{8000 * 512, {.probability = 0.1F}}, {8000 * 256, {.probability = 0.1F}}};
  }
  static std::string describe(const DropoutShape& s) {
    return fmt::format("{} p{} seed {} layer {} step {}", s.count, s.key.probability, s.key.seed, s.key.layer,
                       s.key.step);
  }
};

struct DropoutForward : DropoutSpec {
  static constexpr const char* kName = "dropout_forward";
  static constexpr std::vector<BufferSpec> buffers(const DropoutShape& s) {
    return {{"x", {s.count}}, {"y", {s.count}, Role::kOutput}};
  }
  static Cost cost(const DropoutShape& s) { return {static_cast<double>(s.count), least_bytes(buffers(s))}; }
  static constexpr auto reference = [](auto... a) { dropout_ref(a...); };
  static constexpr auto cpu = dropout_cpu;
  static constexpr auto cuda = dropout_cuda;
};

struct DropoutBackward : DropoutForward {
  static constexpr const char* kName = "dropout_backward";
  static constexpr const char* kGradientOf = DropoutForward::kName;
  static constexpr std::vector<BufferSpec> buffers(const DropoutShape& s) {
    return {{"dy", {s.count}}, {"dx", {s.count}, Role::kOutput}};
  }
};

}  // namespace cardiograd::kernels
