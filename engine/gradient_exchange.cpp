#include "engine/gradient_exchange.h"

#include <algorithm>

#include "engine/cuda.h"
#include "engine/gradient_slab.h"

namespace cardiograd {
namespace {

// The leaves whose gradients lie in this slab, the last one first.
std::vector<const AutogradMeta*> leaves_in(const Tensor& slab, const std::vector<Tensor*>& leaves) {
  std::vector<const AutogradMeta*> found;
  for (const Tensor* leaf : leaves)
    if (leaf->autograd()->slab->all.address() == slab.address()) found.push_back(leaf->autograd().get());
  std::sort(found.begin(), found.end(),
            [](const auto* a, const auto* b) { return a->place.address() > b->place.address(); });
  return found;
}

class ProcessExchange : public GradientExchange {
 public:
  ProcessExchange(ProcessGroup& group, const std::vector<Tensor*>& leaves, std::int64_t bucket_bytes)
      : GradientExchange(leaves, bucket_bytes), group_(group) {}

 protected:
  void begin(std::size_t number) override {
    for (const auto& sum : pending_) sum->finished();
    Tensor bucket = buckets()[number];
    const int lane = 1 + 2 * static_cast<int>(number);
    pending_.push_back(std::make_unique<PendingSum>(group_, "gradients", lane, bucket.data(), bucket.count()));
  }
  void finish() override {
    for (const auto& sum : pending_) sum->wait();
    pending_.clear();
  }
  void forget() override { pending_.clear(); }

 private:
  ProcessGroup& group_;
  std::vector<std::unique_ptr<PendingSum>> pending_;
};

class GpuExchange : public GradientExchange {
 public:
  GpuExchange(GpuGroup& group, const std::vector<Tensor*>& leaves, std::int64_t bucket_bytes)
      : GradientExchange(leaves, bucket_bytes), group_(group) {}

 protected:
  void begin(std::size_t number) override {
    const cuda::Beside beside;
    Tensor bucket = buckets()[number];
    working_memory_.push_back(group_.sum(bucket));
  }
  void finish() override {
    cuda::join_beside();
    working_memory_.clear();
  }
  void forget() override {
    if (!working_memory_.empty()) finish();
  }

 private:
  GpuGroup& group_;
  std::vector<Tensor> working_memory_;
};

}  // namespace

// Between two leaves lie zeros, which stay zeros.
GradientExchange::GradientExchange(const std::vector<Tensor*>& leaves, std::int64_t bucket_bytes) {
  const auto enough = bucket_bytes / static_cast<std::int64_t>(sizeof(float));
  for (const Tensor& slab : gradient_slabs(leaves)) {
    std::int64_t end = slab.count(), first = end;
    const auto close = [&] {
      if (first < end) buckets_.push_back(slab.part(first, {end - first}));
      end = first;
    };
    for (const AutogradMeta* leaf : leaves_in(slab, leaves)) {
      if (first == end) leaves_.push_back(0);
      first = leaf->place.address() - slab.address();
      bucket_of_[leaf] = buckets_.size();
      ++leaves_.back();
      if (end - first >= enough) close();
    }
    close();
  }
}

void GradientExchange::backward(const Tensor& y, const Tensor& dy) {
  forget();
  missing_ = leaves_;
  next_ = 0;
  cardiograd::backward(y, dy, [this](const AutogradMeta& leaf) { gradient_is_ready(leaf); });
  while (next_ < buckets_.size()) begin(next_++);  // Leaves that y does not depend on.
  finish();
}

// In the order of the buckets whatever the order of the leaves is: all ranks make the same calls.
void GradientExchange::gradient_is_ready(const AutogradMeta& leaf) {
  const auto bucket = bucket_of_.find(&leaf);
  if (bucket == bucket_of_.end()) return;  // Of other leaves.
  --missing_[bucket->second];
  while (next_ < buckets_.size() && missing_[next_] == 0) begin(next_++);
}

std::unique_ptr<GradientExchange> exchange_between(ProcessGroup& group, const std::vector<Tensor*>& leaves,
                                                   std::int64_t bucket_bytes) {
  return std::make_unique<ProcessExchange>(group, leaves, bucket_bytes);
}

std::unique_ptr<GradientExchange> exchange_between(GpuGroup& group, const std::vector<Tensor*>& leaves,
                                                   std::int64_t bucket_bytes) {
  return std::make_unique<GpuExchange>(group, leaves, bucket_bytes);
}

}  // namespace cardiograd
