// What the project knows about a kernel: its buffers, its cost, shapes to try it on, how exact it must be, and the
// functions that implement it. A KernelSpec is a struct in kernels/<operation>/<operation>_spec.h. Product code calls
// the functions themselves and includes none of this.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/dtype.h"
#include "base/philox.h"
#include "base/precision_words.h"
#include "kernels/common/stream.h"

namespace cardiograd::kernels {

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
  std::string_view name;  // the gradient of `x` is `dx`; equal names mean equal quantities in all specs of an operation
  std::vector<std::int64_t> dims;
  Role role = Role::kInput;
  DType dtype = DType::kFloat32;
  Fill fill = Fill::kNormal;
  std::int64_t bound = 0;

  constexpr std::int64_t count() const {
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

// Draws sizes where bugs sit: one, primes, powers of two and their neighbors.
class ShapeSampler {
 public:
  explicit ShapeSampler(std::uint64_t seed) : stream_(seed) {}
  // A size in low ... high.
  std::int64_t size(std::int64_t low, std::int64_t high);
  // Draw it last: gradient checks replace it by fp32.
  Precision precision() { return static_cast<Precision>(stream_.below(3)); }
  bool coin() { return (stream_.next() & 1U) != 0; }

 private:
  PhiloxStream stream_;
};

// The tolerance of matrix products against a reference that rounds its factors alike: what remains is the summation.
// Tensor cores truncate where they accumulate, which is an error of one sign.
constexpr double product_tolerance(Precision precision) {
  return precision == Precision::kFp32 ? 2e-6 : 1e-5;
}

// What a library may differ by, where that is more: it may compute in more than the precision that it is asked for, so
// this is what rounding the factors costs. 0 where they are not rounded.
constexpr double library_tolerance(Precision precision) {
  if (precision == Precision::kFp32) return 0;
  return precision == Precision::kTf32 ? 1e-3 : 8e-3;
}

// For the text that describes a shape: nothing in fp32, " tf32", " bf16".
inline std::string precision_suffix(Precision precision) {
  return precision == Precision::kFp32 ? "" : " " + std::string(word_of(precision));
}

// What the type of a kernel function says about its buffers, and how it is called from a list of them. Kernel functions
// have the parameters (const Shape&, T* ...); launchers of CUDA kernels a Stream behind them.
template <class Function>
struct KernelSignature;

template <class ShapeOfKernel, class... Arguments>
struct KernelSignature<void (*)(const ShapeOfKernel&, Arguments...)> {
  using Shape = ShapeOfKernel;
  static constexpr bool kTakesStream = (std::is_same_v<Arguments, Stream> || ...);
  static constexpr std::size_t kPointers = sizeof...(Arguments) - (kTakesStream ? 1 : 0);

  // const T* for Role::kInput, T* for all other roles.
  static constexpr bool roles_fit(const std::vector<BufferSpec>& buffers) {
    const std::array<bool, sizeof...(Arguments)> is_const = {std::is_const_v<std::remove_pointer_t<Arguments>>...};
    for (std::size_t i = 0; i < std::min(kPointers, buffers.size()); ++i)
      if (is_const[i] != (buffers[i].role == Role::kInput)) return false;
    return true;
  }
  static constexpr bool dtypes_fit(const std::vector<BufferSpec>& buffers) {
    const std::array<DType, sizeof...(Arguments)> dtypes = {dtype_of_argument<Arguments>()...};
    for (std::size_t i = 0; i < std::min(kPointers, buffers.size()); ++i)
      if (dtypes[i] != buffers[i].dtype) return false;
    return true;
  }

  // function(shape, pointers...), each pointer as its parameter declares it; Real stands in for float. The stream is
  // the GPU's default one.
  template <class Real, class Function>
  static void call(const Function& function, const Shape& shape, void* const* pointers) {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      if constexpr (kTakesStream)
        function(shape, static_cast<Pointer<Real, I>>(pointers[I])..., Stream());
      else
        function(shape, static_cast<Pointer<Real, I>>(pointers[I])...);
    }
    (std::make_index_sequence<kPointers>());
  }

 private:
  template <class Argument>
  static constexpr DType dtype_of_argument() {
    if constexpr (std::is_same_v<Argument, Stream>)
      return DType::kUint8;  // Behind the buffers: not compared.
    else
      return dtype_of<std::remove_const_t<std::remove_pointer_t<Argument>>>();
  }
  template <class Real, std::size_t kIndex>
  static auto pointer_type() {
    using Pointee = std::remove_pointer_t<std::tuple_element_t<kIndex, std::tuple<Arguments...>>>;
    using Value =
        std::conditional_t<std::is_same_v<std::remove_const_t<Pointee>, float>, Real, std::remove_const_t<Pointee>>;
    return std::type_identity<std::conditional_t<std::is_const_v<Pointee>, const Value*, Value*>>();
  }
  template <class Real, std::size_t kIndex>
  using Pointer = typename decltype(pointer_type<Real, kIndex>())::type;
};

template <class Function>
using SignatureOf = KernelSignature<std::decay_t<Function>>;

// Another CUDA version of a spec's kernel, from the operation's folder ladder/. Function is the type of the shipped
// one.
template <class Function>
struct KernelVariant {
  const char* name;
  Function run;
  bool is_library = false;
};

// What a spec must offer. All members are static and constexpr, except for cost, the samplers, workload and describe. A
// spec may also offer
//   kFlopFactor      by what factor cost().flop may differ from the operations that the reference makes; without it the
//                    two are equal (tests/kernels/flop_test.cpp)
//   flop_sample      shapes to compare the two at, where sample() draws some that cost() is not meant for
//   launches(shape)  how many kernels and matrix products the CUDA version puts into the stream, where it is not one;
//                    one less for each output that may be left out and is
//   cuda_variants    an array of KernelVariant<decltype(cuda)>
//   path             const char* path(const Shape&): which of its kernels the CUDA launcher takes for a shape
//   tolerance        of a shape, where kTolerance is not right for all
template <class Spec>
concept KernelSpec = requires(const typename Spec::Shape& shape, ShapeSampler& sampler) {
  {std::string_view(Spec::kName)};
  // The forward spec whose gradient this one computes, or "" for a forward spec.
  {std::string_view(Spec::kGradientOf)};
  // Largest allowed relative error against the double reference, as a fraction of the reference's norm; a plain float
  // loop's error, doubled, is allowed where that is more.
  {static_cast<double>(Spec::kTolerance)};
  { Spec::buffers(shape) } -> std::same_as<std::vector<BufferSpec>>;
  { Spec::cost(shape) } -> std::same_as<Cost>;
  { Spec::sample(sampler) } -> std::same_as<typename Spec::Shape>;
  // The shapes that HC-CNN-TN's training step has at batch 64: what benchmarks time.
  { Spec::workload() } -> std::same_as<std::vector<typename Spec::Shape>>;
  { Spec::describe(shape) } -> std::same_as<std::string>;
  // The plain loops for any number type: [](auto... a) { square_forward_ref(a...); }
  Spec::reference;
  Spec::cpu;
  // Puts the kernels into the stream; pointers are to device memory. Needed at link time only in builds with CUDA.
  Spec::cuda;
};

// Does not compile unless the parameters of a spec's function are those that its buffers ask for.
template <KernelSpec Spec, class Function>
constexpr void check_signature() {
  using Signature = SignatureOf<Function>;
  constexpr typename Spec::Shape kShape{};
  static_assert(std::is_same_v<typename Signature::Shape, typename Spec::Shape>,
                "the kernel function takes another shape than its spec");
  static_assert(Signature::kPointers == Spec::buffers(kShape).size(),
                "the kernel function takes another number of pointers than its spec has buffers");
  static_assert(Signature::roles_fit(Spec::buffers(kShape)),
                "the kernel function must take const T* for a buffer of Role::kInput and T* for any other");
  static_assert(Signature::dtypes_fit(Spec::buffers(kShape)),
                "the kernel function takes a pointer to another type than its spec's buffer has");
}

// The specs of one operation. Its header ends with `using <Operation>Specs = SpecList<...>;`: CMake collects these
// names in kernels/all_specs.h in the build folder, as AllSpecs<List>, a List of all specs.
template <class... Specs>
struct SpecList {};

// Joins SpecLists: JoinedSpecs<SpecList<A>, SpecList<B, C>>::In<List> is List<A, B, C>.
template <class... Lists>
struct JoinedSpecs;
template <class... Specs>
struct JoinedSpecs<SpecList<Specs...>> {
  template <template <class...> class List>
  using In = List<Specs...>;
};
template <class... First, class... Second, class... Rest>
struct JoinedSpecs<SpecList<First...>, SpecList<Second...>, Rest...>
    : JoinedSpecs<SpecList<First..., Second...>, Rest...> {};

}  // namespace cardiograd::kernels
