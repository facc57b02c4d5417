// Memory on the GPU for an opponent, in the layout and number type that its library wants.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/cuda_timing.h"
#include "bench/desk/values.h"
#include "bench/opponents/opponent.h"

namespace cardiograd::bench {

enum class GpuNumber { kFloat, kBFloat16 };

constexpr std::size_t gpu_number_bytes(GpuNumber number) {
  return number == GpuNumber::kFloat ? 4 : 2;
}

class GpuCall {
 public:
  explicit GpuCall(kernels::OpCase work) : work_(std::move(work)) {}

  // Device memory for the named buffer. `axes` are the buffer's axes in the order in which they lie there; empty: as in
  // the case. Throws Error for a name that the case does not have.
  void* buffer(const std::string& name, GpuNumber number = GpuNumber::kFloat,
               const std::vector<std::size_t>& axes = {});
  // Device memory that is no buffer of the case; zeros.
  void* extra(std::size_t bytes);
  // Called after inputs were loaded: what a forward pass has left behind.
  void before(std::function<void()> prepare) { preparations_.push_back(std::move(prepare)); }

  void load(void* const* buffers);
  void store(void* const* buffers) const;
  // The written buffers that have memory here.
  std::vector<std::string> writes() const;

 private:
  struct Bound {
    std::size_t index;  // of the case's buffer
    GpuNumber number;
    std::vector<std::int64_t> places;  // where element i of the memory lies in the case's buffer; empty: at i
    std::size_t memory;
  };
  kernels::OpCase work_;
  std::vector<Bound> bound_;
  std::vector<CudaMemory> memory_;
  std::vector<std::function<void()>> preparations_;
};

// `run` puts the work into the default stream.
Opponent gpu_opponent(const std::string& name, const std::string& path, const std::shared_ptr<GpuCall>& call,
                      std::function<void()> run, const std::string& note = "");

// The index and the time in seconds of the fastest of `count` works, each the median of three runs from a cold cache.
// A work that throws is left out; Error where all do.
std::size_t fastest_on_gpu(std::size_t count, const std::function<void(std::size_t)>& work);

}  // namespace cardiograd::bench
