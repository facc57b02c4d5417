// Primitives of oneDNN (2.6 and 3.x) with their memory, as an opponent.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <dnnl.hpp>

#include "bench/opponents/opponent.h"

namespace cardiograd::bench {

const dnnl::engine& onednn_engine();

// The descriptor of a primitive for its arguments (of oneDNN 3, without the engine), and with the forward descriptor
// that a gradient asks for.
template <class Primitive, class... Arguments>
typename Primitive::primitive_desc onednn_describe(const Arguments&... arguments) {
#if DNNL_VERSION_MAJOR >= 3
  return {onednn_engine(), arguments...};
#else
  return {typename Primitive::desc(arguments...), onednn_engine()};
#endif
}
template <class Primitive, class Forward, class... Arguments>
typename Primitive::primitive_desc onednn_gradient(const Forward& forward, const Arguments&... arguments) {
#if DNNL_VERSION_MAJOR >= 3
  return {onednn_engine(), arguments..., forward};
#else
  return {typename Primitive::desc(arguments...), onednn_engine(), forward};
#endif
}

using OnednnDims = dnnl::memory::dims;
using OnednnLayout = dnnl::memory::desc;

// A pass behind a primitive, in the same run: ReLU is max(x, 0) for alpha 0, linear alpha * x.
dnnl::primitive_attr onednn_then(dnnl::algorithm kind, float alpha);

// Floats in a layout of oneDNN's naming, with given strides, or in the one that a primitive likes best.
OnednnLayout onednn_floats(const OnednnDims& dims, dnnl::memory::format_tag tag);
OnednnLayout onednn_floats(const OnednnDims& dims, const OnednnDims& strides);
OnednnLayout onednn_any(const OnednnDims& dims);

// Buffers of a case, in the layouts that primitives want, and the primitives in order.
class OnednnCall {
 public:
  using Arguments = std::unordered_map<int, dnnl::memory>;

  explicit OnednnCall(kernels::OpCase work) : work_(std::move(work)) {}
  const kernels::OpCase& work() const { return work_; }

  // Memory in layout `inner` for the named buffer, which lies in layout `outer` in the case.
  dnnl::memory buffer(const std::string& name, const OnednnLayout& outer, const OnednnLayout& inner);
  dnnl::memory buffer(const std::string& name, const OnednnLayout& layout) { return buffer(name, layout, layout); }
  // Memory that is no buffer of the case.
  dnnl::memory extra(const OnednnLayout& layout) { return {layout, onednn_engine()}; }
  // Runs in each call.
  void then(const dnnl::primitive& primitive, Arguments arguments) {
    steps_.emplace_back(primitive, std::move(arguments));
  }
  // Runs once, when inputs are loaded: what a forward pass has left behind.
  void before(const dnnl::primitive& primitive, Arguments arguments) {
    preparations_.emplace_back(primitive, std::move(arguments));
  }
  void before(std::function<void()> change) { changes_.push_back(std::move(change)); }

 private:
  friend Opponent onednn_opponent(const std::shared_ptr<OnednnCall>& call, const std::string& path,
                                  const std::string& note);
  struct Bound {
    std::size_t index;  // of the case's buffer
    dnnl::memory outer;
    dnnl::memory inner;
  };
  void load(void* const* buffers);
  void run();
  void store(void* const* buffers);

  kernels::OpCase work_;
  std::vector<Bound> bound_;
  std::vector<std::pair<dnnl::primitive, Arguments>> steps_;
  std::vector<std::pair<dnnl::primitive, Arguments>> preparations_;
  std::vector<std::function<void()>> changes_;  // before the preparations
};

// It computes the written buffers that the call has memory for.
Opponent onednn_opponent(const std::shared_ptr<OnednnCall>& call, const std::string& path,
                         const std::string& note = "");

// What the files offer: products, and everything that goes over rows or elements.
std::vector<Opponent> onednn_products(const kernels::Op& op, const kernels::OpCase& work);
std::vector<Opponent> onednn_norms(const kernels::Op& op, const kernels::OpCase& work);
std::vector<Opponent> onednn_elements(const kernels::Op& op, const kernels::OpCase& work);

}  // namespace cardiograd::bench
