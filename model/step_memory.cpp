#include "model/step_memory.h"

#include "engine/autograd.h"
#include "engine/observer.h"
#include "engine/ops/ops.h"
#include "engine/optim/adam.h"
#include "engine/optim/clip.h"

namespace cardiograd::model {
namespace {

Tensor floats(const Shape& shape) {
  return Tensor::empty(shape, DType::kFloat32, Device::kCuda);
}

// What GraphSteps and its DeviceBatches keep in the GPU's memory.
struct Lasting {
  Lasting(const DataShape& shape, std::int64_t records)
      : signals(Tensor::empty({records, shape.samples, shape.leads}, DType::kInt16, Device::kCuda)),
        scales(floats({records, shape.leads})),
        features(floats({records, shape.features})),
        labels(floats({records, shape.classes})),
        order(Tensor::empty({records}, DType::kInt32, Device::kCuda)),
        first(Tensor::empty({1}, DType::kInt32, Device::kCuda)),
        per_lead(floats({shape.leads})),
        pos_weight(floats({shape.classes})) {}
  std::size_t bytes() const {
    return signals.byte_count() + scales.byte_count() + features.byte_count() + labels.byte_count() +
           order.byte_count();
  }

  Tensor signals, scales, features, labels, order, first, per_lead, pos_weight;
};

void step(Model& net, optim::Adam& optimizer, const Lasting& lasting, std::int64_t batch, bool clip) {
  Tensor features;
  Tensor labels;
  Tensor signals;
  {
    const LayerScope layer("batch");
    ops::BatchRows rows = ops::batch_rows(lasting.order, lasting.first, lasting.features, lasting.labels, batch);
    signals = ops::gather_batch(lasting.signals, lasting.scales, rows.rows, lasting.per_lead, lasting.per_lead);
    features = net.shape().features > 0 ? rows.features : Tensor();
    labels = rows.labels;
  }
  Tensor loss;
  {
    const Tensor logits = net.forward(signals, features);
    const LayerScope layer("loss");
    loss = ops::weighted_bce(logits, labels, lasting.pos_weight);
  }
  backward(loss);
  if (clip) optim::clip_gradients(net.parameters(), 1);
  optimizer.step(1, loss);
  net.clear_gradients();
}

}  // namespace

StepMemory plan_training_step(const BuildModel& build, std::int64_t records, std::int64_t batch, bool clip) {
  StepMemory memory;
  MemoryRecorder recorder(Device::kCuda);
  const KernelObserver observer([&](const ObservedKernel& kernel) { recorder.name_tensors(kernel.name, kernel.layer); },
                                Execution::kDry);
  const std::unique_ptr<Model> net = build();
  net->to(Device::kCuda);
  net->set_training(true);
  const Lasting lasting(net->shape(), records);
  memory.data = lasting.bytes();
  for (const nn::NamedTensor& named : net->named_tensors()) {
    memory.parameters += named.tensor->byte_count();
    if (!named.is_parameter) continue;
    memory.gradients += named.tensor->byte_count();
    memory.moments += 2 * named.tensor->byte_count();
  }
  optim::Adam optimizer(net->parameters());
  {
    const TensorMemoryScope scope(Device::kCuda, &recorder);
    step(*net, optimizer, lasting, batch, clip);
  }
  memory.step = recorder.plan();
  return memory;
}

std::int64_t largest_batch(const BuildModel& build, std::int64_t records, bool clip, std::size_t bytes,
                           std::int64_t most) {
  const auto fits = [&](std::int64_t batch) {
    return plan_training_step(build, records, batch, clip).total() <= bytes;
  };
  std::int64_t low = 1;  // fits, or is too small to count
  std::int64_t high = most + 1;
  while (high - low > 1) {
    const std::int64_t middle = low + (high - low) / 2;
    (fits(middle) ? low : high) = middle;
  }
  return low < 2 ? 0 : low;
}

}  // namespace cardiograd::model
