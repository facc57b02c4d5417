#include "engine/transfer.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>
#include <mutex>

#include <fmt/format.h>

#include "base/error.h"
#include "engine/cuda.h"

namespace cardiograd {
namespace {

constexpr std::size_t kSmallestPiece = std::size_t{4} << 10;
constexpr std::size_t kLargestPiece = std::size_t{4} << 20;
// How many pieces of one size there are. Two large ones: one is filled while the other is copied. Many small ones, so
// that the host can run some steps ahead of the GPU before it has to wait for a piece.
constexpr std::size_t pieces_of(std::size_t size) {
  return std::max<std::size_t>(2, (std::size_t{1} << 20) / size);
}

// Pinned memory that values wait in until the stream has copied them: a ring of pieces for each size.
class Staging {
 public:
  void send(std::byte* to, const std::byte* from, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    const std::size_t size = std::clamp(std::bit_ceil(bytes), kSmallestPiece, kLargestPiece);
    const auto [found, is_new] = rings_.try_emplace(size);
    Ring& ring = found->second;
    if (is_new) {
      ring.storage = pinned_allocator().allocate(size * pieces_of(size));
      for (std::size_t i = 0; i < pieces_of(size); ++i) ring.sent.emplace_back();
    }
    std::byte* piece = ring.storage.get() + ring.next * size;
    cuda::Event& sent = ring.sent[ring.next];
    ring.next = (ring.next + 1) % ring.sent.size();
    sent.wait();
    std::memcpy(piece, from, bytes);
    cuda::copy(to, piece, bytes, cuda::Direction::kToDevice);
    sent.record();
  }

 private:
  struct Ring {
    Storage storage;
    std::vector<cuda::Event> sent;  // of each piece
    std::size_t next = 0;
  };

  std::mutex mutex_;
  std::map<std::size_t, Ring> rings_;  // by size of their pieces
};

}  // namespace

void upload(std::byte* to, const void* from, std::size_t bytes) {
  if (cuda::capturing())
    throw Error(fmt::format("a recorded step copies {} from the host: every replay would copy the same values",
                            memory_text(bytes)),
                "What changes from step to step must lie in device memory before the step.");
  static auto* staging = new Staging;  // Never destroyed, as the stream.
  const auto* source = static_cast<const std::byte*>(from);
  for (std::size_t done = 0; done < bytes; done += kLargestPiece)
    staging->send(to + done, source + done, std::min(kLargestPiece, bytes - done));
}

struct AsyncScalars::OnCuda {
  explicit OnCuda(std::size_t capacity)
      : storage(pinned_allocator().allocate(capacity * sizeof(float))), arrived(capacity) {}
  float* slot(std::size_t index) { return reinterpret_cast<float*>(storage.get()) + index; }

  Storage storage;
  std::vector<cuda::Event> arrived;
};

AsyncScalars::AsyncScalars(Device device, int capacity)
    : device_(device), capacity_(static_cast<std::size_t>(capacity)) {
  if (device == Device::kCpu)
    values_.resize(capacity_);
  else
    on_cuda_ = std::make_unique<OnCuda>(capacity_);
}

// The stream may still hold copies into the pinned memory.
AsyncScalars::~AsyncScalars() {
  try {
    while (size_ > 0) pop();
  } catch (const Error&) {  // The next call that waits for the stream reports it.
  }
}

void AsyncScalars::push(const Tensor& value) {
  if (size_ == capacity_) throw Error(fmt::format("queue of {} values: full", capacity_));
  if (value.count() != 1 || value.device() != device_)
    throw Error(fmt::format("queue of values on {}: given a tensor of shape {} on {}", device_name(device_),
                            value.shape().text(), device_name(value.device())));
  const std::size_t slot = (first_ + size_) % capacity_;
  if (on_cuda_ == nullptr) {
    values_[slot] = value.data()[0];
  } else {
    cuda::copy(on_cuda_->slot(slot), value.address<float>(), sizeof(float), cuda::Direction::kToHost);
    on_cuda_->arrived[slot].record();
  }
  ++size_;
}

float AsyncScalars::pop() {
  if (size_ == 0) throw Error("queue of values: empty");
  const std::size_t slot = first_;
  first_ = (first_ + 1) % capacity_;
  --size_;
  if (on_cuda_ == nullptr) return values_[slot];
  on_cuda_->arrived[slot].wait();
  return *on_cuda_->slot(slot);
}

}  // namespace cardiograd
