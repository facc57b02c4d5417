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
// With Execution::kDry kernels are told and left out, and new tensors are address space without memory: the step of a
// model at any batch size, in the time of a few hundred function calls.
//
// Without an observer each of these costs the look at one pointer.
#pragma once

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
  std::string_view
      layer;  // "encoder.layers.0.self_attn": the module whose forward() runs or whose gradient is computed;
              // "" outside all modules
};

// kRun: kernels run as always. kDry: they do not run, and the content of every tensor made meanwhile is undefined.
// Neither copies nor fills happen then; all_finite() is true. Tensors made in a dry run may not be used after it.
enum class Execution { kRun, kDry };

// While alive, every kernel that this thread dispatches is told to `on_kernel` before it runs. Observers nest: the
// newest is told alone, and a dry run stays one. Destroy them in the opposite order on the thread that made them. What
// `on_kernel` throws passes through the operation.
class KernelObserver {
 public:
  using Callback = std::function<void(const ObservedKernel&)>;

  explicit KernelObserver(Callback on_kernel, Execution execution = Execution::kRun);
  ~KernelObserver();
  KernelObserver(const KernelObserver&) = delete;
  KernelObserver& operator=(const KernelObserver&) = delete;

  Execution execution() const { return execution_; }
  void tell(const char* name, const ShapeView& shape, Device device) const;

 private:
  Callback on_kernel_;
  Execution execution_;
  const KernelObserver* before_;
};

// This thread's observer, nullptr when there is none.
inline constinit thread_local const KernelObserver* current_observer = nullptr;

inline bool dry_run() {
  return current_observer != nullptr && current_observer->execution() == Execution::kDry;
}

// Tells the observer of a kernel that is about to run. False in a dry run: then leave it out. run_kernel (dispatch.h)
// calls it; whoever calls a kernel without run_kernel does so too.
template <class Shape>
bool observe(const char* name, const Shape& shape, Device device) {
  if (current_observer == nullptr) return true;
  current_observer->tell(name, ShapeView(shape), device);
  return current_observer->execution() == Execution::kRun;
}

// While alive, this thread works for the layer `name` inside the layer it worked for before. nn::Layer::forward has
// one; models put one around operations of their own that deserve a name.
class LayerScope {
 public:
  explicit LayerScope(std::string_view name) {
    if (current_observer != nullptr && !name.empty()) enter(name);
  }
  // The layer with the path `layer`, whatever this thread worked for before.
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

// The path of the layer that this thread works for, "" when there is none or no observer.
const std::string& current_layer();

}  // namespace cardiograd
