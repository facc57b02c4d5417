// The gradients of a step added up over all ranks while the backward pass goes on: in buckets from the last layers to
// the first, each as soon as nothing more is added to it. In the order of ranks and in double, as the sums of the
// groups: the same bits whatever the buckets are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "engine/autograd.h"
#include "engine/gpu_group.h"
#include "engine/process_group.h"
#include "engine/tensor.h"

namespace cardiograd {

// Bytes of a bucket, about: few enough that there are some, so many that the way of a message is the smaller part of
// its time.
inline constexpr std::int64_t kBucketBytes = std::int64_t{1} << 20;

class GradientExchange {
 public:
  // The gradients of `leaves` lie in slabs (gradient_slab.h), those of the first layers first; all ranks have the same.
  // Throws Error for a leaf without a slab.
  explicit GradientExchange(const std::vector<Tensor*>& leaves, std::int64_t bucket_bytes = kBucketBytes);
  virtual ~GradientExchange() = default;
  GradientExchange(const GradientExchange&) = delete;
  GradientExchange& operator=(const GradientExchange&) = delete;

  // backward(y, dy); then the gradients of all leaves are the sums over all ranks. Every rank must call it. On the GPU
  // that is so for what is put into the engine's stream afterwards.
  void backward(const Tensor& y, const Tensor& dy);

  // The parts of the slabs that go together, in the order in which they go.
  const std::vector<Tensor>& buckets() const { return buckets_; }

 protected:
  // Begins to add up buckets()[number], and lets those before go on.
  virtual void begin(std::size_t number) = 0;
  // Until all are added up.
  virtual void finish() = 0;
  // What an exception has left of a step before.
  virtual void forget() {}

 private:
  void gradient_is_ready(const AutogradMeta& leaf);

  std::vector<Tensor> buckets_;
  std::vector<int> leaves_;                                         // of each bucket
  std::unordered_map<const AutogradMeta*, std::size_t> bucket_of_;  // each leaf
  std::vector<int> missing_;                                        // leaves of each bucket, in this step
  std::size_t next_ = 0;
};

// Between processes, from the memory of the CPU. What has arrived is taken whenever a bucket begins.
std::unique_ptr<GradientExchange> exchange_between(ProcessGroup& group, const std::vector<Tensor*>& leaves,
                                                   std::int64_t bucket_bytes = kBucketBytes);
// Between GPUs, beside the engine's stream (cuda::Beside). May be recorded in a graph.
std::unique_ptr<GradientExchange> exchange_between(GpuGroup& group, const std::vector<Tensor*>& leaves,
                                                   std::int64_t bucket_bytes = kBucketBytes);

}  // namespace cardiograd
