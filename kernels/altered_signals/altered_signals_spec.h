// The specs of altered_signals.h for the op table.
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>

#include "kernels/altered_signals/altered_signals.h"
#include "kernels/altered_signals/altered_signals_ref.h"
#include "kernels/kernel_spec.h"

namespace cardiograd::kernels {

struct AlteredSignalsForward {
  using Shape = AlteredSignalsShape;
  static constexpr const char* kName = "altered_signals_forward";
  static constexpr const char* kGradientOf = "";
  static constexpr double kFlopFactor = 3;  // Silent stretches.
  static constexpr double kTolerance = 1e-6;

  static constexpr std::vector<BufferSpec> buffers(const Shape& s) {
    const auto table = [&](std::string_view name, std::int64_t bound) {
      return BufferSpec{name, {s.places}, Role::kInput, DType::kInt32, Fill::kIndex, bound};
    };
    return {{"signals", {s.records, s.time, s.channels}, Role::kInput, DType::kInt16},
            {"scales", {s.records, s.channels}, Role::kInput, DType::kFloat32, Fill::kPositive},
            {"mean", {s.channels}},
            {"inverse_sd", {s.channels}, Role::kInput, DType::kFloat32, Fill::kPositive},
            {"first", {1}, Role::kInput, DType::kInt32, Fill::kIndex, s.places - s.batch + 1},
            table("records", s.records),
            table("starts", s.time - s.samples + 1),
            table("others", s.records),
            table("other_starts", s.time - s.samples + 1),
            {"fractions", {s.places}},
            table("silent_first", s.samples + 1),
            table("silent_count", s.samples + 1),
            {"gains", {s.places, s.channels}},
            {"x", {s.batch, s.samples, s.channels}, Role::kOutput}};
  }
  // Of the records two for each place of the batch are read, as far as the crop goes; of the tables the batch's rows.
  static Cost cost(const Shape& s) {
    const auto values = static_cast<double>(s.batch * s.samples * s.channels);
    const auto per_place = static_cast<double>(s.batch) * (9 * 4 + 3 * 4 * static_cast<double>(s.channels));
    return {7 * values, values * (2 * 2 + 4) + per_place + 8 * static_cast<double>(s.channels)};
  }
  static Shape sample(ShapeSampler& draw) {
    Shape s;
    s.records = draw.size(1, 17);
    s.batch = draw.size(1, 13);
    s.places = s.batch + draw.size(0, 9);
    s.samples = draw.size(1, 129);
    s.time = s.samples + draw.size(0, 33);
    s.channels = draw.size(1, 17);
    return s;
  }
  static std::vector<Shape> workload() {
    return {{.records = 2048, .places = 2048, .batch = 64, .time = 1000, .samples = 250, .channels = 12}};
  }
  static std::string describe(const Shape& s) {
    return fmt::format("N{} of {} T{} of {} C{} records{}", s.batch, s.places, s.samples, s.time, s.channels,
                       s.records);
  }
  static constexpr auto reference = [](auto... a) { altered_signals_forward_ref(a...); };
  static constexpr auto cpu = altered_signals_forward_cpu;
  static constexpr auto cuda = altered_signals_forward_cuda;
};

using AlteredSignalsSpecs = SpecList<AlteredSignalsForward>;

}  // namespace cardiograd::kernels
