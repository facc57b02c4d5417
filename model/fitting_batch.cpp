#include "model/fitting_batch.h"

#include <algorithm>

#include "engine/autograd.h"
#include "engine/memory.h"

namespace cardiograd::model {
namespace {

// Kept free: blocks of the card's allocator come in pages, and kernels have working memory of their own.
constexpr double kMargin = 0.05;

// Bytes in use at the height of a training step on `count` records.
double peak_of_step(HcCnnTn& net, const BatchSource& source, const std::vector<std::int64_t>& rows, std::size_t count,
                    const Tensor& positive_weight) {
  net.clear_gradients();
  cuda_allocator().reset_peak();
  const Batch batch = source.batch(rows, 0, count);
  backward(ops::weighted_bce(net.forward(batch.signals, batch.features), batch.labels, positive_weight));
  net.clear_gradients();
  return static_cast<double>(cuda_allocator().statistics().peak_in_use);
}

}  // namespace

std::int64_t fitting_batch_size(HcCnnTn& net, const BatchSource& source, const std::vector<std::int64_t>& rows,
                                const Tensor& positive_weight) {
  net.clear_gradients();
  cuda_allocator().release_cached();
  const double available = (1 - kMargin) * static_cast<double>(cuda_memory_for_tensors());
  try {
    const std::size_t few = 2;
    const std::size_t more = std::min<std::size_t>(6, rows.size());
    const double small = peak_of_step(net, source, rows, few, positive_weight);
    if (small > available) return 0;
    if (more <= few) return static_cast<std::int64_t>(few);
    const double large = peak_of_step(net, source, rows, more, positive_weight);
    const double per_record = std::max(1.0, (large - small) / static_cast<double>(more - few));
    return static_cast<std::int64_t>(static_cast<double>(few) + (available - small) / per_record);
  } catch (const OutOfMemory&) {
    return 0;
  }
}

}  // namespace cardiograd::model
