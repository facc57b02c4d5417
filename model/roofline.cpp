#include "model/roofline.h"

#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "engine/autograd.h"
#include "engine/observer.h"
#include "engine/ops/ops.h"
#include "engine/optim/adam.h"
#include "engine/precision.h"

namespace cardiograd::model {
namespace {

constexpr double kLearningRate = 3e-4;  // any: no cost depends on it

KernelCall costed(const ObservedKernel& kernel) {
  const kernels::Op* op = kernels::find_op(kernel.name);
  if (op == nullptr || *op->shape_type != kernel.shape.type())
    throw Error(fmt::format("roofline: the op table has no {} of this shape", kernel.name));
  kernels::OpCase work = op->bind(kernel.shape.address());
  const int launches = work.launches - kernel.left_out;
  return {std::string(kernel.layer), op->name, std::move(work), launches};
}

Tensor floats(const Shape& shape, Device device) {
  return Tensor::empty(shape, DType::kFloat32, device);
}

// What the data loader does on a device that holds the whole data set, here of one batch.
Tensor gather_signals(const HcCnnTnConfig& config, std::int64_t batch, Device device) {
  const LayerScope layer("batch");
  std::vector<std::int32_t> index(static_cast<std::size_t>(batch));
  std::iota(index.begin(), index.end(), 0);
  const Tensor signals = Tensor::empty({batch, config.samples, config.leads}, DType::kInt16, device);
  const Tensor per_lead = floats({config.leads}, device);
  return ops::gather_batch(signals, floats({batch, config.leads}, device), Tensor::from(index, {batch}), per_lead,
                           per_lead);
}

Tensor loss_of(const HcCnnTnConfig& config, const Tensor& logits) {
  const LayerScope layer("loss");
  return ops::weighted_bce(logits, logits.new_empty(logits.shape()), logits.new_empty({config.classes}));
}

}  // namespace

std::vector<KernelCall> training_step_calls(const HcCnnTnConfig& config, std::int64_t batch, Device device,
                                            Precision precision) {
  if (batch < 2) throw Error(fmt::format("a training step on a batch of {}, expected 2 or more", batch));
  std::vector<KernelCall> calls;
  const MatmulPrecision rounding(precision);
  const KernelObserver observer([&calls](const ObservedKernel& kernel) { calls.push_back(costed(kernel)); },
                                Execution::kDry);
  HcCnnTn net(config, 0);
  net.to(device);
  net.set_training(true);
  optim::Adam optimizer(net.parameters());
  const Tensor signals = gather_signals(config, batch, device);
  const Tensor features = config.features > 0 ? floats({batch, config.features}, device) : Tensor();
  const Tensor loss = loss_of(config, net.forward(signals, features));
  backward(loss);
  optimizer.step(kLearningRate, loss);
  net.clear_gradients();
  return calls;
}

}  // namespace cardiograd::model
