// What the project knows about every kernel, in one table: its buffers, its cost, shapes to try it on, how exact it
// must be, and its implementations. Tests, gradient checks, benchmarks and the roofline are loops over this table.
//
// To add an operation: make a folder kernels/<op>/ with <op>_op.h (shape, mathematics, rows), <op>_ref.h (plain loops),
// <op>_cpu.cpp, and add its rows to the list in op_table.cpp. docs/add-an-operation.md walks through one.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/philox.h"
#include "kernels/common/stream.h"
#include "kernels/shape_text.h"

namespace cardiograd::kernels {

enum class Element { kFloat32, kInt16, kInt32, kUint8 };

// How a kernel treats a buffer: kInput is read, kOutput is overwritten whole (=), kAccumulate is added to (+=),
// kUpdate is read and overwritten.
enum class Role { kInput, kOutput, kAccumulate, kUpdate };

// What a test may put into an input.
enum class Fill {
  kNormal,    // standard normal
  kPositive,  // uniform in 0.5 ... 2
  kBinary,    // 0 or 1
  kIndex,     // 0 ... bound-1
};

struct BufferSpec {
  std::string name;  // the gradient of `x` is `dx`; equal names mean equal quantities in all rows of an operation
  std::vector<std::int64_t> dims;
  Role role = Role::kInput;
  Element element = Element::kFloat32;
  Fill fill = Fill::kNormal;
  std::int64_t bound = 0;

  std::int64_t count() const {
    std::int64_t product = 1;
    for (const std::int64_t dim : dims) product *= dim;
    return product;
  }
};

// Floating-point operations (a multiply-add counts two) and the fewest bytes that must move: every input read once,
// every output written once, every accumulated or updated buffer both.
struct Cost {
  double flop = 0;
  double bytes = 0;
};

// The least traffic of a set of buffers.
double least_bytes(const std::vector<BufferSpec>& buffers);

// The buffers of one call, in the order of Row::buffers. Real is float for kernels, float or double for references.
template <class Real>
class Buffers {
 public:
  explicit Buffers(void* const* pointers) : pointers_(pointers) {}
  Real* real(int index) const { return static_cast<Real*>(pointers_[index]); }
  template <class T>
  T* as(int index) const {
    return static_cast<T*>(pointers_[index]);
  }

 private:
  void* const* pointers_;
};

// Draws sizes where bugs sit: one, primes, powers of two and their neighbors.
class ShapeSampler {
 public:
  explicit ShapeSampler(std::uint64_t seed) : stream_(seed) {}
  // A size in low ... high.
  std::int64_t size(std::int64_t low, std::int64_t high);
  bool coin() { return (stream_.next() & 1U) != 0; }

 private:
  PhiloxStream stream_;
};

// What a row of the table must offer. A row without reference, cost or sampler does not compile.
template <class Row>
concept OpRow = requires(const typename Row::Shape& shape, ShapeSampler& sampler, void* const* pointers) {
  {std::string_view(Row::kName)};
  // The forward row whose gradient this row computes, or "" for a forward row.
  {std::string_view(Row::kGradientOf)};
  // Largest allowed relative error against the double reference, as a share of the reference's norm; a plain float
  // loop's error, doubled, is allowed where that is more.
  {static_cast<double>(Row::kTolerance)};
  { Row::buffers(shape) } -> std::same_as<std::vector<BufferSpec>>;
  { Row::cost(shape) } -> std::same_as<Cost>;
  { Row::sample(sampler) } -> std::same_as<typename Row::Shape>;
  // The shapes that HC-CNN-TN's training step has at batch 64: what benchmarks time.
  { Row::workload() } -> std::same_as<std::vector<typename Row::Shape>>;
  { Row::describe(shape) } -> std::same_as<std::string>;
  {Row::template reference<double>(shape, Buffers<double>(pointers))};
  {Row::template reference<float>(shape, Buffers<float>(pointers))};
  {Row::cpu(shape, Buffers<float>(pointers))};
  // Puts the kernels into the stream; pointers are to device memory. Needed at link time only in builds with CUDA.
  {Row::cuda(shape, Buffers<float>(pointers), Stream())};
};

#if defined(CARDIOGRAD_DEVICE_CODE)
inline constexpr bool kHasDeviceCode = true;
#else
inline constexpr bool kHasDeviceCode = false;
#endif

// kCuda: the GPU's default stream, on device pointers; only where kHasDeviceCode.
enum class Implementation { kReference64, kReference32, kCpu, kCuda };

// Another CUDA version of a row's kernel, from the operation's folder ladder/. A row has a list of them by offering
// `static std::vector<KernelVariant<Shape>> cuda_variants()`.
template <class Shape>
struct KernelVariant {
  std::string name;
  void (*run)(const Shape& shape, const Buffers<float>& at, Stream stream);
};

// A rung with a shape bound to it; on the GPU's default stream, on device pointers.
struct BoundVariant {
  std::string name;
  std::function<void(void* const*)> run;
};

// A row of the table with one shape bound to it.
struct OpCase {
  std::string shape;
  std::vector<BufferSpec> buffers;
  Cost cost;
  // Pointers in the order of `buffers`; float32 buffers are double in kReference64.
  std::function<void(Implementation, void* const*)> run;
  std::vector<BoundVariant> cuda_variants;  // none where kHasDeviceCode is false
};

struct Op {
  std::string name;
  std::string gradient_of;
  double tolerance = 0;
  std::function<OpCase(std::uint64_t seed)> sample;
  std::function<std::vector<OpCase>()> workload;
  // The workload with the fields of its shapes changed that the text names (shape_text.h).
  std::function<std::vector<OpCase>(const std::string& fields)> workload_with;
};

template <OpRow Row>
std::vector<BoundVariant> bind_variants(const typename Row::Shape& shape) {
  std::vector<BoundVariant> bound;
  if constexpr (kHasDeviceCode && requires { Row::cuda_variants(); }) {
    for (const auto& rung : Row::cuda_variants())
      bound.push_back({rung.name, [shape, run = rung.run](void* const* pointers) {
                         run(shape, Buffers<float>(pointers), Stream());
                       }});
  }
  return bound;
}

template <OpRow Row>
OpCase bind_case(const typename Row::Shape& shape) {
  return {Row::describe(shape), Row::buffers(shape), Row::cost(shape),
          [shape](Implementation implementation, void* const* pointers) {
            switch (implementation) {
              case Implementation::kReference64:
                Row::template reference<double>(shape, Buffers<double>(pointers));
                break;
              case Implementation::kReference32:
                Row::template reference<float>(shape, Buffers<float>(pointers));
                break;
              case Implementation::kCpu:
                Row::cpu(shape, Buffers<float>(pointers));
                break;
              case Implementation::kCuda:
                if constexpr (kHasDeviceCode)
                  Row::cuda(shape, Buffers<float>(pointers), Stream());
                else
                  throw Error(std::string(Row::kName) + ": this build has no CUDA kernels",
                              "build the preset cuda or simt");
                break;
            }
          },
          bind_variants<Row>(shape)};
}

template <OpRow Row>
Op make_op() {
  return {Row::kName,
          Row::kGradientOf,
          Row::kTolerance,
          [](std::uint64_t seed) {
            ShapeSampler sampler(seed);
            return bind_case<Row>(Row::sample(sampler));
          },
          [] {
            std::vector<OpCase> cases;
            for (const auto& shape : Row::workload()) cases.push_back(bind_case<Row>(shape));
            return cases;
          },
          [](const std::string& fields) {
            std::vector<OpCase> cases;
            for (auto shape : Row::workload()) {
              set_shape_fields(shape, fields);
              cases.push_back(bind_case<Row>(shape));
            }
            return cases;
          }};
}

// All operations.
const std::vector<Op>& op_table();

}  // namespace cardiograd::kernels
