// launch<kernel>(grid, block, shared_bytes, stream, arguments...): the one way to start a kernel, under nvcc and on the
// host. The kernel is a template argument so that messages can name it. Included by simt.h.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "base/error.h"

#if !defined(__CUDACC__)
#include <cstring>
#include <memory>

#include "simt/block.h"
#include "simt/runtime.h"
#endif

namespace cardiograd::simt {

// The kernel's name without namespaces, from the compiler's text of this function.
template <auto kKernel>
std::string kernel_name() {
  const std::string_view text = __PRETTY_FUNCTION__;
  std::size_t first = text.find("kKernel = ") + 10;
  if (text[first] == '&') ++first;
  int depth = 0;
  std::size_t last = first;
  std::size_t name = first;
  for (; last < text.size(); ++last) {
    const char c = text[last];
    if (c == '<' || c == '(') ++depth;
    if (depth == 0 && (c == ';' || c == ']' || c == ' ')) break;
    if (c == '>' || c == ')') --depth;
    if (depth == 0 && c == ':') name = last + 1;
  }
  return std::string(text.substr(name, last - name));
}

#if defined(__CUDACC__)

// Throws Error for a launch that the driver refuses: with the kernel's name, grid, block and shared memory.
template <auto kKernel, class... Parameters, class... Arguments>
void launch_as(void (*)(Parameters...), dim3 grid, dim3 block, std::size_t shared_bytes, cudaStream_t stream,
               Arguments&&... arguments) {
  std::tuple<Parameters...> values(std::forward<Arguments>(arguments)...);
  void* pointers[sizeof...(Parameters) + 1];
  std::apply(
      [&](auto&... value) {
        std::size_t i = 0;
        ((pointers[i++] = &value), ...);
      },
      values);
  const cudaError_t status =
      cudaLaunchKernel(reinterpret_cast<const void*>(kKernel), grid, block, pointers, shared_bytes, stream);
  if (status != cudaSuccess)
    throw Error("launch of " + kernel_name<kKernel>() + ", grid " + std::to_string(grid.x) + " x " +
                    std::to_string(grid.y) + " x " + std::to_string(grid.z) + ", block " + std::to_string(block.x) +
                    " x " + std::to_string(block.y) + " x " + std::to_string(block.z) + ", " +
                    std::to_string(shared_bytes) + " bytes of shared memory: " + cudaGetErrorString(status),
                "compare grid, block and shared memory with the limits of the GPU");
}

// Puts kKernel(arguments...) into the stream: `grid` blocks of `block` threads, each block with `shared_bytes` of
// dynamic shared memory.
template <auto kKernel, class... Arguments>
void launch(dim3 grid, dim3 block, std::size_t shared_bytes, cudaStream_t stream, Arguments&&... arguments) {
  launch_as<kKernel>(kKernel, grid, block, shared_bytes, stream, std::forward<Arguments>(arguments)...);
}

#else

// Takes what dim3 takes, and remembers who called launch().
struct Grid {
  dim3 size;
  Where where;
  Grid(dim3 size_, Where where_ = Where::current()) : size(size_), where(where_) {}
  Grid(unsigned x, Where where_ = Where::current()) : size(x), where(where_) {}
};

// Puts the launch into the stream; throws Fault for what the GPU does not take.
void enqueue_launch(cudaStream_t stream, const std::string& kernel, LaunchPlan plan,
                    std::shared_ptr<const Invocation> invocation);

// Whether two arguments of a kernel have the same value; the bytes between their members do not count.
template <class T>
bool same_bytes(T a, T b) {
#if defined(__GNUC__) && !defined(__clang__)
  __builtin_clear_padding(&a);
  __builtin_clear_padding(&b);
#endif
  return std::memcmp(&a, &b, sizeof(T)) == 0;  // NOLINT(bugprone-suspicious-memory-comparison): bits of floats count
}

// A kernel bound to its arguments.
template <class... Parameters>
class KernelCall : public Invocation {
 public:
  template <class... Arguments>
  explicit KernelCall(void (*kernel)(Parameters...), Arguments&&... arguments)
      : kernel_(kernel), values_(std::forward<Arguments>(arguments)...) {}
  void call() const override { std::apply(kernel_, values_); }
  bool same_arguments(const Invocation& other) const override {
    const auto* same = dynamic_cast<const KernelCall*>(&other);
    return same != nullptr && kernel_ == same->kernel_ && equal(*same, std::index_sequence_for<Parameters...>());
  }

 private:
  template <std::size_t... I>
  bool equal(const KernelCall& other, std::index_sequence<I...>) const {
    return (same_bytes(std::get<I>(values_), std::get<I>(other.values_)) && ...);
  }

  void (*kernel_)(Parameters...);
  std::tuple<Parameters...> values_;  // by value: the GPU copies arguments at launch
};

// Converts the arguments to the kernel's parameters, as CUDA's launch does.
template <class... Parameters, class... Arguments>
std::shared_ptr<const Invocation> bind_kernel(void (*kernel)(Parameters...), Arguments&&... arguments) {
  return std::make_shared<const KernelCall<Parameters...> >(kernel, std::forward<Arguments>(arguments)...);
}

// As under nvcc; throws Fault for what the GPU does not take.
template <auto kKernel, class... Arguments>
void launch(Grid grid, dim3 block, std::size_t shared_bytes, cudaStream_t stream, Arguments&&... arguments) {
  const LaunchPlan plan{
      "", grid.size, block, shared_bytes, shared_limit_of(reinterpret_cast<const void*>(kKernel)), grid.where};
  enqueue_launch(stream, kernel_name<kKernel>(), plan, bind_kernel(kKernel, std::forward<Arguments>(arguments)...));
}

#endif

}  // namespace cardiograd::simt
