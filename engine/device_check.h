// The two versions of each kernel side by side: while a DeviceCheck is alive, every kernel that this thread runs on the
// GPU is repeated on the CPU from the same inputs, and what the two wrote is compared. So a difference is that of one
// kernel and no sum over those before it. Slow: everything goes to the host and back.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "engine/observer.h"
#include "engine/tensor.h"

namespace cardiograd {

class DeviceCheck {
 public:
  // Differences of single values, as fractions of the root mean square of their tensor on the CPU: equal, up to 1e-8,
  // up to 1e-7, ... up to 1e-2, more (or not a number).
  static constexpr std::size_t kBins = 9;
  static constexpr double kFirstBin = 1e-8;

  struct Kernel {
    std::int64_t calls = 0;
    std::array<std::int64_t, kBins> values = {};
    // Of the tensor that differs most, as |gpu - cpu| / |cpu| in Euclidean norms; NaN when one has a value that is not
    // a number where the other has one.
    double worst = 0;
    int argument = 0;  // which of the kernel's buffers that was, from 0
    Shape shape;
    std::string layer;
  };

  DeviceCheck();
  ~DeviceCheck();
  DeviceCheck(const DeviceCheck&) = delete;
  DeviceCheck& operator=(const DeviceCheck&) = delete;

  void count_call(const char* kernel) { ++kernels_[kernel].calls; }
  // `got` on any device, `expected` on the CPU: the same buffer after the kernel.
  void compare(const char* kernel, int argument, const Tensor& got, const Tensor& expected);

  const std::map<std::string, Kernel>& kernels() const { return kernels_; }

 private:
  std::map<std::string, Kernel> kernels_;
  KernelObserver layers_{[](const ObservedKernel&) {}};  // so that kernels have one
  DeviceCheck* before_;
};

// This thread's check, nullptr when there is none.
inline constinit thread_local DeviceCheck* current_check = nullptr;

namespace ops {

// A kernel's argument on the host: a copy of a tensor, anything else as it is.
template <class Argument>
auto host_argument(Argument& argument) {
  if constexpr (std::is_same_v<std::remove_const_t<Argument>, Tensor>)
    return argument.to(Device::kCpu);
  else
    return argument;
}

// What the kernel could have written is compared: buffers that are not const.
template <class Argument>
void compare_argument(const char* name, int number, const Argument& gpu, const Argument& cpu, bool is_const) {
  if constexpr (std::is_same_v<Argument, Tensor>) {
    if (!is_const) current_check->compare(name, number, gpu, cpu);
  }
}

}  // namespace ops
}  // namespace cardiograd
