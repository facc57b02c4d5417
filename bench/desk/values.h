// The buffers of one call of an operation, on the host.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <vector>

#include "kernels/op_table.h"

namespace cardiograd::bench {

// Bytes at a multiple of 64, as the engine's tensors are.
class HostBuffer {
 public:
  explicit HostBuffer(std::size_t bytes);
  HostBuffer(const HostBuffer& other);
  HostBuffer(HostBuffer&&) noexcept = default;
  HostBuffer& operator=(const HostBuffer&) = delete;
  HostBuffer& operator=(HostBuffer&&) noexcept = default;
  ~HostBuffer() = default;

  std::size_t bytes() const { return bytes_; }
  std::byte* data() const { return data_.get(); }
  float* floats() const { return reinterpret_cast<float*>(data_.get()); }

 private:
  static constexpr std::align_val_t kAlignment{64};
  struct Free {
    void operator()(std::byte* memory) const { ::operator delete(memory, kAlignment); }
  };
  std::unique_ptr<std::byte, Free> data_;
  std::size_t bytes_ = 0;
};

using HostBuffers = std::vector<HostBuffer>;

// Standard normal.
HostBuffer random_floats(std::int64_t count, std::uint64_t seed);

// In the order of OpCase::buffers, as its functions take them.
std::vector<void*> pointers_of(const HostBuffers& buffers);

// Inputs random (what BufferSpec::fill says), outputs NaN, accumulated and updated buffers random. What a gradient
// takes from its forward direction (y, mean, lse, ...) is what that direction makes of the same inputs.
HostBuffers make_inputs(const kernels::Op& op, const kernels::OpCase& work, std::uint64_t seed);

}  // namespace cardiograd::bench
