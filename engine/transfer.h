// Values on their way between host and GPU, without making either wait for the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/tensor.h"

namespace cardiograd {

// Copies `bytes` bytes of host memory to the GPU's. They are taken over at once, into pinned memory, and the host goes
// on; it waits only when very many such copies are under way.
void upload(std::byte* to, const void* from, std::size_t bytes);

// Single float32 values that the device computes and the host reads some steps later: a queue. On the CPU a value is
// there at once; from the GPU it is copied into pinned memory, and only taking it out waits, for it alone.
class AsyncScalars {
 public:
  // `capacity`: the most values in the queue.
  AsyncScalars(Device device, int capacity);
  ~AsyncScalars();
  AsyncScalars(const AsyncScalars&) = delete;
  AsyncScalars& operator=(const AsyncScalars&) = delete;

  // Appends the one value of a tensor on the queue's device. Throws Error when the queue is full.
  void push(const Tensor& value);
  int size() const { return size_; }
  // Removes the oldest value. Throws Error when there is none.
  float pop();

 private:
  struct OnCuda;

  Device device_;
  std::vector<float> values_;        // on the CPU
  std::unique_ptr<OnCuda> on_cuda_;  // on the GPU
  int capacity_;
  int first_ = 0;
  int size_ = 0;
};

}  // namespace cardiograd
