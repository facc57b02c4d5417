#include "model/max_batch_size.h"

#include <algorithm>

#include "engine/autograd.h"
#include "engine/memory.h"
#include "engine/ops/ops.h"

namespace cardiograd::model {
namespace {

// Kept free for the optimizer and the working memory of kernels.
constexpr double kMargin = 0.03;
// A batch that turns out too large is shortened to this fraction of it.
constexpr double kShorter = 0.95;
constexpr std::int64_t kSmallBatch = 2;
constexpr std::int64_t kLargerBatch = 8;

// Bytes in use at the height of a training step on `count` records; throws OutOfMemory when they do not fit.
double peak_of_step(Model& net, const DataLoader& loader, const std::vector<std::int64_t>& rows, std::int64_t count,
                    const Tensor& pos_weight) {
  net.clear_gradients();
  cuda_allocator().release_cached();
  cuda_allocator().reset_peak();
  const Batch batch = loader.batch(rows, 0, static_cast<std::size_t>(count));
  backward(ops::weighted_bce(net.forward(batch.signals, batch.features), batch.labels, pos_weight));
  net.clear_gradients();
  return static_cast<double>(cuda_allocator().statistics().peak_in_use);
}

}  // namespace

std::int64_t max_batch_size(Model& net, const DataLoader& loader, const std::vector<std::int64_t>& rows,
                            const Tensor& pos_weight, std::int64_t too_many) {
  std::int64_t most = std::min(static_cast<std::int64_t>(rows.size()), too_many - 1);
  const auto step = [&](std::int64_t count) { return peak_of_step(net, loader, rows, count, pos_weight); };
  net.set_training(true);
  net.clear_gradients();
  cuda_allocator().release_cached();
  const double available = (1 - kMargin) * static_cast<double>(cuda_memory_for_tensors());
  try {
    const double small = most < kSmallBatch ? available : step(kSmallBatch);
    if (small >= available) return 0;
    if (most > kLargerBatch) {
      const double per_record =
          std::max(1.0, (step(kLargerBatch) - small) / static_cast<double>(kLargerBatch - kSmallBatch));
      most = std::min(most, kSmallBatch + static_cast<std::int64_t>((available - small) / per_record));
    }
  } catch (const OutOfMemory&) {
    most = std::min(most, kLargerBatch - 1);
  }
  for (; most >= kSmallBatch;
       most = std::min(most - 1, static_cast<std::int64_t>(kShorter * static_cast<double>(most)))) {
    try {
      if (step(most) <= available) return most;
    } catch (const OutOfMemory&) {
      continue;
    }
  }
  return 0;
}

}  // namespace cardiograd::model
