// Values on their way between host and GPU, without making either wait for the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/tensor.h"

namespace cardiograd {

// Copies `bytes` bytes of host memory to the GPU's. They are copied to pinned memory before it returns, and from there
// by the stream; the host waits only when very many such copies are pending. Throws Error where there is no GPU.
void upload(std::byte* to, const void* from, std::size_t bytes);

// A queue of single float32 values that the device computes and the host reads some steps later, such as losses. On the
// CPU a value is there at once; from the GPU it is copied into pinned memory, and only pop() waits, for that copy
// alone.
class AsyncScalars {
 public:
  // `capacity`: the most values in the queue, 1 or more. Throws Error where the device is not available.
  AsyncScalars(Device device, int capacity);
  ~AsyncScalars();
  AsyncScalars(const AsyncScalars&) = delete;
  AsyncScalars& operator=(const AsyncScalars&) = delete;

  // Appends the one value of a tensor on the queue's device. Throws Error for another tensor and when the queue is
  // full.
  void push(const Tensor& value);
  // How many values are pending.
  int size() const { return static_cast<int>(size_); }
  // Removes the oldest value. Throws Error when there is none.
  float pop();

 private:
  struct OnCuda;

  Device device_;
  std::vector<float> values_;        // on the CPU
  std::unique_ptr<OnCuda> on_cuda_;  // on the GPU
  std::size_t capacity_;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

}  // namespace cardiograd
