// Counts what kernels ask of the memory system, and how often they meet: by kernel, source line and kind of access.
//
//   const std::vector<KernelCounts> counts = count_accesses([&] {
//     launch<kernel>(grid, block, 0, nullptr, x, y);
//     cudaDeviceSynchronize();
//   });
//
// Device code has to be watched (watch.h) and its basic blocks marked: preset simt-watch. While accesses are counted,
// races are not looked for. The figures are exact for the code that g++ makes of the source at -O1, without
// vectorizing, unrolling and joining of neighboring accesses, and the same for every order of lanes, warps and blocks
// (where the data that steer the kernel are). Which accesses form a request: warp_trace.h. What a request costs:
// memory_rules.h.
//
// What is not counted: the thread's own stack (where the GPU has registers), __constant__ and static __device__
// variables, kernel arguments, copies and memsets of the runtime, cuBLASLt. Caches are not modeled: bytes_requested
// and sectors go from the lanes to the first level, whatever comes from where. nvcc may join accesses that are not
// joined in the source, and may drop ones that g++ keeps. A float4 that is read other than through load4 is one access
// or four, as g++ likes. Atomics in shared memory have no wavefronts here.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "simt/fault.h"
#include "simt/warp_trace.h"

namespace cardiograd::simt {

struct LaunchPlan;

// "load", "store", "atomic", "cp.async load" and "cp.async store" (its two sides).
const char* access_name(AccessKind kind);

// The accesses of one kind at one line of source.
struct AccessCount {
  std::string file;  // below the folder that holds simt/, or absolute elsewhere; "?" without debug information
  unsigned line = 0;
  AccessKind kind = AccessKind::kNone;
  bool shared = false;           // shared memory; else device memory
  int width = 0;                 // bytes that a lane asks for
  std::int64_t requests = 0;     // instructions executed by warps
  std::int64_t lanes = 0;        // that took part, over all requests
  std::int64_t bytes = 0;        // requested, over all lanes
  std::int64_t sectors = 0;      // device memory: SectorCount
  std::int64_t min_sectors = 0;  //
  std::int64_t wavefronts = 0;   // shared memory: WavefrontCount
  std::int64_t min_wavefronts = 0;
  // Device memory, 4 bytes wide: requests after or before another of the same warp whose every lane is at the next
  // word, the lanes not being neighbors. One wider access would do for them.
  std::int64_t adjacent = 0;
};

// One line's barriers, warp functions or tensor-core products.
struct CollectiveCount {
  std::string file;
  unsigned line = 0;
  std::string name;       // "__syncthreads", "__shfl_xor_sync", "mma.sync m16n8k8 tf32"
  bool of_block = false;  // a barrier: counted once for the block; else once for the lanes of a mask
  std::int64_t count = 0;
};

// A line with which basic blocks of g++'s code begin: how often warps entered the one that was entered most.
struct LineVisits {
  std::string file;
  unsigned line = 0;
  std::int64_t visits = 0;
};

// A piece of device memory with a name, for footprints.
struct MemoryRegion {
  std::string name;
  const void* begin = nullptr;
  std::size_t bytes = 0;
};

// The different sectors of a region that a kernel reads and writes: one set for each launch, summed over launches. An
// atomic does both.
struct RegionFootprint {
  std::string name;
  std::int64_t read_sectors = 0;
  std::int64_t written_sectors = 0;
};

// All launches of one kernel.
struct KernelCounts {
  std::string kernel;
  std::int64_t launches = 0;
  std::int64_t blocks = 0;
  std::int64_t threads = 0;
  std::vector<AccessCount> accesses;         // by file, line, kind, memory and width
  std::vector<CollectiveCount> collectives;  // by file, line and name
  std::vector<LineVisits> visits;            // by file and line
  // Device memory: different sectors that a block reads and writes, summed over blocks. A first-level cache of any size
  // that serves one block would let no fewer through.
  std::int64_t block_read_sectors = 0;
  std::int64_t block_written_sectors = 0;
  // The regions that were touched, in the order in which they were given; last "" with everything outside of them.
  std::vector<RegionFootprint> footprint;
};

// Runs `work`, which launches kernels from this thread and waits for them, in the order of the settings but with one
// operating-system thread. The kernels come in the order of their first launch. Throws Error where a kernel was not
// compiled to be counted, or where addr2line (binutils) is missing.
// `regions` name the device memory of footprints; they do not overlap.
std::vector<KernelCounts> count_accesses(const std::function<void()>& work, std::vector<MemoryRegion> regions = {});

// Where the scheduler and the watched code report to. One warp at a time: from one end_segment() to the next, events
// are of one warp.
class Counters {
 public:
  // The one that counts on this operating-system thread now; null where none does.
  static Counters* active();

  explicit Counters(std::vector<MemoryRegion> regions = {});
  ~Counters();
  Counters(const Counters&) = delete;
  Counters& operator=(const Counters&) = delete;

  // Around each launch, and before each of its blocks.
  void begin_launch(const LaunchPlan& plan);
  void end_launch();  // throws Error where the kernel was not compiled to be counted
  void begin_block(int threads);
  // Of a thread of the block: a function was entered from `code`, or left.
  void enter(int thread, const void* code);
  void leave(int thread);
  void basic_block(int thread, const void* code);
  void access(int thread, AccessKind kind, bool shared, const void* address, std::size_t bytes, const void* code);
  // Of an access of `width` bytes only the first `used`.
  void access_part(int thread, AccessKind kind, bool shared, const void* address, int width, int used,
                   const void* code);
  // The running warp is together; the lanes of `live` go on.
  void end_segment(std::uint32_t live);
  void collective(const char* name, const Where& where, bool of_block);
  // After a fault.
  void discard();
  std::vector<KernelCounts> result() const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> self_;
};

}  // namespace cardiograd::simt
