#include "engine/memory_plan.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"

namespace cardiograd {
namespace {

constexpr std::size_t kPlannedAlignment = 256;

std::size_t aligned(std::size_t bytes) {
  return std::max<std::size_t>(1, (bytes + kPlannedAlignment - 1) / kPlannedAlignment) * kPlannedAlignment;
}

bool live_together(const PlannedTensor& a, const PlannedTensor& b) {
  return a.born < b.died && b.born < a.died;
}

// `placed` lie in the block in the order of their offsets. The lowest place for `tensor` among those of its time.
std::size_t lowest_offset(const PlannedTensor& tensor, const std::vector<const PlannedTensor*>& placed) {
  std::size_t offset = 0;
  for (const PlannedTensor* other : placed) {
    if (!live_together(tensor, *other)) continue;
    if (offset + aligned(tensor.bytes) <= other->offset) break;
    offset = std::max(offset, other->offset + aligned(other->bytes));
  }
  return offset;
}

void find_height(MemoryPlan& plan) {
  for (const PlannedTensor& at : plan.tensors) {  // Only a birth makes more live.
    std::size_t live = 0;
    for (const PlannedTensor& other : plan.tensors)
      if (other.born <= at.born && at.born < other.died) live += aligned(other.bytes);
    if (live <= plan.peak) continue;
    plan.peak = live;
    plan.height = at.born;
  }
}

}  // namespace

std::vector<const PlannedTensor*> MemoryPlan::at_height() const {
  std::vector<const PlannedTensor*> live;
  for (const PlannedTensor& tensor : tensors)
    if (tensor.born <= height && height < tensor.died) live.push_back(&tensor);
  std::stable_sort(live.begin(), live.end(),
                   [](const PlannedTensor* a, const PlannedTensor* b) { return a->bytes > b->bytes; });
  return live;
}

MemoryPlan plan_memory(std::vector<PlannedTensor> tensors) {
  MemoryPlan plan;
  plan.tensors = std::move(tensors);
  std::vector<PlannedTensor*> order;
  for (PlannedTensor& tensor : plan.tensors) order.push_back(&tensor);
  std::stable_sort(order.begin(), order.end(),
                   [](const PlannedTensor* a, const PlannedTensor* b) { return a->bytes > b->bytes; });
  std::vector<const PlannedTensor*> placed;
  for (PlannedTensor* tensor : order) {
    tensor->offset = lowest_offset(*tensor, placed);
    plan.bytes = std::max(plan.bytes, tensor->offset + aligned(tensor->bytes));
    const auto after =
        std::upper_bound(placed.begin(), placed.end(), tensor,
                         [](const PlannedTensor* a, const PlannedTensor* b) { return a->offset < b->offset; });
    placed.insert(after, tensor);
  }
  find_height(plan);
  return plan;
}

struct BlockMemory::Live {
  std::map<std::size_t, std::size_t> ends;  // of the parts in use, by where they begin
};

BlockMemory::BlockMemory(Device device, const Storage& block, std::size_t bytes)
    : device_(device), block_(block), bytes_(bytes), live_(std::make_shared<Live>()) {}

Storage BlockMemory::allocate(std::size_t bytes) {
  const std::size_t size = aligned(bytes);
  std::size_t offset = 0;
  for (const auto& [begin, end] : live_->ends) {
    if (offset + size <= begin) break;
    offset = end;
  }
  if (offset + size > bytes_) return tensor_memory_without_scope(device_, bytes);
  live_->ends.emplace(offset, offset + size);
  return {block_.get() + offset, [live = live_, block = block_, offset](std::byte*) { live->ends.erase(offset); }};
}

struct MemoryRecorder::Log {
  std::vector<PlannedTensor> tensors;
  std::int64_t events = 0;
  std::size_t named = 0;  // tensors that have the name of their kernel, from the first on
};

Storage MemoryRecorder::allocate(std::size_t bytes) {
  if (log_ == nullptr) log_ = std::make_shared<Log>();
  const std::size_t number = log_->tensors.size();
  log_->tensors.push_back({.bytes = bytes, .born = log_->events++, .died = std::numeric_limits<std::int64_t>::max()});
  const Storage block = source_ != nullptr ? source_->allocate(bytes) : tensor_memory_without_scope(device_, bytes);
  return {block.get(), [log = log_, number, block](std::byte*) { log->tensors[number].died = log->events++; }};
}

void MemoryRecorder::name_tensors(std::string_view kernel, std::string_view layer) {
  if (log_ == nullptr) return;
  for (; log_->named < log_->tensors.size(); ++log_->named) {
    log_->tensors[log_->named].made_by = kernel;
    log_->tensors[log_->named].layer = layer;
  }
}

MemoryPlan MemoryRecorder::plan() const {
  return plan_memory(log_ == nullptr ? std::vector<PlannedTensor>() : log_->tensors);
}

Storage PlannedMemory::allocate(std::size_t bytes) {
  if (next_ == plan_.tensors.size() || plan_.tensors[next_].bytes != bytes) refuse(memory_text(bytes));
  // An owner of its own: whether a tensor is shared is decided by how many there are.
  return {block_.get() + plan_.tensors[next_++].offset, [block = block_](std::byte*) {}};
}

void PlannedMemory::expect_finished() const {
  if (next_ != plan_.tensors.size()) refuse("nothing");
}

void PlannedMemory::refuse(const std::string& found) const {
  const std::string planned = next_ == plan_.tensors.size() ? "nothing more" : memory_text(plan_.tensors[next_].bytes);
  throw Error(fmt::format("recording a step: it asks for {} as its tensor {}, where it asked for {} before", found,
                          next_ + 1, planned),
              "Use --graph off.");
}

}  // namespace cardiograd
