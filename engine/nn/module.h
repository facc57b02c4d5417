// A layer or a model: named parameters and buffers, and modules inside modules. Names join with dots, as PyTorch's do.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/philox.h"
#include "engine/tensor.h"
#include "kernels/dropout/dropout.h"

namespace cardiograd::nn {

// How a tensor's memory differs from PyTorch's; files carry PyTorch's shapes.
enum class Layout {
  kSame,
  kLinear,  // here (inputs, outputs), PyTorch (outputs, inputs)
  kConv1d,  // here (K, Cin, Cout), PyTorch (Cout, Cin, K)
};

// A registered tensor; `name` begins with the names of the modules around it: "conv.weight".
struct NamedTensor {
  std::string name;
  Tensor* tensor = nullptr;
  Layout layout = Layout::kSame;
  bool is_parameter = true;  // false: a buffer
};

// The tensors themselves, in the same order.
std::vector<Tensor*> tensors_of(const std::vector<NamedTensor>& named);

// A layer or a model: registers its parameters and buffers and the modules inside it by name, as PyTorch does.
class Module {
 public:
  Module() = default;
  virtual ~Module() = default;
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  // Parameters and buffers of this module and those inside it, in the order of registration.
  std::vector<NamedTensor> named_tensors();
  // The parameters alone, but for frozen ones.
  std::vector<NamedTensor> parameters();
  // Lets go of the parameters' gradients, which backward() otherwise adds to.
  void clear_gradients();

  // Moves parameters, buffers and constants to `device`. Gradients stay behind; an optimizer is made after it. Throws
  // Error for a device that is not available.
  void to(Device device);

  // The name under which this module stands in another, "" when it stands in none.
  const std::string& name() const { return name_; }

  // Training mode: dropout drops and batch norm uses the batch's statistics. The initial mode is evaluation.
  void set_training(bool training);
  bool training() const { return training_; }

  // Keeps this module and those inside it as they are from now on: no gradients are computed for its parameters, and it
  // stays in evaluation mode, so that running statistics do not move and nothing is dropped. Before an optimizer is
  // made.
  void freeze();

  // Which random numbers dropout layers draw: a function of the run's seed and the training step.
  void set_dropout_step(std::uint64_t seed, std::uint32_t step);
  // The same with a step that lies at `step` in the GPU's memory, read whenever a kernel runs.
  void set_dropout_step_at(std::uint64_t seed, const std::uint32_t* step);

 protected:
  // Registers a tensor of this module, which must live as long as it: one that training changes and gradients are
  // computed for, or one that only files carry, such as running statistics.
  void add_parameter(std::string name, Tensor& tensor, Layout layout = Layout::kSame);
  void add_buffer(std::string name, Tensor& tensor);
  // A tensor that belongs to no file but moves with the module.
  void add_constant(Tensor& tensor);
  // Called before the tensors move: for constants that follow from tensors that a file may have changed since.
  virtual void refresh_constants() {}
  // Registers a module inside this one, which must live as long as it; its tensors are called "<name>.weight", ...
  // Throws Error when there is one of this name.
  void add_module(std::string name, Module& module);
  // A dropout that this module applies in forward(); set_dropout_step() gives each its own random numbers. `key` must
  // live as long as the module.
  void add_dropout(kernels::DropoutKey& key);
  // The key in training, probability 0 otherwise.
  kernels::DropoutKey active(const kernels::DropoutKey& key) const;

 private:
  void set_dropouts(const kernels::DropoutKey& key);
  void for_each_module(const std::string& prefix, const std::function<void(const std::string&, Module&)>& visit);

  std::string name_;
  std::vector<NamedTensor> own_;
  std::vector<Module*> children_;
  std::vector<Tensor*> constants_;
  std::vector<kernels::DropoutKey*> dropouts_;
  bool training_ = false;
  bool frozen_ = false;
};

}  // namespace cardiograd::nn
