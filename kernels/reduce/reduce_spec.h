// The mean over time that ends the encoder, and the two halves of clipping gradients by their norm.
//
//   mean_time_forward      y[n, c]  = sum over t of x[n, t, c] / T         x  (N, T, C)    y  (N, C)
//   mean_time_backward     dx[n, t, c] = dy[n, c] / T
//   squared_norm_forward   y[0]     = sum over i of x[i]^2                 x  (count)      y  (1)
//   scale_forward          x[i]     = factor * x[i], in place              x  (count)
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>

#include "kernels/op_table.h"
#include "kernels/reduce/reduce_cuda.h"
#include "kernels/reduce/reduce_ref.h"
#include "kernels/reduce/reduce_shape.h"

namespace cardiograd::kernels {

void mean_time_forward_cpu(const MeanTimeShape& s, const float* x, float* y);
void mean_time_backward_cpu(const MeanTimeShape& s, const float* dy, float* dx);
void squared_norm_forward_cpu(const SquaredNormShape& s, const float* x, float* y);
void scale_forward_cpu(const ScaleShape& s, float* x);

// What the two rows of the mean share.
struct MeanTimeRow {
  using Shape = MeanTimeShape;
  static constexpr const char* kGradientOf = "";
  static constexpr double kTolerance = 1e-6;

  static MeanTimeShape sample(ShapeSampler& draw) {
    MeanTimeShape s;
    s.batch = draw.size(1, 7);
    s.time = draw.size(1, 129);
    s.channels = draw.size(1, 97);
    return s;
  }
  static std::vector<MeanTimeShape> workload() { return {{.batch = 64, .time = 125, .channels = 256}}; }
  static std::string describe(const MeanTimeShape& s) {
    return fmt::format("N{} T{} C{}", s.batch, s.time, s.channels);
  }
};

struct MeanTimeForward : MeanTimeRow {
  static constexpr const char* kName = "mean_time_forward";
  static std::vector<BufferSpec> buffers(const MeanTimeShape& s) {
    return {{"x", {s.batch, s.time, s.channels}}, {"y", {s.batch, s.channels}, Role::kOutput}};
  }
  static Cost cost(const MeanTimeShape& s) {
    return {static_cast<double>(s.batch * s.time * s.channels), least_bytes(buffers(s))};
  }
  template <class Real>
  static void reference(const MeanTimeShape& s, const Buffers<Real>& at) {
    mean_time_forward_ref(s, at.real(0), at.real(1));
  }
  static void cpu(const MeanTimeShape& s, const Buffers<float>& at) {
    mean_time_forward_cpu(s, at.real(0), at.real(1));
  }
  static void cuda(const MeanTimeShape& s, const Buffers<float>& at, Stream stream) {
    mean_time_forward_cuda(s, at.real(0), at.real(1), stream);
  }
};

struct MeanTimeBackward : MeanTimeRow {
  static constexpr const char* kName = "mean_time_backward";
  static constexpr const char* kGradientOf = MeanTimeForward::kName;
  static std::vector<BufferSpec> buffers(const MeanTimeShape& s) {
    return {{"dy", {s.batch, s.channels}}, {"dx", {s.batch, s.time, s.channels}, Role::kOutput}};
  }
  static Cost cost(const MeanTimeShape& s) {
    return {static_cast<double>(s.batch * s.channels), least_bytes(buffers(s))};
  }
  template <class Real>
  static void reference(const MeanTimeShape& s, const Buffers<Real>& at) {
    mean_time_backward_ref(s, at.real(0), at.real(1));
  }
  static void cpu(const MeanTimeShape& s, const Buffers<float>& at) {
    mean_time_backward_cpu(s, at.real(0), at.real(1));
  }
  static void cuda(const MeanTimeShape& s, const Buffers<float>& at, Stream stream) {
    mean_time_backward_cuda(s, at.real(0), at.real(1), stream);
  }
};

struct SquaredNormForward {
  using Shape = SquaredNormShape;
  static constexpr const char* kName = "squared_norm_forward";
  static constexpr const char* kGradientOf = "";
  static constexpr double kTolerance = 1e-6;

  static std::vector<BufferSpec> buffers(const SquaredNormShape& s) {
    return {{"x", {s.count}}, {"y", {1}, Role::kOutput}};
  }
  static Cost cost(const SquaredNormShape& s) { return {2 * static_cast<double>(s.count), least_bytes(buffers(s))}; }
  static SquaredNormShape sample(ShapeSampler& draw) {
    return {draw.size(1, 513) * (draw.coin() ? 1 : draw.size(1, 193))};
  }
  // All parameters of the model.
  static std::vector<SquaredNormShape> workload() { return {{1'248'261}}; }
  static std::string describe(const SquaredNormShape& s) { return fmt::format("{}", s.count); }
  template <class Real>
  static void reference(const SquaredNormShape& s, const Buffers<Real>& at) {
    squared_norm_forward_ref(s, at.real(0), at.real(1));
  }
  static void cpu(const SquaredNormShape& s, const Buffers<float>& at) {
    squared_norm_forward_cpu(s, at.real(0), at.real(1));
  }
  static void cuda(const SquaredNormShape& s, const Buffers<float>& at, Stream stream) {
    squared_norm_forward_cuda(s, at.real(0), at.real(1), stream);
  }
};

struct ScaleForward {
  using Shape = ScaleShape;
  static constexpr const char* kName = "scale_forward";
  static constexpr const char* kGradientOf = "";
  static constexpr double kTolerance = 1e-6;

  static std::vector<BufferSpec> buffers(const ScaleShape& s) { return {{"x", {s.count}, Role::kUpdate}}; }
  static Cost cost(const ScaleShape& s) { return {static_cast<double>(s.count), least_bytes(buffers(s))}; }
  static ScaleShape sample(ShapeSampler& draw) {
    return {draw.size(1, 513) * (draw.coin() ? 1 : draw.size(1, 97)), draw.coin() ? 0.3F : -1.7F};
  }
  static std::vector<ScaleShape> workload() { return {{1'248'261, 0.5F}}; }
  static std::string describe(const ScaleShape& s) { return fmt::format("{} by {}", s.count, s.factor); }
  template <class Real>
  static void reference(const ScaleShape& s, const Buffers<Real>& at) {
    scale_forward_ref(s, at.real(0));
  }
  static void cpu(const ScaleShape& s, const Buffers<float>& at) { scale_forward_cpu(s, at.real(0)); }
  static void cuda(const ScaleShape& s, const Buffers<float>& at, Stream stream) {
    scale_forward_cuda(s, at.real(0), stream);
  }
};

}  // namespace cardiograd::kernels
