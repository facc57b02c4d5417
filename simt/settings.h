// How the emulation runs: which GPU it stands for, and in which order threads and blocks go.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cardiograd::simt {

// Limits of a GPU (CUDA C++ Programming Guide, table "Technical Specifications per Compute Capability").
struct Gpu {
  const char* name;
  int compute_capability;              // 86 for 8.6
  std::size_t shared_static;           // bytes of shared memory without asking
  std::size_t shared_opt_in;           // after cudaFuncSetAttribute
  std::uint32_t block_threads = 1024;  // threads in a block
  std::uint32_t block_x = 1024;
  std::uint32_t block_y = 1024;
  std::uint32_t block_z = 64;
  std::uint32_t grid_x = 0x7FFFFFFF;
  std::uint32_t grid_y = 65535;
  std::uint32_t grid_z = 65535;
};

inline constexpr std::size_t kKibibyte = 1024;
inline constexpr Gpu kSm75{"sm_75", 75, 48 * kKibibyte, 64 * kKibibyte};
inline constexpr Gpu kSm86{"sm_86", 86, 48 * kKibibyte, 99 * kKibibyte};
inline constexpr Gpu kSm90{"sm_90", 90, 48 * kKibibyte, 227 * kKibibyte};

// One warp runs as far ahead as barriers allow, then the next; a lane runs until it has to wait, then the next. Code
// that misses a barrier reads what has not been written in at least one of the orders, blocks included.
enum class Order { kForward, kReverse, kRandom };

struct Settings {
  Gpu gpu = kSm86;
  Order order = Order::kForward;
  std::uint64_t seed = 1;  // of Order::kRandom
  // Operating-system threads that share the blocks of a launch. 1 keeps to the order above.
  int threads = 1;
};

// Of all launches from now on. Not while a launch runs.
Settings& settings();

}  // namespace cardiograd::simt
