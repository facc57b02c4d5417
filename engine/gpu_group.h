// The GPUs of the processes of a group, one each: what they send each other is work in the engine's stream, in order
// with kernels and copies. Nothing here waits for it, and a graph may record it.
//
// Every rank must make the same calls in the same order. A rank that does not come lets the GPUs of the others wait:
// processes meet (process_group.h) before they wait for their GPU, and that wait has an end (nccl/nccl_group.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/tensor.h"

namespace cardiograd {

// Floats in the GPU's memory.
struct GpuSpan {
  float* values = nullptr;
  std::int64_t count = 0;
};
struct ConstGpuSpan {
  const float* values = nullptr;
  std::int64_t count = 0;
};

// Work of all ranks in their streams.
class GpuGroup {
 public:
  GpuGroup() = default;
  virtual ~GpuGroup() = default;
  GpuGroup(const GpuGroup&) = delete;
  GpuGroup& operator=(const GpuGroup&) = delete;

  // Of this process, from 0.
  virtual int rank() const = 0;
  virtual int size() const = 0;

  // Sends sent[r] to each rank r and receives received[r] from it; one's own part is copied, unless it stays where it
  // is. What one rank sends must be as long as what the other expects; nothing is sent for empty parts. Throws Error.
  virtual void exchange(const std::vector<ConstGpuSpan>& sent, const std::vector<GpuSpan>& received) = 0;

  // The values of all ranks, each as many, in the order of ranks: (size, count of own). All tensors are float32 on the
  // GPU.
  Tensor gather(const Tensor& own);
  // The sum over r of weights[r] * value of rank r, in double and in the order of ranks; `weights` (size).
  Tensor weighted_sum(const Tensor& own, const Tensor& weights);
  // Replaces the values by their sum over all ranks, added up in double in the order of ranks: the same bits in every
  // run. Of many values each rank adds up one part and sends it to the others, so that 2 (size - 1) / size of them go
  // out of each, as with a ring; of few all ranks add up all, in one exchange instead of two. Returns the memory that
  // it works with: to be kept where the stream is not the engine's (cuda::Beside).
  Tensor sum(Tensor& values);

 private:
  Tensor sum_parts(Tensor& values);
};

// What identifies a GPU among all that a job has: its machine and its place there, "node3 0000:17:00.0".
std::string identity_of_gpu();

}  // namespace cardiograd
