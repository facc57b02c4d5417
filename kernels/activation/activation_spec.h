// Activations, element by element.
//
//   relu(x) = max(x, 0)        gelu(x) = x * Phi(x),  Phi(x) = (1 + erf(x / sqrt 2)) / 2, the exact form
//
//   x, y  (count)
//
//   relu_forward    y  =        relu_backward   dx = dy where y > 0, 0 elsewhere: needs the output only
//   gelu_forward    y  =        gelu_backward   dx = dy * (Phi(x) + x * phi(x)),  phi the normal density
//
// NaN stays NaN.
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>

#include "kernels/activation/activation_cuda.h"
#include "kernels/activation/activation_ref.h"
#include "kernels/activation/activation_shape.h"
#include "kernels/op_table.h"

namespace cardiograd::kernels {

void relu_forward_cpu(const ActivationShape& s, const float* x, float* y);
void relu_backward_cpu(const ActivationShape& s, const float* y, const float* dy, float* dx);
void gelu_forward_cpu(const ActivationShape& s, const float* x, float* y);
void gelu_backward_cpu(const ActivationShape& s, const float* x, const float* dy, float* dx);

// What the four rows share.
struct ActivationRow {
  using Shape = ActivationShape;
  static constexpr const char* kGradientOf = "";
  static constexpr double kTolerance = 1e-6;

  static Cost cost_of(const ActivationShape& s, double flop_per_element, const std::vector<BufferSpec>& buffers) {
    return {flop_per_element * static_cast<double>(s.count), least_bytes(buffers)};
  }
  // Sometimes more than one task has work.
  static ActivationShape sample(ShapeSampler& draw) {
    return {draw.size(1, 513) * (draw.coin() ? 1 : draw.size(1, 129))};
  }
  // The feed-forward layer of the encoder and the head.
  static std::vector<ActivationShape> workload() { return {{8000 * 512}, {64 * 128}}; }
  static std::string describe(const ActivationShape& s) { return fmt::format("{}", s.count); }
  static BufferSpec flat(const ActivationShape& s, const char* name, Role role = Role::kInput) {
    return {name, {s.count}, role};
  }
};

struct ReluForward : ActivationRow {
  static constexpr const char* kName = "relu_forward";
  static std::vector<BufferSpec> buffers(const ActivationShape& s) {
    return {flat(s, "x"), flat(s, "y", Role::kOutput)};
  }
  static Cost cost(const ActivationShape& s) { return cost_of(s, 1, buffers(s)); }
  template <class Real>
  static void reference(const ActivationShape& s, const Buffers<Real>& at) {
    relu_forward_ref(s, at.real(0), at.real(1));
  }
  static void cpu(const ActivationShape& s, const Buffers<float>& at) { relu_forward_cpu(s, at.real(0), at.real(1)); }
  static void cuda(const ActivationShape& s, const Buffers<float>& at, Stream stream) {
    relu_forward_cuda(s, at.real(0), at.real(1), stream);
  }
};

struct ReluBackward : ActivationRow {
  static constexpr const char* kName = "relu_backward";
  static constexpr const char* kGradientOf = ReluForward::kName;
  static std::vector<BufferSpec> buffers(const ActivationShape& s) {
    return {flat(s, "y"), flat(s, "dy"), flat(s, "dx", Role::kOutput)};
  }
  static Cost cost(const ActivationShape& s) { return cost_of(s, 1, buffers(s)); }
  template <class Real>
  static void reference(const ActivationShape& s, const Buffers<Real>& at) {
    relu_backward_ref(s, at.real(0), at.real(1), at.real(2));
  }
  static void cpu(const ActivationShape& s, const Buffers<float>& at) {
    relu_backward_cpu(s, at.real(0), at.real(1), at.real(2));
  }
  static void cuda(const ActivationShape& s, const Buffers<float>& at, Stream stream) {
    relu_backward_cuda(s, at.real(0), at.real(1), at.real(2), stream);
  }
};

struct GeluForward : ActivationRow {
  static constexpr const char* kName = "gelu_forward";
  static std::vector<BufferSpec> buffers(const ActivationShape& s) {
    return {flat(s, "x"), flat(s, "y", Role::kOutput)};
  }
  static Cost cost(const ActivationShape& s) { return cost_of(s, 45, buffers(s)); }
  template <class Real>
  static void reference(const ActivationShape& s, const Buffers<Real>& at) {
    gelu_forward_ref(s, at.real(0), at.real(1));
  }
  static void cpu(const ActivationShape& s, const Buffers<float>& at) { gelu_forward_cpu(s, at.real(0), at.real(1)); }
  static void cuda(const ActivationShape& s, const Buffers<float>& at, Stream stream) {
    gelu_forward_cuda(s, at.real(0), at.real(1), stream);
  }
};

struct GeluBackward : ActivationRow {
  static constexpr const char* kName = "gelu_backward";
  static constexpr const char* kGradientOf = GeluForward::kName;
  static std::vector<BufferSpec> buffers(const ActivationShape& s) {
    return {flat(s, "x"), flat(s, "dy"), flat(s, "dx", Role::kOutput)};
  }
  static Cost cost(const ActivationShape& s) { return cost_of(s, 48, buffers(s)); }
  template <class Real>
  static void reference(const ActivationShape& s, const Buffers<Real>& at) {
    gelu_backward_ref(s, at.real(0), at.real(1), at.real(2));
  }
  static void cpu(const ActivationShape& s, const Buffers<float>& at) {
    gelu_backward_cpu(s, at.real(0), at.real(1), at.real(2));
  }
  static void cuda(const ActivationShape& s, const Buffers<float>& at, Stream stream) {
    gelu_backward_cuda(s, at.real(0), at.real(1), at.real(2), stream);
  }
};

}  // namespace cardiograd::kernels
