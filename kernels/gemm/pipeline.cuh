// Buffers of a product's operands in shared memory: while one step is computed, those of the next steps are on their
// way by cp.async. Two hide a step's own time; where the tensor cores are done before memory has answered, a GPU with
// more shared memory holds more steps. How many there are changes no result.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

#include "kernels/common/check_cuda.h"
#include "kernels/common/gpu_properties.h"
#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr int kMinStages = 2;
#ifndef CG_MAX
#define CG_MAX 4
#endif
inline constexpr int kMaxStages = CG_MAX;
// Dynamic shared memory that a launch has without asking for more, on every GPU, beside a flag of the last block.
inline constexpr std::int64_t kFlagBytes = 16;
inline constexpr std::int64_t kSharedUnasked = 48 * 1024 - kFlagBytes;

// A ring of `stages` buffers of `floats` each.
struct Ring {
  int floats;
  int end;

  __device__ __forceinline__ Ring(int stages, int floats) : floats(floats), end(stages * floats) {}
  // The offset behind `at`.
  __device__ __forceinline__ int after(int at) const { return at + floats == end ? 0 : at + floats; }
};

// Waits for the oldest of the stages - 1 groups of copies that are under way.
__device__ __forceinline__ void wait_for_oldest(int stages) {
  static_assert(kMinStages == 2 && kMaxStages <= 6);
  switch (stages) {
    case 2:
      return simt::wait_async<0>();
    case 3:
      return simt::wait_async<1>();
    case 4:
      return simt::wait_async<2>();
    case 5:
      return simt::wait_async<3>();
    default:
      return simt::wait_async<4>();
  }
}

// Stages of `bytes` of a block that needs `fixed` bytes besides: as many as cost none of the blocks, at most three,
// that a multiprocessor holds with two stages.
inline int pipeline_stages(std::int64_t bytes, std::int64_t fixed = 0) {
  constexpr std::int64_t kDriver = 1024;  // of each block; what one block may ask for leaves it out
  const std::int64_t all = gpu_properties().shared_memory + kDriver;
  const std::int64_t blocks = std::clamp<std::int64_t>(all / (kDriver + fixed + kMinStages * bytes), 1, 3);
  const std::int64_t room = all / blocks - kDriver - fixed;
  return static_cast<int>(std::clamp<std::int64_t>(room / bytes, kMinStages, kMaxStages));
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
