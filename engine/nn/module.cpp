#include "engine/nn/module.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "engine/cuda.h"
#include "engine/gradient_slab.h"

namespace cardiograd::nn {

std::vector<Tensor*> tensors_of(const std::vector<NamedTensor>& named) {
  std::vector<Tensor*> tensors;
  for (const NamedTensor& each : named) tensors.push_back(each.tensor);
  return tensors;
}

void Module::for_each_module(const std::string& prefix, const std::function<void(const std::string&, Module&)>& visit) {
  visit(prefix, *this);
  for (Module* child : children_) child->for_each_module(prefix + child->name_ + ".", visit);
}

std::vector<NamedTensor> Module::named_tensors() {
  std::vector<NamedTensor> all;
  for_each_module("", [&all](const std::string& prefix, Module& module) {
    for (NamedTensor named : module.own_) {
      named.name = prefix + named.name;
      all.push_back(std::move(named));
    }
  });
  return all;
}

std::vector<NamedTensor> Module::parameters() {
  std::vector<NamedTensor> all;
  for_each_module("", [&all](const std::string& prefix, Module& module) {
    if (module.frozen_) return;
    for (NamedTensor named : module.own_) {
      if (!named.is_parameter) continue;
      named.name = prefix + named.name;
      all.push_back(std::move(named));
    }
  });
  return all;
}

void Module::clear_gradients() {
  cardiograd::clear_gradients(tensors_of(parameters()));
}

void Module::to(Device device) {
  for_each_module("", [device](const std::string&, Module& module) {
    module.refresh_constants();
    for (const NamedTensor& named : module.own_) {
      *named.tensor = named.tensor->to(device);
      named.tensor->set_requires_grad(named.is_parameter && !module.frozen_);
    }
    for (Tensor* constant : module.constants_) *constant = constant->to(device);
  });
}

void Module::set_training(bool training) {
  for_each_module("",
                  [training](const std::string&, Module& module) { module.training_ = training && !module.frozen_; });
}

void Module::freeze() {
  for_each_module("", [](const std::string&, Module& module) {
    module.frozen_ = true;
    module.training_ = false;
    for (const NamedTensor& named : module.own_) named.tensor->set_requires_grad(false);
  });
}

void Module::set_dropout_step(std::uint64_t seed, std::uint32_t step) {
  set_dropouts({.seed = seed, .step = step});
}

void Module::set_dropout_step_at(std::uint64_t seed, const std::uint32_t* step) {
  set_dropouts({.seed = seed, .step_at = step});
}

// All but the layer and the probability.
void Module::set_dropouts(const kernels::DropoutKey& key) {
  std::uint32_t layer = 0;
  for_each_module("", [&](const std::string&, Module& module) {
    for (kernels::DropoutKey* each : module.dropouts_) {
      each->seed = key.seed;
      each->step = key.step;
      each->step_at = key.step_at;
      each->layer = layer++;
    }
  });
}

void Module::add_parameter(std::string name, Tensor& tensor, Layout layout) {
  tensor.set_requires_grad(true);
  own_.push_back({std::move(name), &tensor, layout, true});
}

void Module::add_buffer(std::string name, Tensor& tensor) {
  own_.push_back({std::move(name), &tensor, Layout::kSame, false});
}

void Module::add_constant(Tensor& tensor) {
  constants_.push_back(&tensor);
}

void Module::add_module(std::string name, Module& module) {
  if (std::any_of(children_.begin(), children_.end(), [&name](const Module* child) { return child->name_ == name; }))
    throw Error(fmt::format("a module has two modules named '{}' inside", name));
  module.name_ = std::move(name);
  children_.push_back(&module);
}

void Module::add_dropout(kernels::DropoutKey& key) {
  dropouts_.push_back(&key);
}

kernels::DropoutKey Module::active(const kernels::DropoutKey& key) const {
  kernels::DropoutKey result = key;
  if (!training_) result.probability = 0;
  if (result.probability > 0 && result.step_at == nullptr && cuda::capturing())
    throw Error(
        "a recorded step with dropout whose step comes from the host: every replay would drop the same elements",
        "Give the place of the step in the GPU's memory: set_dropout_step_at().");
  return result;
}

}  // namespace cardiograd::nn
