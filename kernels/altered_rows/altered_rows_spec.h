// The specs of altered_rows.h for the op table.
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>

#include "kernels/altered_rows/altered_rows.h"
#include "kernels/altered_rows/altered_rows_ref.h"
#include "kernels/kernel_spec.h"

namespace cardiograd::kernels {

struct AlteredRowsForward {
  using Shape = AlteredRowsShape;
  static constexpr const char* kName = "altered_rows_forward";
  static constexpr const char* kGradientOf = "";
  static constexpr double kFlopFactor = 2;  // What is equal for all labels.
  static constexpr double kTolerance = 1e-6;

  static constexpr std::vector<BufferSpec> buffers(const Shape& s) {
    return {{"features", {s.records, s.width}},
            {"labels", {s.records, s.classes}, Role::kInput, DType::kFloat32, Fill::kBinary},
            {"first", {1}, Role::kInput, DType::kInt32, Fill::kIndex, s.places - s.batch + 1},
            {"records", {s.places}, Role::kInput, DType::kInt32, Fill::kIndex, s.records},
            {"others", {s.places}, Role::kInput, DType::kInt32, Fill::kIndex, s.records},
            {"fractions", {s.places}},
            {"x", {s.batch, s.width}, Role::kOutput},
            {"y", {s.batch, s.classes}, Role::kOutput}};
  }
  // Of the tables only the rows of the batch are read, of features and labels two for each place.
  static Cost cost(const Shape& s) {
    const auto features = static_cast<double>(s.batch * s.width), labels = static_cast<double>(s.batch * s.classes);
    return {3 * features + 5 * labels, 12 * (features + labels) + 12 * static_cast<double>(s.batch) + 4};
  }
  static Shape sample(ShapeSampler& draw) {
    Shape s;
    s.records = draw.size(1, 65);
    s.batch = draw.size(1, 67);
    s.places = s.batch + draw.size(0, 40);
    s.width = draw.size(1, 65);
    s.classes = draw.size(1, 33);
    s.smoothing = draw.coin() ? 0.1F : 0;
    return s;
  }
  static std::vector<Shape> workload() {
    return {{.records = 2048, .places = 2048, .batch = 64, .width = 29, .classes = 5}};
  }
  static std::string describe(const Shape& s) {
    return fmt::format("N{} of {} F{} C{} records{} smoothing{}", s.batch, s.places, s.width, s.classes, s.records,
                       s.smoothing);
  }
  static constexpr auto reference = [](auto... a) { altered_rows_forward_ref(a...); };
  static constexpr auto cpu = altered_rows_forward_cpu;
  static constexpr auto cuda = altered_rows_forward_cuda;
};

using AlteredRowsSpecs = SpecList<AlteredRowsForward>;

}  // namespace cardiograd::kernels
