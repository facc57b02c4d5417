#include "engine/autograd.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "engine/dispatch.h"
#include "engine/observer.h"
#include "kernels/add/add.h"

namespace cardiograd {
namespace {

thread_local bool recording = true;
thread_local bool checking_finite = false;
thread_local std::uint64_t next_sequence = 0;
thread_local const std::byte* gradient_of_loss = nullptr;

// Adding y = a + b hands one gradient to a and to b, so a gradient's values may have other holders.
void add_to(Tensor& sum, const Tensor& term, bool may_be_shared) {
  if (may_be_shared && sum.shared()) sum = sum.clone();
  const kernels::AddShape s = {.count = term.count(), .period = term.count()};
  CARDIOGRAD_RUN(accumulate_forward, s, term, sum);
}

// Everything that `root` was computed from, itself included.
std::vector<std::shared_ptr<AutogradMeta>> reachable(const std::shared_ptr<AutogradMeta>& root) {
  std::vector<std::shared_ptr<AutogradMeta>> found = {root};
  std::unordered_set<const AutogradMeta*> seen = {root.get()};
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (found[i]->node == nullptr) continue;
    for (const auto& input : found[i]->node->inputs)
      if (seen.insert(input.get()).second) found.push_back(input);
  }
  return found;
}

// How many operations of the backward pass are still to add to the gradient of a leaf.
class PendingGradients {
 public:
  PendingGradients(const std::vector<std::shared_ptr<AutogradMeta>>& order, const GradientReady& ready)
      : ready_(ready) {
    if (!ready_) return;
    for (const auto& meta : order)
      for (const auto& input : meta->node->inputs)
        if (input->slab != nullptr) ++operations_[input.get()];
  }

  void done(const GraphNode& node) {
    if (!ready_) return;
    for (const auto& input : node.inputs)
      if (input->slab != nullptr && --operations_.at(input.get()) == 0) ready_(*input);
  }

 private:
  const GradientReady& ready_;
  std::unordered_map<const AutogradMeta*, int> operations_;
};

// On the GPU it is made once and never released: at the end of the program the driver may be gone.
Tensor one_on(Device device) {
  const TensorMemoryScope lasting(device, nullptr);
  if (device == Device::kCpu || dry_run()) return Tensor::full({1}, 1, device);
  static const Tensor& one = *new Tensor(Tensor::full({1}, 1, device));
  return one;
}

void check_history(const Tensor& y) {
  if (y.autograd() == nullptr || y.autograd()->node == nullptr)
    throw Error("backward: the result was not computed from a tensor that requires a gradient");
}

}  // namespace

bool records(std::initializer_list<const Tensor*> inputs) {
  return recording && std::any_of(inputs.begin(), inputs.end(), [](const Tensor* t) { return t->requires_grad(); });
}

void record(const char* name, Tensor& result, std::initializer_list<const Tensor*> inputs, BackwardFunction backward) {
  if (checking_finite && result.dtype() == DType::kFloat32 && !all_finite(result))
    throw Error(fmt::format("the result of {} with shape {} is not finite", name, result.shape().text()));
  if (!records(inputs)) return;
  auto node = std::make_unique<GraphNode>();
  node->name = name;
  node->sequence = next_sequence++;
  for (const Tensor* input : inputs)
    if (input->requires_grad()) node->inputs.push_back(input->autograd());
  node->backward = std::move(backward);
  node->layer = current_layer();
  auto meta = std::make_shared<AutogradMeta>();
  meta->node = std::move(node);
  result.set_autograd(std::move(meta));
}

bool GradientSlot::started() const {
  return meta_ != nullptr && meta_->grad.defined();
}

void GradientSlot::accumulate(const Tensor& gradient) const {
  if (meta_ == nullptr) return;
  const bool has_place = meta_->place.defined();
  if (meta_->grad.defined()) {
    add_to(meta_->grad, gradient, !has_place);
  } else if (has_place) {
    meta_->grad = meta_->place;
    meta_->grad.assign(gradient.view(shape_));
  } else {
    meta_->grad = gradient.view(shape_);
  }
}

Tensor GradientSlot::accumulator() const {
  if (meta_ == nullptr) return Tensor::zeros(shape_, DType::kFloat32, device_);
  if (meta_->place.defined())
    meta_->grad = meta_->place;
  else if (!meta_->grad.defined())
    meta_->grad = Tensor::zeros(shape_, DType::kFloat32, device_);
  else if (meta_->grad.shared())
    meta_->grad = meta_->grad.clone();
  return meta_->grad;
}

void backward(const Tensor& loss) {
  check_history(loss);
  if (loss.count() != 1)
    throw Error(fmt::format("backward: the loss has shape {}, expected one value", loss.shape().text()),
                "Give the gradient of a result with several values: backward(y, dy).");
  const Tensor one = one_on(loss.device()).view(loss.shape());
  gradient_of_loss = one.storage_address();
  try {
    backward(loss, one);
  } catch (...) {
    gradient_of_loss = nullptr;
    throw;
  }
  gradient_of_loss = nullptr;
}

bool is_gradient_of_loss(const Tensor& dy) {
  return gradient_of_loss != nullptr && dy.storage_address() == gradient_of_loss;
}

void backward(const Tensor& y, const Tensor& dy, const GradientReady& ready) {
  check_history(y);
  expect_shape("backward", "dy", dy, y.shape());
  ops::common_device("backward", {&y, &dy});
  std::vector<std::shared_ptr<AutogradMeta>> order = reachable(y.autograd());
  std::erase_if(order, [](const auto& meta) { return meta->node == nullptr; });
  std::sort(order.begin(), order.end(),
            [](const auto& a, const auto& b) { return a->node->sequence > b->node->sequence; });
  y.autograd()->grad = dy.detach();
  PendingGradients pending(order, ready);
  for (auto& meta : order) {
    const std::unique_ptr<GraphNode> node = std::move(meta->node);
    const Tensor gradient = std::move(meta->grad);
    meta->grad = Tensor();
    if (gradient.defined()) {
      const LayerScope layer = LayerScope::whole_path(node->layer);
      node->backward(gradient);
    }
    pending.done(*node);
    meta.reset();
  }
}

NoGrad::NoGrad() : before_(std::exchange(recording, false)) {}
NoGrad::~NoGrad() {
  recording = before_;
}

FiniteCheck::FiniteCheck() {
  checking_finite = true;
}
FiniteCheck::~FiniteCheck() {
  checking_finite = false;
}

}  // namespace cardiograd
