// The specs of batch_rows.h for the op table.
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>

#include "kernels/batch_rows/batch_rows.h"
#include "kernels/batch_rows/batch_rows_ref.h"
#include "kernels/kernel_spec.h"

namespace cardiograd::kernels {

struct BatchRowsForward {
  using Shape = BatchRowsShape;
  static constexpr const char* kName = "batch_rows_forward";
  static constexpr const char* kGradientOf = "";
  static constexpr double kTolerance = 0;  // copies

  static constexpr std::vector<BufferSpec> buffers(const Shape& s) {
    return {{"order", {s.records}, Role::kInput, DType::kInt32, Fill::kIndex, s.records},
            {"first", {1}, Role::kInput, DType::kInt32, Fill::kIndex, s.records - s.batch + 1},
            {"features", {s.records, s.width}},
            {"labels", {s.records, s.classes}, Role::kInput, DType::kFloat32, Fill::kBinary},
            {"rows", {s.batch}, Role::kOutput, DType::kInt32, Fill::kIndex, s.records},
            {"x", {s.batch, s.width}, Role::kOutput},
            {"y", {s.batch, s.classes}, Role::kOutput}};
  }
  // Of the tables only the rows of the batch are read.
  static Cost cost(const Shape& s) {
    Shape read = s;
    read.records = s.batch;
    return {0, least_bytes(buffers(read))};
  }
  static Shape sample(ShapeSampler& draw) {
    Shape s;
    s.batch = draw.size(1, 67);
    s.records = s.batch + draw.size(0, 40);
    s.width = draw.size(1, 65);
    s.classes = draw.size(1, 33);
    return s;
  }
  static std::vector<Shape> workload() { return {{.records = 2048, .batch = 64, .width = 29, .classes = 5}}; }
  static std::string describe(const Shape& s) {
    return fmt::format("N{} of {} F{} C{}", s.batch, s.records, s.width, s.classes);
  }
  static constexpr auto reference = [](auto... a) { batch_rows_forward_ref(a...); };
  static constexpr auto cpu = batch_rows_forward_cpu;
  static constexpr auto cuda = batch_rows_forward_cuda;
};

using BatchRowsSpecs = SpecList<BatchRowsForward>;

}  // namespace cardiograd::kernels
