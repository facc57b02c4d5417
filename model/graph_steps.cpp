#include "model/graph_steps.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "engine/autograd.h"
#include "engine/batch_part.h"
#include "engine/ops/ops.h"
#include "engine/optim/clip.h"

namespace cardiograd::model {

GraphSteps::GraphSteps(const Parts& parts)
    : parts_(parts), batches_(parts.loader, parts.planned || parts.loader.crops().samples > 0, parts.places) {}

// The model must not read the step where it no longer is.
GraphSteps::~GraphSteps() {
  parts_.net.set_dropout_step(parts_.dropout_key, 0);
}

void GraphSteps::begin_epoch(const std::vector<std::int64_t>& rows, std::size_t first,
                             const std::vector<kernels::StepRates>& rates) {
  batches_.begin(rows, first, parts_.optimizer.steps(), rates);
  prepare_training(rates);
}

void GraphSteps::begin_epoch(const BatchPlan& plan, const std::vector<kernels::StepRates>& rates) {
  batches_.begin(plan, parts_.optimizer.steps(), rates);
  prepare_training(rates);
}

void GraphSteps::prepare_training(const std::vector<kernels::StepRates>& rates) {
  if (!rates.empty()) parts_.optimizer.prepare_at(rates.front().beta1);
  parts_.net.set_dropout_step_at(parts_.dropout_key, batches_.step());
  parts_.net.set_training(true);
}

void GraphSteps::train(const Share& share, const Tensor& weights) {
  std::optional<BatchPart> part;
  if (parts_.gpus != nullptr)
    part.emplace(BatchPart::Rows{.first = share.first, .batch = share.batch, .counts = share.counts}, nullptr,
                 parts_.shared_statistics ? parts_.gpus : nullptr);
  const Batch batch =
      parts_.planned ? batches_.planned_batch(share.count, parts_.label_smoothing) : batches_.batch(share.count);
  Tensor loss = ops::weighted_bce(parts_.net.forward(batch.signals, batch.features), batch.labels, parts_.pos_weight);
  if (parts_.gpus != nullptr) {
    const Tensor own = std::exchange(loss, parts_.gpus->weighted_sum(loss.detach(), weights));
    parts_.gradients->backward(own, weights.part(parts_.gpus->rank(), {1}));
  } else {
    backward(loss);
  }
  if (parts_.clip_norm > 0) optim::clip_gradients(parts_.net.parameters(), parts_.clip_norm);
  parts_.optimizer.step_at(batches_.rates(), loss, batches_.end(loss, {}, share.count));
  if (parts_.average != nullptr) parts_.average->update_at(batches_.step());  // of the step done: Adam has moved it on
  parts_.net.clear_gradients();
}

void GraphSteps::evaluate(std::int64_t count) {
  const NoGrad no_grad;
  const Batch batch = cuts() ? batches_.planned_batch(count, 0) : batches_.batch(count);
  const Tensor logits = parts_.net.forward(batch.signals, batch.features);
  batches_.finish(ops::weighted_bce(logits, batch.labels, parts_.pos_weight), logits, count);
}

Tensor GraphSteps::weights_of(const Share& share) const {
  return loss_weights(share.batch, parts_.gpus->size()).to(Device::kCuda);
}

CapturedWork& GraphSteps::work_of(bool training, const Share& share) {
  Work& work = works_[{training, share}];
  if (work.captured == nullptr) {
    if (training && parts_.gpus != nullptr) work.weights = weights_of(share);
    work.captured = std::make_unique<CapturedWork>(
        [this, training, share, &work] { training ? train(share, work.weights) : evaluate(share.count); }, blocks_);
  }
  return *work.captured;
}

const CapturedWork* GraphSteps::work(bool training, std::size_t count) const {
  const auto records = static_cast<std::int64_t>(count);
  const auto found = works_.find({training, {.count = records, .batch = records}});
  return found == works_.end() ? nullptr : found->second.captured.get();
}

void GraphSteps::train_step(const Share& share) {
  if (work_of(/*training=*/true, share).run()) parts_.optimizer.count_step();
  batches_.losses().count_step();
}

void GraphSteps::train_step(std::size_t count) {
  const auto records = static_cast<std::int64_t>(count);
  train_step(Share{.count = records, .batch = records});
}

BatchScores GraphSteps::score_batches(const std::vector<std::int64_t>& rows, std::int64_t batch_size,
                                      std::int64_t first_batch, std::int64_t end_batch,
                                      const std::function<void()>& between) {
  parts_.net.set_training(false);
  std::vector<Place> inputs = window_places(parts_.loader, rows);
  const auto size = static_cast<std::size_t>(batch_size);
  const std::size_t end = std::min(inputs.size(), static_cast<std::size_t>(end_batch) * size);
  const std::size_t begin = std::min(end, static_cast<std::size_t>(first_batch) * size);
  inputs = {inputs.begin() + static_cast<std::ptrdiff_t>(begin), inputs.begin() + static_cast<std::ptrdiff_t>(end)};
  if (cuts()) {
    batches_.begin(plan_batches({}, 0, 0, parts_.loader.part_samples(), parts_.loader.leads(), inputs), 0, {});
  } else {
    std::vector<std::int64_t> records;
    records.reserve(inputs.size());
    for (const Place& place : inputs) records.push_back(place.record);
    batches_.begin(records, 0, 0, {});
  }
  const auto count_at = [&](std::size_t first) { return std::min(size, inputs.size() - first); };
  for (std::size_t first = 0; first < inputs.size(); first += size) {
    if (between) between();
    const auto count = static_cast<std::int64_t>(count_at(first));
    work_of(/*training=*/false, {.count = count, .batch = count}).run();
    batches_.losses().count_step();
  }
  BatchScores scores = {.logits = batches_.logits(inputs.size()), .losses = {}};
  std::size_t first = 0;
  for (const float mean : batches_.losses().take(true)) {
    scores.losses.push_back(static_cast<double>(mean) * static_cast<double>(count_at(first)));
    first += count_at(first);
  }
  return scores;
}

}  // namespace cardiograd::model
