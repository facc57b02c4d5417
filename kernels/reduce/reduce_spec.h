// The specs of reduce.h for the op table.
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>

#include "kernels/kernel_spec.h"
#include "kernels/reduce/reduce.h"
#include "kernels/reduce/reduce_ref.h"

namespace cardiograd::kernels {

// What the two specs of the mean share.
struct MeanTimeSpec {
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

struct MeanTimeForward : MeanTimeSpec {
  static constexpr const char* kName = "mean_time_forward";
  static constexpr double kFlopFactor = 1.1;  // The division.
  static constexpr std::vector<BufferSpec> buffers(const MeanTimeShape& s) {
    return {{"x", {s.batch, s.time, s.channels}}, {"y", {s.batch, s.channels}, Role::kOutput}};
  }
  static Cost cost(const MeanTimeShape& s) {
    return {static_cast<double>(s.batch * s.time * s.channels), least_bytes(buffers(s))};
  }
  static constexpr auto reference = [](auto... a) { mean_time_forward_ref(a...); };
  static constexpr auto cpu = mean_time_forward_cpu;
  static constexpr auto cuda = mean_time_forward_cuda;
};

struct MeanTimeBackward : MeanTimeSpec {
  static constexpr const char* kName = "mean_time_backward";
  static constexpr const char* kGradientOf = MeanTimeForward::kName;
  static constexpr std::vector<BufferSpec> buffers(const MeanTimeShape& s) {
    return {{"dy", {s.batch, s.channels}}, {"dx", {s.batch, s.time, s.channels}, Role::kOutput}};
  }
  static Cost cost(const MeanTimeShape& s) {
    return {static_cast<double>(s.batch * s.channels), least_bytes(buffers(s))};
  }
  static constexpr auto reference = [](auto... a) { mean_time_backward_ref(a...); };
  static constexpr auto cpu = mean_time_backward_cpu;
  static constexpr auto cuda = mean_time_backward_cuda;
};

struct SquaredNormForward {
  using Shape = SquaredNormShape;
  static constexpr const char* kName = "squared_norm_forward";
  static constexpr const char* kGradientOf = "";
  static constexpr double kTolerance = 1e-6;

  static constexpr std::vector<BufferSpec> buffers(const SquaredNormShape& s) {
    return {{"x", {s.count}}, {"y", {1}, Role::kOutput}};
  }
  static Cost cost(const SquaredNormShape& s) { return {2 * static_cast<double>(s.count), least_bytes(buffers(s))}; }
  static SquaredNormShape sample(ShapeSampler& draw) {
    return {draw.size(1, 513) * (draw.coin() ? 1 : draw.size(1, 193))};
  }
  // All parameters of the model.
  static std::vector<SquaredNormShape> workload() { return {{1'248'261}}; }
  static std::string describe(const SquaredNormShape& s) { return fmt::format("{}", s.count); }
  static constexpr auto reference = [](auto... a) { squared_norm_forward_ref(a...); };
  static constexpr auto cpu = squared_norm_forward_cpu;
  static constexpr auto cuda = squared_norm_forward_cuda;
};

struct ScaleForward {
  using Shape = ScaleShape;
  static constexpr const char* kName = "scale_forward";
  static constexpr const char* kGradientOf = "";
  static constexpr double kTolerance = 1e-6;

  static constexpr std::vector<BufferSpec> buffers(const ScaleShape& s) { return {{"x", {s.count}, Role::kUpdate}}; }
  static Cost cost(const ScaleShape& s) { return {static_cast<double>(s.count), least_bytes(buffers(s))}; }
  static ScaleShape sample(ShapeSampler& draw) {
    return {draw.size(1, 513) * (draw.coin() ? 1 : draw.size(1, 97)), draw.coin() ? 0.3F : -1.7F};
  }
  static std::vector<ScaleShape> workload() { return {{1'248'261, 0.5F}}; }
  static std::string describe(const ScaleShape& s) { return fmt::format("{} by {}", s.count, s.factor); }
  static constexpr auto reference = [](auto... a) { scale_forward_ref(a...); };
  static constexpr auto cpu = scale_forward_cpu;
  static constexpr auto cuda = scale_forward_cuda;
};

using ReduceSpecs = SpecList<MeanTimeForward, MeanTimeBackward, SquaredNormForward, ScaleForward>;

}  // namespace cardiograd::kernels
