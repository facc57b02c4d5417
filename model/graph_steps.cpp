#include "model/graph_steps.h"

#include <algorithm>

#include "engine/autograd.h"
#include "engine/ops/ops.h"
#include "engine/optim/clip.h"

namespace cardiograd::model {

GraphSteps::GraphSteps(const Parts& parts) : parts_(parts), batches_(parts.source) {}

// The model must not read the step where it no longer is.
GraphSteps::~GraphSteps() {
  parts_.net.set_dropout_step(parts_.dropout_key, 0);
}

void GraphSteps::begin_epoch(const std::vector<std::int64_t>& rows, std::size_t first,
                             const std::vector<double>& rates) {
  batches_.begin(rows, first, parts_.optimizer.steps(), rates);
  parts_.net.set_dropout_step_at(parts_.dropout_key, batches_.step());
  parts_.net.set_training(true);
}

void GraphSteps::train(std::int64_t count) {
  const Batch batch = batches_.batch(count);
  const Tensor loss =
      ops::weighted_bce(parts_.net.forward(batch.signals, batch.features), batch.labels, parts_.pos_weight);
  backward(loss);
  if (parts_.clip_norm > 0) optim::clip_gradients(parts_.net.parameters(), parts_.clip_norm);
  parts_.optimizer.step_at(batches_.learning_rate(), loss, batches_.end(loss, {}, count));
  parts_.net.clear_gradients();
}

void GraphSteps::evaluate(std::int64_t count) {
  const NoGrad no_grad;
  const Batch batch = batches_.batch(count);
  const Tensor logits = parts_.net.forward(batch.signals, batch.features);
  batches_.finish(ops::weighted_bce(logits, batch.labels, parts_.pos_weight), logits, count);
}

CapturedWork& GraphSteps::work_of(bool training, std::size_t count) {
  std::unique_ptr<CapturedWork>& work = works_[{training, count}];
  if (work == nullptr) {
    const auto records = static_cast<std::int64_t>(count);
    work = std::make_unique<CapturedWork>([this, training, records] { training ? train(records) : evaluate(records); },
                                          blocks_);
  }
  return *work;
}

const CapturedWork* GraphSteps::work(bool training, std::size_t count) const {
  const auto found = works_.find({training, count});
  return found == works_.end() ? nullptr : found->second.get();
}

void GraphSteps::train_step(std::size_t count) {
  if (work_of(/*training=*/true, count).run()) parts_.optimizer.count_step();
  batches_.losses().count_step();
}

Scores GraphSteps::score(const std::vector<std::int64_t>& rows, std::int64_t batch_size,
                         const std::function<void()>& between) {
  parts_.net.set_training(false);
  batches_.begin(rows, 0, 0, {});
  const auto most = static_cast<std::size_t>(batch_size);
  for (std::size_t first = 0; first < rows.size(); first += most) {
    if (between) between();
    work_of(/*training=*/false, std::min(most, rows.size() - first)).run();
    batches_.losses().count_step();
  }
  double loss = 0;
  std::size_t first = 0;
  for (const float mean : batches_.losses().take(true)) {
    const std::size_t count = std::min(most, rows.size() - first);
    loss += static_cast<double>(mean) * static_cast<double>(count);
    first += count;
  }
  return make_scores(batches_.logits(rows.size()), loss / static_cast<double>(rows.size()));
}

}  // namespace cardiograd::model
