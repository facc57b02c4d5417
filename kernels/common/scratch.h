// Working memory of CPU kernels: per thread, grown on demand, kept for the next call, so that a training step allocates
// nothing after its first iteration.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

namespace cardiograd::kernels {

// Uses that may be live at the same time on one thread.
enum class ScratchUse {
  kGemmPack,
  kColumns,
  kPadded,
  kPartial,
  kAttentionA,
  kAttentionB,
  kAttentionC,
  kAttentionD,
  kMask,
  kFactorA,
  kFactorB,
  kCount
};

// A buffer of floats that only grows.
class AlignedFloats {
 public:
  AlignedFloats() = default;
  ~AlignedFloats() { release(); }
  AlignedFloats(const AlignedFloats&) = delete;
  AlignedFloats& operator=(const AlignedFloats&) = delete;

  // At least `count` floats, 64-byte aligned; the content is undefined.
  float* reserve(std::int64_t count) {
    if (count > capacity_) {
      release();
      data_ = static_cast<float*>(::operator new(static_cast<std::size_t>(count) * sizeof(float), kAlignment));
      capacity_ = count;
    }
    return data_;
  }

 private:
  static constexpr std::align_val_t kAlignment{64};
  void release() {
    if (data_ != nullptr) ::operator delete(data_, kAlignment);
    data_ = nullptr;
    capacity_ = 0;
  }
  float* data_ = nullptr;
  std::int64_t capacity_ = 0;
};

// This thread's buffer for `use`: at least `count` floats, 64-byte aligned, undefined; valid until the thread asks for
// that use again.
inline float* scratch(ScratchUse use, std::int64_t count) {
  thread_local AlignedFloats buffers[static_cast<int>(ScratchUse::kCount)];
  return buffers[static_cast<int>(use)].reserve(count);
}

}  // namespace cardiograd::kernels
