// The running block: what device code asks of the scheduler. Device code includes simt.h, not this file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "simt/fault.h"
#include "simt/vector_types.h"

// Of the running thread, as in CUDA. They are plain variables, so that a debugger shows them.
extern constinit thread_local uint3 threadIdx;
extern constinit thread_local uint3 blockIdx;
extern constinit thread_local dim3 blockDim;
extern constinit thread_local dim3 gridDim;
inline constexpr int warpSize = 32;

namespace cardiograd::simt {

inline constexpr int kWarpSize = 32;

// A point where threads meet: each publishes `data` (in its own frame) and is suspended; when all have arrived,
// `resolve` is called once with their pointers, indexed by lane or by thread, null for those that do not take part.
struct Collective {
  const char* name;
  void (*resolve)(void* const* data, int count);
};

// Waits for the lanes of `mask`, which must all call with equal collective, mask and source line.
void warp_collective(const Collective& collective, void* data, std::uint32_t mask, const Where& where);
// Waits for all threads of the block, which must all call from the same source line.
void block_collective(const Collective& collective, void* data, const Where& where);

// The running thread's number in its block, and its lane.
int thread_in_block();
inline int lane_in_warp() {
  return thread_in_block() % kWarpSize;
}

// One declaration of shared memory; its address is its identity.
struct SharedSite {
  const char* name;
  const char* file;
  unsigned line;
};
// The block's copy of a declaration: 16-byte aligned, filled with NaN at first sight, between red zones.
void* shared_slice(const SharedSite& site, std::size_t bytes);
// The bytes that the launch asked for, likewise.
void* dynamic_shared();

// cp.async: the copy happens when the thread waits for its group. Until then the destination holds NaN.
void defer_copy(void* to, const void* from, std::size_t bytes, std::size_t copied);
void commit_copies();
// Completes all groups but the newest `pending`.
void complete_copies(std::size_t pending);

// A kernel with its arguments.
class Invocation {
 public:
  virtual ~Invocation() = default;
  virtual void call() const = 0;
  // Whether `other` calls the same kernel with equal arguments.
  virtual bool same_arguments(const Invocation& other) const = 0;
};

// What a launch asks for. Sizes are in bytes; `shared_bytes` is the dynamic part.
struct LaunchPlan {
  const char* kernel;
  dim3 grid;
  dim3 block;
  std::size_t shared_bytes;
  std::size_t shared_limit;  // static and dynamic together
  Where where;
};

// Of what cudaMalloc gave out: whether `address` lies there, and "device memory, byte 12 of 400".
bool is_device_memory(const void* address);
std::string device_memory_name(const void* address);

// Throws Fault for what the GPU does not take.
void check_launch(const LaunchPlan& plan);
// Runs all blocks of a launch; throws the first Fault.
void run_grid(const LaunchPlan& plan, const Invocation& invocation);

}  // namespace cardiograd::simt
