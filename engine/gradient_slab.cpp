#include "engine/gradient_slab.h"

#include <algorithm>
#include <cstdint>
#include <memory>

#include <fmt/format.h>

#include "base/error.h"
#include "engine/autograd.h"

namespace cardiograd {
namespace {

constexpr std::int64_t kAlignment = 64;  // floats

// The slab of all leaves when they are as many as it was made for.
std::shared_ptr<GradientSlab> common_slab(const std::vector<Tensor*>& leaves) {
  if (leaves.empty() || !leaves.front()->requires_grad()) return nullptr;
  const std::shared_ptr<GradientSlab> slab = leaves.front()->autograd()->slab;
  if (slab == nullptr || slab->leaves != leaves.size()) return nullptr;
  const bool all = std::all_of(leaves.begin(), leaves.end(), [&](const Tensor* leaf) {
    return leaf->requires_grad() && leaf->autograd()->slab == slab;
  });
  return all ? slab : nullptr;
}

std::int64_t padded(const Tensor& leaf) {
  return (leaf.count() + kAlignment - 1) / kAlignment * kAlignment;
}

}  // namespace

void keep_gradients_together(const std::vector<Tensor*>& leaves) {
  if (leaves.empty() || common_slab(leaves) != nullptr) return;
  const Device device = leaves.front()->device();
  std::int64_t count = 0;
  for (const Tensor* leaf : leaves) {
    if (leaf->device() != device || leaf->dtype() != DType::kFloat32 || !leaf->requires_grad()) return;
    count += padded(*leaf);
  }
  const auto slab = std::make_shared<GradientSlab>();
  slab->all = Tensor::zeros({count}, DType::kFloat32, device);
  slab->leaves = leaves.size();
  std::int64_t first = 0;
  for (const Tensor* leaf : leaves) {
    AutogradMeta& meta = *leaf->autograd();
    meta.slab = slab;
    meta.place = slab->all.part(first, leaf->shape());
    if (meta.grad.defined()) {
      meta.place.assign(meta.grad);
      meta.grad = meta.place;
    }
    first += padded(*leaf);
  }
}

Tensor gradients_together(const std::vector<Tensor*>& leaves) {
  const std::shared_ptr<GradientSlab> slab = common_slab(leaves);
  return slab == nullptr ? Tensor() : slab->all;
}

std::vector<Tensor> gradient_slabs(const std::vector<Tensor*>& leaves) {
  std::vector<const GradientSlab*> seen;
  std::vector<Tensor> slabs;
  for (const Tensor* leaf : leaves) {
    const std::shared_ptr<GradientSlab> slab = leaf->requires_grad() ? leaf->autograd()->slab : nullptr;
    if (slab == nullptr)
      throw Error(fmt::format("the gradient of a tensor of shape {} lies in no slab", leaf->shape().text()),
                  "Make the optimizer first.");
    if (std::find(seen.begin(), seen.end(), slab.get()) != seen.end()) continue;
    seen.push_back(slab.get());
    slabs.push_back(slab->all);
  }
  return slabs;
}

void clear_gradients(const std::vector<Tensor*>& leaves) {
  const std::shared_ptr<GradientSlab> slab = common_slab(leaves);
  bool dirty = false;
  for (Tensor* leaf : leaves) {
    if (slab == nullptr) {
      leaf->clear_grad();
    } else {
      dirty = dirty || leaf->grad().defined();
      leaf->autograd()->grad = Tensor();
    }
  }
  if (dirty) slab->all.fill_zero();
}

}  // namespace cardiograd
