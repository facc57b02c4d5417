// Values on their way between host and card, without making either wait for the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/tensor.h"

namespace cardiograd {

// Copies `bytes` bytes of host memory to the card's. They are taken over at once, into pinned memory, and the host goes
// on; it waits only when very many such copies are under way.
void upload(std::byte* to, const void* from, std::size_t bytes);

// Single float32 values that the device computes and the host reads some steps later: a queue. On the CPU a value is
// there at once; from the card it is copied into pinned memory, and only taking it out waits, for it alone.
class ScalarQueue {
 public:
  // `capacity`: the most values in the queue.
  ScalarQueue(Device device, int capacity);
  ~ScalarQueue();
  ScalarQueue(const ScalarQueue&) = delete;
  ScalarQueue& operator=(const ScalarQueue&) = delete;

  // Appends the one value of a tensor on the queue's device. Throws Error when the queue is full.
  void push(const Tensor& value);
  int size() const { return size_; }
  // Removes the oldest value. Throws Error when there is none.
  float pop();

 private:
  struct OnCuda;

  Device device_;
  std::vector<float> values_;        // on the CPU
  std::unique_ptr<OnCuda> on_cuda_;  // on the card
  int capacity_;
  int first_ = 0;
  int size_ = 0;
};

}  // namespace cardiograd
