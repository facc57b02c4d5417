#include "engine/batch_part.h"

#include <utility>

namespace cardiograd {
namespace {

thread_local const BatchPart* current_part = nullptr;

}  // namespace

BatchPart::BatchPart(const Rows& rows, ProcessGroup* statistics)
    : rows_(rows), statistics_(statistics), before_(std::exchange(current_part, this)) {}

BatchPart::~BatchPart() {
  current_part = before_;
}

const BatchPart* BatchPart::current() {
  return current_part;
}

kernels::DropoutKey key_of_part(const kernels::DropoutKey& key, std::int64_t per_row) {
  kernels::DropoutKey own = key;
  if (current_part != nullptr) own.first += current_part->rows().first * per_row;
  return own;
}

}  // namespace cardiograd
