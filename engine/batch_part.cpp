#include "engine/batch_part.h"

#include <utility>
#include <vector>

namespace cardiograd {
namespace {

thread_local const BatchPart* current_part = nullptr;

}  // namespace

BatchPart::BatchPart(const Rows& rows, ProcessGroup* statistics, GpuGroup* gpu_statistics)
    : rows_(rows),
      statistics_(statistics),
      gpu_statistics_(gpu_statistics),
      before_(std::exchange(current_part, this)) {}

BatchPart::~BatchPart() {
  current_part = before_;
}

const BatchPart* BatchPart::current() {
  return current_part;
}

Tensor loss_weights(std::int64_t batch, int ranks) {
  std::vector<float> weights;
  for (int r = 0; r < ranks; ++r)
    weights.push_back(
        static_cast<float>(static_cast<double>(part_of_rank(batch, r, ranks).count()) / static_cast<double>(batch)));
  return Tensor::from(weights, {ranks});
}

kernels::DropoutKey key_of_part(const kernels::DropoutKey& key, std::int64_t per_row) {
  kernels::DropoutKey own = key;
  if (current_part != nullptr) own.first += current_part->rows().first * per_row;
  return own;
}

}  // namespace cardiograd
