// Define-by-run differentiation. Every differentiable operation calls record() with its result, its inputs and a lambda
// that turns the result's gradient into the inputs'. backward(loss) runs those lambdas once, newest first, and frees
// each as it goes, so that memory falls while gradients appear.
//
// A record holds its inputs' autograd state, not their values: what the backward pass needs is captured by the lambda,
// and everything else is freed as soon as the caller lets go of it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/tensor.h"

namespace cardiograd {

// Receives the gradient of an operation's result.
using BackwardFunction = std::function<void(const Tensor& dy)>;

// Told in backward() of a leaf with a slab (gradient_slab.h) once nothing more is added to its gradient.
using GradientReady = std::function<void(const AutogradMeta& leaf)>;

struct GradientSlab;  // gradient_slab.h

struct GraphNode {
  const char* name;   // of the operation: "linear"
  std::string layer;  // that recorded it, when an observer was watching (observer.h)
  std::uint64_t sequence;
  std::vector<std::shared_ptr<AutogradMeta>> inputs;
  BackwardFunction backward;
};

// A tensor's place in the graph: its gradient so far and, unless it is a leaf, the operation that made it.
struct AutogradMeta {
  Tensor grad;
  std::unique_ptr<GraphNode> node;
  // Where a leaf's gradient lies once it has one; zeros while it has none (gradient_slab.h).
  Tensor place;
  std::shared_ptr<GradientSlab> slab;
};

// True when gradients are wanted for any of `inputs` and no NoGrad is alive on this thread. Operations ask before they
// keep anything for the backward pass.
bool records(std::initializer_list<const Tensor*> inputs);

// Makes `result` the outcome of an operation on `inputs`. `result` must not be captured by `backward`; a detach()ed
// handle may; inputs are captured as GradientSlots. Does nothing unless records(inputs).
void record(const char* name, Tensor& result, std::initializer_list<const Tensor*> inputs, BackwardFunction backward);

// Where a backward function puts the gradient of one input. It holds the input's autograd state and shape, not its
// values, so that a tensor which the backward pass does not need is freed as soon as nobody else holds it.
class GradientSlot {
 public:
  explicit GradientSlot(const Tensor& input)
      : meta_(input.autograd()), shape_(input.shape()), device_(input.device()) {}

  // False when nobody wants this gradient: then it need not be computed.
  bool needed() const { return meta_ != nullptr; }
  // True when a part of it is there already.
  bool started() const;
  const Shape& shape() const { return shape_; }
  // Memory for a whole gradient, undefined content, on the input's device.
  Tensor new_gradient() const { return Tensor::empty(shape_, DType::kFloat32, device_); }
  // Hands a whole gradient over; it is added to what is there.
  void accumulate(const Tensor& gradient) const;
  // The buffer that holds the gradient so far (zeros at first), for kernels that add to it. When nobody wants the
  // gradient, a buffer that is thrown away.
  Tensor accumulator() const;

 private:
  std::shared_ptr<AutogradMeta> meta_;
  Shape shape_;
  Device device_;
};

// Computes the gradient of `loss` (one value) with respect to every leaf it depends on, adding to gradients that are
// there. The graph is used up. Throws Error when `loss` has no history or more than one value.
void backward(const Tensor& loss);

// True for the gradient that backward(loss) starts with: one value, 1.
bool is_gradient_of_loss(const Tensor& dy);

// The same for the sum of y * dy: the gradients of a result of any shape, given its own gradient `dy` (float32, the
// shape and device of y). `ready`, where there is one, is told of each leaf that y depends on, while the gradients of
// earlier layers are still to come. Throws Error when `y` has no history or `dy` does not fit.
void backward(const Tensor& y, const Tensor& dy, const GradientReady& ready = {});

// While alive, operations on this thread record nothing.
class NoGrad {
 public:
  NoGrad();
  ~NoGrad();
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;

 private:
  bool before_;
};

// While alive, the first operation on this thread whose float32 result has a NaN or an infinity throws Error naming it.
// Used to find where a training step went wrong.
class FiniteCheck {
 public:
  FiniteCheck();
  ~FiniteCheck();
  FiniteCheck(const FiniteCheck&) = delete;
  FiniteCheck& operator=(const FiniteCheck&) = delete;
};

}  // namespace cardiograd
