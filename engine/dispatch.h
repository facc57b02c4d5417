// From an operation to the kernel of its tensors' device:
//
//   CARDIOGRAD_RUN(relu_forward, s, x, y);
//
// calls kernels::relu_forward_cpu or kernels::relu_forward_cuda, the latter in the engine's stream. The first argument
// is the kernel's shape. Tensors among the others become pointers to their values; a const one only fits a const
// parameter. Everything else is passed on. This thread's KernelObserver (observer.h) is
// notified before.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <type_traits>
#include <utility>

#include "engine/cuda.h"
#include "engine/device_check.h"
#include "engine/observer.h"
#include "engine/tensor.h"
#include "kernels/common/device_code.h"

namespace cardiograd::ops {

// Where all of `tensors` are. Throws Error naming the operation and the two when one is elsewhere or not defined.
Device common_device(const char* operation, std::initializer_list<const Tensor*> tensors);

// The values of a tensor as whatever pointer the kernel declares. Throws Error when the tensor has another type.
class Address {
 public:
  explicit Address(Tensor& tensor) : tensor_(tensor) {}
  template <class T>
  operator T*() const {
    return tensor_.address<std::remove_const_t<T>>();
  }

 private:
  Tensor& tensor_;
};

// The same for a tensor that the kernel only reads: fits const pointers alone.
class ConstAddress {
 public:
  explicit ConstAddress(const Tensor& tensor) : tensor_(tensor) {}
  template <class T>
  operator const T*() const {
    return tensor_.address<T>();
  }

 private:
  const Tensor& tensor_;
};

// The argument as the kernel takes it: a tensor as an address, anything else as it is.
template <class Argument>
decltype(auto) kernel_argument(Argument& argument) {
  if constexpr (std::is_same_v<Argument, Tensor>)
    return Address(argument);
  else if constexpr (std::is_same_v<Argument, const Tensor>)
    return ConstAddress(argument);
  else
    return (argument);
}

// The argument if it is a tensor, else nullptr.
template <class Argument>
const Tensor* as_tensor(const Argument& argument) {
  if constexpr (std::is_same_v<Argument, Tensor>)
    return &argument;
  else
    return nullptr;
}

// The kernel on the GPU, and again on the CPU with copies of its arguments (device_check.h).
template <auto kCpu, class Shape, class RunOnGpu, class... Arguments>
void run_checked(const char* name, const Shape& shape, const RunOnGpu& run_on_gpu, Arguments&... arguments) {
  std::tuple<decltype(host_argument(arguments))...> copies(host_argument(arguments)...);
  run_on_gpu();
  current_check->count_call(name);
  std::apply(
      [&](auto&... copy) {
        kCpu(shape, kernel_argument<
                        std::conditional_t<std::is_const_v<Arguments>, const std::remove_reference_t<decltype(copy)>,
                                           std::remove_reference_t<decltype(copy)>>>(copy)...);
        int number = 0;
        (compare_argument(name, number++, arguments, copy, std::is_const_v<Arguments>), ...);
      },
      copies);
}

// CARDIOGRAD_RUN for kernels whose functions have another name than the table's `name`. Throws Error when the tensors
// are on different devices, or one is not defined or has another type than the kernel's.
template <auto kCpu, auto kCuda, class Shape, class... Arguments>
void run_kernel(const char* name, const Shape& shape, Arguments&&... arguments) {
  const Device device = common_device(name, {as_tensor(arguments)...});
  constexpr int kLeftOut = (0 + ... + (std::is_null_pointer_v<std::remove_cvref_t<Arguments>> ? 1 : 0));
  if (!observe(name, shape, device, kLeftOut)) return;
  if (device == Device::kCpu) {
    kCpu(shape, kernel_argument(arguments)...);
  } else if constexpr (kernels::kHasDeviceCode) {
    const cuda::NamedRange range(name);
    const auto run = [&] { kCuda(shape, kernel_argument(arguments)..., cuda::stream()); };
    if (current_check != nullptr)
      run_checked<kCpu>(name, shape, run, arguments...);
    else
      run();
  }
  observed();
}

}  // namespace cardiograd::ops

#define CARDIOGRAD_RUN(name, ...)                                                                             \
  ::cardiograd::ops::run_kernel<::cardiograd::kernels::name##_cpu, ::cardiograd::kernels::name##_cuda>(#name, \
                                                                                                       __VA_ARGS__)
