// What the emulation reports. Every fault has a name, and its message names kernel, block, threads and source line.
#pragma once

#include <string>

#include "base/error.h"
#include "simt/where.h"

namespace cardiograd::simt {

enum class FaultKind {
  kDivergentBarrier,      // some threads of a block wait at a barrier that others passed by or cannot reach
  kMismatchedCollective,  // lanes of one mask meet at different warp collectives
  kRace,                  // two threads at one place, a write among them, and nothing orders them (watch.h)
  kExitedLaneInMask,      // a mask names a lane that has returned or does not exist
  kCallerNotInMask,       // a lane calls a collective whose mask leaves it out
  kSharedOutOfBounds,     // a write past a shared array (AddressSanitizer reports it first where it is on)
  kDeviceOutOfBounds,     // a write past an allocation of cudaMalloc (likewise)
  kMisalignedAccess,      // a vector access at an address that is not a multiple of its size
  kLaunchLimit,           // a grid or block that the GPU does not take
  kSharedMemoryLimit,     // more shared memory than the GPU, or the launch, allows
  kUnroundedTf32,         // an operand of a tf32 product has bits that the hardware drops
  kUnsupportedByGpu,      // an instruction that the chosen GPU does not have
};

// "divergent barrier" and so on.
const char* fault_name(FaultKind kind);

// What device code did wrong. what() says kernel, block, threads and source line.
class Fault : public Error {
 public:
  Fault(FaultKind kind, const std::string& message, const std::string& hint) : Error(message, hint), kind_(kind) {}
  FaultKind kind() const noexcept { return kind_; }

 private:
  FaultKind kind_;
};

// "conv1d.cu:42"
std::string describe(const char* file, unsigned line);
inline std::string describe(const Where& where) {
  return describe(where.file_name(), where.line());
}

// Throws Fault; the message begins with kernel, block and thread where one is running.
[[noreturn]] void raise_fault(FaultKind kind, const std::string& detail, const Where& where);
// Line 0: no place in the source is known.
[[noreturn]] void raise_fault_at(FaultKind kind, const std::string& detail, const char* file, unsigned line);

}  // namespace cardiograd::simt
