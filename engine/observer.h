// Watching what a thread computes: which kernel, on which shape, in which layer of the model.
//
//   std::map<std::string, double> products;  // by layer
//   {
//     const KernelObserver observer([&](const ObservedKernel& kernel) {
//       if (const auto* s = kernel.shape.as<kernels::LinearShape>())
//         products[std::string(kernel.layer)] += 2.0 * s->rows * s->inputs * s->outputs;
//     });
//     backward(loss_of(net.forward(x)));
//   }
//
// With Execution::kDry kernels are reported but not run, and new tensors are address space without memory: the step of
// a model at any batch size takes as long as a few hundred function calls.
//
// Without an observer all of this costs one comparison of a thread-local pointer per kernel and layer.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <typeinfo>

#include "engine/device.h"

namespace cardiograd {

// A kernel's shape whose type the observer may not know. Valid as long as the shape itself.
class ShapeView {
 public:
  template <class Shape>
  explicit ShapeView(const Shape& shape) : address_(&shape), type_(&typeid(Shape)) {}

  // The shape when it is a `Shape`, nullptr otherwise.
  template <class Shape>
  const Shape* as() const {
    return *type_ == typeid(Shape) ? static_cast<const Shape*>(address_) : nullptr;
  }
  const void* address() const { return address_; }
  const std::type_info& type() const { return *type_; }

 private:
  const void* address_;
  const std::type_info* type_;
};

// One kernel about to run. Valid during the callback only.
struct ObservedKernel {
  const char* name;  // as in the op table: "conv1d_forward"
  ShapeView shape;   // kernels::Conv1dShape
  Device device;     // where it runs
  int left_out;      // gradients that it need not compute: nullptr among its arguments
  // The module whose forward() runs or whose gradient is computed: "encoder.layers.0.self_attn"; "" outside all
  // modules.
  std::string_view layer;
};

// kRun: kernels run as always. kDry: they do not run, and the content of every tensor made meanwhile is undefined, but
// for Tensor::from. Neither copies nor fills happen then; all_finite() is true. Tensors of a dry run must not be used
// after it. Making one throws OutOfMemory when the process has no more addresses (128 TB).
enum class Execution { kRun, kDry };

// While alive, `on_kernel` is called for every kernel that this thread dispatches, before it runs. Observers nest: only
// the newest is called, and inside a dry run all are dry. Destroy them in the opposite order on the thread that made
// them. What `on_kernel` throws leaves the operation.
class KernelObserver {
 public:
  using Callback = std::function<void(const ObservedKernel&)>;

  // `on_done`, if given, is called behind each kernel that ran: on the GPU, when it is in the stream.
  explicit KernelObserver(Callback on_kernel, Execution execution = Execution::kRun,
                          std::function<void()> on_done = {});
  ~KernelObserver();
  KernelObserver(const KernelObserver&) = delete;
  KernelObserver& operator=(const KernelObserver&) = delete;

  // kDry for an observer inside a dry run, too.
  Execution execution() const { return execution_; }
  void notify(const char* name, const ShapeView& shape, Device device, int left_out = 0) const;
  void notify_done() const {
    if (on_done_) on_done_();
  }

 private:
  Callback on_kernel_;
  std::function<void()> on_done_;
  Execution execution_;
  const KernelObserver* before_;
};

// This thread's observer, nullptr when there is none.
inline constinit thread_local const KernelObserver* current_observer = nullptr;

// True while this thread's kernels do not run.
inline bool dry_run() {
  return current_observer != nullptr && current_observer->execution() == Execution::kDry;
}

// Notifies the observer of a kernel that is about to run. False in a dry run: then do not run it. run_kernel
// (dispatch.h) calls it; code that calls a kernel without run_kernel does so itself.
template <class Shape>
bool observe(const char* name, const Shape& shape, Device device, int left_out = 0) {
  if (current_observer == nullptr) return true;
  current_observer->notify(name, ShapeView(shape), device, left_out);
  return current_observer->execution() == Execution::kRun;
}

// Notifies the observer of a kernel that has run; whoever calls observe() and runs the kernel calls it.
inline void observed() {
  if (current_observer != nullptr) current_observer->notify_done();
}

// While alive, kernels of this thread belong to the layer `name` inside the layer they belonged to before.
// nn::Layer::forward makes one; a model makes one around operations of its own that deserve a name.
class LayerScope {
 public:
  explicit LayerScope(std::string_view name) {
    if (current_observer != nullptr && !name.empty()) enter(name);
  }
  // The layer with the path `layer`, whatever the layer before: for backward passes.
  static LayerScope whole_path(const std::string& layer) { return {layer, nullptr}; }
  ~LayerScope() {
    if (entered_) leave();
  }
  LayerScope(const LayerScope&) = delete;
  LayerScope& operator=(const LayerScope&) = delete;

 private:
  LayerScope(const std::string& path, std::nullptr_t) {
    if (current_observer != nullptr) replace(path);
  }
  void enter(std::string_view name);
  void replace(const std::string& path);
  void leave();

  bool entered_ = false;
  std::string before_;
};

// The path of the layer that this thread's kernels belong to, "" when there is none or no observer.
const std::string& current_layer();

}  // namespace cardiograd
