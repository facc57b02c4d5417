// Buffers of a product's operands in shared memory: while one step is computed, those of the next steps are on their
// way by cp.async. Two hide a step's own time; where the tensor cores are done before memory has answered, a GPU with
// more shared memory holds more steps. How many there are changes no result.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/precision.h"
#include "kernels/common/check_cuda.h"
#include "kernels/common/gpu_properties.h"
#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr int kMinStages = 2;
inline constexpr int kMaxStages = 4;
// FFMA takes longer than memory: more stages would only cost instructions.
template <class Tile>
inline constexpr int kMaxStagesOf = Tile::kPrecision == Precision::kFp32 ? kMinStages : kMaxStages;
// Dynamic shared memory that a launch has without asking for more, on every GPU, beside a flag of the last block.
inline constexpr std::int64_t kFlagBytes = 16;
inline constexpr std::int64_t kSharedUnasked = 48 * 1024 - kFlagBytes;

// The address of a block's dynamic shared memory, in a register from here on. On sm_90 the compiler would make it again
// in every step, and for that ask for the block's place in its cluster (S2UR), in the queue of memory.
__device__ __forceinline__ float* held_address(float* shared) {
#if defined(__CUDACC__) && __CUDA_ARCH__ >= 900
  auto address = static_cast<unsigned>(__cvta_generic_to_shared(shared));
  asm volatile("" : "+r"(address));
  return static_cast<float*>(__cvta_shared_to_generic(address));
#else
  return shared;
#endif
}

// A ring of `stages` buffers of `floats` each.
template <class Tile>
class Ring {
 public:
  __device__ __forceinline__ Ring(int stages, int floats) : stages_(stages), floats_(floats) {}
  __device__ __forceinline__ int stages() const { return kMaxStagesOf<Tile> == kMinStages ? kMinStages : stages_; }
  // The offset behind `at`.
  __device__ __forceinline__ int after(int at) const {
    if (stages() == 2) return floats_ - at;
    return at + floats_ == stages_ * floats_ ? 0 : at + floats_;
  }
  // The offset before `at`: where the step goes that is stages() - 1 behind the one at `at`.
  __device__ __forceinline__ int before(int at) const {
    if (stages() == 2) return floats_ - at;
    return at == 0 ? (stages_ - 1) * floats_ : at - floats_;
  }
  // Waits for the oldest of the stages - 1 groups of copies that are under way.
  __device__ __forceinline__ void wait() const {
    static_assert(kMinStages == 2 && kMaxStages == 4);
    if (stages() == 2)
      simt::wait_async<0>();
    else if (stages() == 3)
      simt::wait_async<1>();
    else
      simt::wait_async<2>();
  }

 private:
  int stages_;
  int floats_;
};

// Stages of `bytes` of a block that needs `fixed` bytes besides: as many as cost none of the blocks, at most three,
// that a multiprocessor holds with two stages.
template <class Tile>
int pipeline_stages(std::int64_t bytes, std::int64_t fixed = 0) {
  constexpr std::int64_t kDriver = 1024;  // of each block; what one block may ask for leaves it out
  const std::int64_t all = gpu_properties().shared_memory + kDriver;
  const std::int64_t blocks = std::clamp<std::int64_t>(all / (kDriver + fixed + kMinStages * bytes), 1, 3);
  const std::int64_t room = all / blocks - kDriver - fixed;
  return static_cast<int>(std::clamp<std::int64_t>(room / bytes, kMinStages, kMaxStagesOf<Tile>));
}

// simt::launch with `bytes` of dynamic shared memory, also with more than a launch has unasked.
template <auto kKernel, class... Arguments>
void launch_with_shared(unsigned blocks, unsigned threads, std::int64_t bytes, cudaStream_t stream,
                        Arguments&&... arguments) {
  if (bytes > kSharedUnasked)
    check_cuda(cudaFuncSetAttribute(kKernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                    static_cast<int>(bytes + kFlagBytes)),
               "asking for shared memory");
  simt::launch<kKernel>(dim3(blocks), dim3(threads), static_cast<std::size_t>(bytes), stream,
                        std::forward<Arguments>(arguments)...);
}

}  // namespace cardiograd::kernels
