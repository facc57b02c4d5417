// Every kernel of the project in one table, made from the lists at the end of the *_spec.h. Tests, gradient checks,
// benchmarks and the roofline are loops over it. docs/add-an-operation.md walks through adding an operation.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <typeinfo>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/precision.h"
#include "kernels/common/device_code.h"
#include "kernels/kernel_spec.h"
#include "kernels/shape_text.h"

namespace cardiograd::kernels {

// kCuda: the GPU's default stream, on device pointers; only where kHasDeviceCode.
enum class Implementation { kReference64, kReference32, kCpu, kCuda };

// A KernelVariant with a shape bound to it; on the GPU's default stream, on device pointers.
struct BoundVariant {
  std::string name;
  std::function<void(void* const*)> run;
  double tolerance = 0;  // where the operation's is less
};

// A spec with one shape bound to it.
struct OpCase {
  std::string shape;
  // The whole-number fields of the shape (shape_text.h) with their values.
  std::vector<std::pair<std::string, std::int64_t>> fields;
  std::vector<BufferSpec> buffers;
  Cost cost;
  double tolerance = 0;  // Spec::kTolerance, or what Spec::tolerance says of this shape
  // Pointers in the order of `buffers`; float32 buffers are double in kReference64.
  std::function<void(Implementation, void* const*)> run;
  int launches = 1;                         // of the CUDA version
  std::vector<BoundVariant> cuda_variants;  // none where kHasDeviceCode is false
  std::string path;                         // Spec::path; empty without one and where kHasDeviceCode is false
  std::shared_ptr<const void> value;        // the shape itself, of the type that Op::shape_type names
  // The same shape with the fields changed that the text names (shape_text.h).
  std::function<OpCase(const std::string& fields)> with;
};

// A spec (kernel_spec.h) without its types: one row of the table.
struct Op {
  std::string name;
  std::string gradient_of;
  std::function<OpCase(std::uint64_t seed)> sample;
  // sample() in fp32, as what rounds its factors has steps instead of a gradient, and with nothing behind the product.
  std::function<OpCase(std::uint64_t seed)> gradient_sample;
  std::function<std::vector<OpCase>()> workload;
  const std::type_info* shape_type = nullptr;
  // `shape` points to a shape of this type.
  std::function<OpCase(const void* shape)> bind;
  // The workload with the fields of its shapes changed that the text names (shape_text.h).
  std::function<std::vector<OpCase>(const std::string& fields)> workload_with;
};

// The spec's CUDA variants with `shape` bound to them; none in a build without device code.
template <KernelSpec Spec>
std::vector<BoundVariant> bind_variants(const typename Spec::Shape& shape) {
  std::vector<BoundVariant> bound;
  if constexpr (kHasDeviceCode && requires { Spec::cuda_variants; }) {
    for (const auto& variant : Spec::cuda_variants) {
      double tolerance = 0;
      if constexpr (requires { shape.precision; })
        if (variant.is_library) tolerance = library_tolerance(shape.precision);
      bound.push_back({variant.name,
                       [shape, run = variant.run](void* const* pointers) {
                         SignatureOf<decltype(run)>::template call<float>(run, shape, pointers);
                       },
                       tolerance});
    }
  }
  return bound;
}

// What the spec states, or 1.
template <KernelSpec Spec>
int launches_of(const typename Spec::Shape& shape) {
  if constexpr (requires { Spec::launches(shape); })
    return Spec::launches(shape);
  else
    return 1;
}

// Which kernels the CUDA launcher takes for this shape; empty where the spec or the build does not say.
template <KernelSpec Spec>
std::string path_of([[maybe_unused]] const typename Spec::Shape& shape) {
  if constexpr (kHasDeviceCode && requires { Spec::path(shape); }) return Spec::path(shape);
  return "";
}

// Runs one implementation on `pointers`, as OpCase::run. Throws Error for kCuda in a build without device code.
template <KernelSpec Spec>
void run_implementation(Implementation implementation, const typename Spec::Shape& shape, void* const* pointers) {
  using Host = SignatureOf<decltype(Spec::cpu)>;
  using Device = SignatureOf<decltype(Spec::cuda)>;
  switch (implementation) {
    case Implementation::kReference64:
      Host::template call<double>(Spec::reference, shape, pointers);
      break;
    case Implementation::kReference32:
      Host::template call<float>(Spec::reference, shape, pointers);
      break;
    case Implementation::kCpu:
      Host::template call<float>(Spec::cpu, shape, pointers);
      break;
    case Implementation::kCuda:
      if constexpr (kHasDeviceCode)
        Device::template call<float>(Spec::cuda, shape, pointers);
      else
        throw Error(std::string(Spec::kName) + ": this build has no CUDA kernels", "build the preset cuda or simt");
      break;
  }
}

// The spec with `shape` bound to it.
template <KernelSpec Spec>
OpCase bind_case(const typename Spec::Shape& shape) {
  check_signature<Spec, decltype(Spec::cpu)>();
  check_signature<Spec, decltype(Spec::cuda)>();
  double tolerance = Spec::kTolerance;
  if constexpr (requires { Spec::tolerance(shape); }) tolerance = Spec::tolerance(shape);
  return {Spec::describe(shape),
          shape_fields(shape),
          Spec::buffers(shape),
          Spec::cost(shape),
          tolerance,
          [shape](Implementation implementation, void* const* pointers) {
            run_implementation<Spec>(implementation, shape, pointers);
          },
          launches_of<Spec>(shape),
          bind_variants<Spec>(shape),
          path_of<Spec>(shape),
          std::make_shared<const typename Spec::Shape>(shape),
          [shape](const std::string& fields) {
            auto changed = shape;
            set_shape_fields(changed, fields);
            return bind_case<Spec>(changed);
          }};
}

// The table's row of a spec.
template <KernelSpec Spec>
Op make_op() {
  return {Spec::kName,
          Spec::kGradientOf,
          [](std::uint64_t seed) {
            ShapeSampler sampler(seed);
            return bind_case<Spec>(Spec::sample(sampler));
          },
          [](std::uint64_t seed) {
            ShapeSampler sampler(seed);
            auto shape = Spec::sample(sampler);
            if constexpr (requires { shape.precision; }) shape.precision = Precision::kFp32;
            if constexpr (requires { shape.relu; }) shape.relu = false;
            if constexpr (requires { shape.without_epilogue(); }) shape = shape.without_epilogue();
            if constexpr (requires { shape.bias_gradient; }) shape.bias_gradient = true;
            return bind_case<Spec>(shape);
          },
          [] {
            std::vector<OpCase> cases;
            for (const auto& shape : Spec::workload()) cases.push_back(bind_case<Spec>(shape));
            return cases;
          },
          &typeid(typename Spec::Shape),
          [](const void* shape) { return bind_case<Spec>(*static_cast<const typename Spec::Shape*>(shape)); },
          [](const std::string& fields) {
            std::vector<OpCase> cases;
            for (auto shape : Spec::workload()) {
              set_shape_fields(shape, fields);
              cases.push_back(bind_case<Spec>(shape));
            }
            return cases;
          }};
}

// All operations.
const std::vector<Op>& op_table();

// The operation with this name, nullptr when there is none.
const Op* find_op(std::string_view name);

}  // namespace cardiograd::kernels
