// Timing on the GPU with CUDA's events. In the preset simt the same code runs, and the times say nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "kernels/common/check_cuda.h"
#include "kernels/common/runtime_cuda.h"

namespace cardiograd::bench {

class CudaMemory {
 public:
  explicit CudaMemory(std::size_t bytes) {
    kernels::check_cuda(cudaMalloc(&data_, bytes), fmt::format("allocating {} bytes on the GPU", bytes));
  }
  ~CudaMemory() { cudaFree(data_); }
  CudaMemory(CudaMemory&& other) noexcept : data_(std::exchange(other.data_, nullptr)) {}
  CudaMemory(const CudaMemory&) = delete;
  CudaMemory& operator=(const CudaMemory&) = delete;
  CudaMemory& operator=(CudaMemory&&) = delete;

  void* data() const { return data_; }
  void fill(const void* from, std::size_t bytes) {
    kernels::check_cuda(cudaMemcpy(data_, from, bytes, cudaMemcpyHostToDevice), "copying to the GPU");
  }

 private:
  void* data_ = nullptr;
};

// Times what is put into the default stream, from a cold cache: before each run more bytes are written than any GPU's
// second-level cache holds. They take long enough that launches are queued when they end, so what is measured is the
// GPU's time and not the host's.
class CudaTimer {
 public:
  CudaTimer() : flush_(kFlushBytes) {
    kernels::check_cuda(cudaEventCreate(&start_), "creating an event");
    kernels::check_cuda(cudaEventCreate(&end_), "creating an event");
  }
  ~CudaTimer() {
    cudaEventDestroy(start_);
    cudaEventDestroy(end_);
  }
  CudaTimer(const CudaTimer&) = delete;
  CudaTimer& operator=(const CudaTimer&) = delete;

  template <class Work>
  double seconds(Work&& work) {
    return seconds_after([] {}, std::forward<Work>(work), 1);
  }

  // The time of `times` runs of `work` behind one another, after one untimed run of `before`.
  template <class Before, class Work>
  double seconds_after(Before&& before, Work&& work, std::int64_t times) {
    kernels::check_cuda(cudaMemsetAsync(flush_.data(), 0, kFlushBytes, nullptr), "emptying the cache");
    before();
    kernels::check_cuda(cudaEventRecord(start_, nullptr), "starting the clock");
    for (std::int64_t i = 0; i < times; ++i) work();
    kernels::check_cuda(cudaEventRecord(end_, nullptr), "stopping the clock");
    kernels::check_cuda(cudaEventSynchronize(end_), "waiting for the GPU");
    float milliseconds = 0;
    kernels::check_cuda(cudaEventElapsedTime(&milliseconds, start_, end_), "reading the clock");
    return 1e-3 * static_cast<double>(milliseconds);
  }

 private:
#if defined(CARDIOGRAD_SIMT)
  static constexpr std::size_t kFlushBytes = std::size_t{1} << 10;
#else
  static constexpr std::size_t kFlushBytes = std::size_t{256} << 20;
#endif
  CudaMemory flush_;
  cudaEvent_t start_ = nullptr;
  cudaEvent_t end_ = nullptr;
};

struct CudaGpu {
  std::string name;
  int compute_capability = 0;  // 86 for 8.6
  std::string driver;          // the newest CUDA that it knows
  std::string runtime;         // the CUDA of this build
};

inline CudaGpu describe_gpu() {
  cudaDeviceProp properties = {};
  int driver = 0;
  int runtime = 0;
  kernels::check_cuda(cudaGetDeviceProperties(&properties, 0), "asking for the GPU");
  kernels::check_cuda(cudaDriverGetVersion(&driver), "asking for the driver");
  kernels::check_cuda(cudaRuntimeGetVersion(&runtime), "asking for the runtime");
  const auto text = [](int version) { return fmt::format("{}.{}", version / 1000, version % 1000 / 10); };
  return {properties.name, 10 * properties.major + properties.minor, text(driver), text(runtime)};
}

}  // namespace cardiograd::bench
