// What the memory system does with one request of a warp: the hardware's rules for device and shared memory.
#pragma once

#include <cstdint>

#include "simt/warp_trace.h"

namespace cardiograd::simt {

inline constexpr std::uintptr_t kSectorBytes = 32;
inline constexpr std::uintptr_t kBankBytes = 4;
inline constexpr int kBanks = 32;

// Device memory moves in sectors of 32 bytes (CUDA C++ Best Practices Guide, "Coalesced Access to Global Memory").
struct SectorCount {
  int sectors = 0;      // different sectors that the request's lanes touch
  int min_sectors = 0;  // as many as its different bytes would fill
};
SectorCount count_sectors(const Request& request);

// Shared memory has 32 banks of 4 bytes; a wavefront serves one word of each bank, to all lanes that ask for it.
// Accesses of 8 bytes are served half a warp at a time, accesses of 16 bytes a quarter, in the order of lanes (CUDA C++
// Programming Guide, "Shared Memory", for the banks).
struct WavefrontCount {
  int wavefronts = 0;
  int min_wavefronts = 0;  // one for each part of the warp that has a lane in the request
};
WavefrontCount count_wavefronts(const Request& request);

}  // namespace cardiograd::simt
