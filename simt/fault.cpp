#include "simt/fault.h"

#include <cstring>

#include "simt/scheduler.h"

namespace cardiograd::simt {
namespace {

struct FaultText {
  const char* name;
  const char* hint;
};

FaultText text_of(FaultKind kind) {
  switch (kind) {
    case FaultKind::kDivergentBarrier:
      return {"divergent barrier",
              "let every thread of the block reach the same __syncthreads(), also those of a tail"};
    case FaultKind::kMismatchedCollective:
      return {"mismatched collective", "lanes named in one mask must call the same warp function with the same mask"};
    case FaultKind::kRace:
      return {"race", "put a barrier between the two accesses, or use an atomic"};
    case FaultKind::kExitedLaneInMask:
      return {"exited lane in mask", "name only lanes that still run, or let the others run along without effect"};
    case FaultKind::kCallerNotInMask:
      return {"caller not in mask", "set the bit of every lane that makes the call"};
    case FaultKind::kSharedOutOfBounds:
      return {"shared memory out of bounds", "compare the largest index with the array's size"};
    case FaultKind::kDeviceOutOfBounds:
      return {"device memory out of bounds", "compare the largest index with the size given to cudaMalloc"};
    case FaultKind::kMisalignedAccess:
      return {"misaligned access", "use a vector access only where the offset is a multiple of its size"};
    case FaultKind::kLaunchLimit:
      return {"launch limit", "choose a grid and block within the limits of the GPU"};
    case FaultKind::kSharedMemoryLimit:
      return {"shared memory limit", "use smaller tiles, or ask for more with cudaFuncSetAttribute"};
    case FaultKind::kUnroundedTf32:
      return {"unrounded tf32", "round operands with round_to_tf32() before the product"};
    case FaultKind::kUnsupportedByGpu:
      return {"not on this GPU", "choose another path for GPUs of this compute capability"};
  }
  return {"fault", ""};
}

}  // namespace

const char* fault_name(FaultKind kind) {
  return text_of(kind).name;
}

std::string describe(const char* file, unsigned line) {
  const char* slash = std::strrchr(file, '/');
  return std::string(slash == nullptr ? file : slash + 1) + ":" + std::to_string(line);
}

void raise_fault(FaultKind kind, const std::string& detail, const Where& where) {
  raise_fault_at(kind, detail, where.file_name(), where.line());
}

void raise_fault_at(FaultKind kind, const std::string& detail, const char* file, unsigned line) {
  std::string message = running_place();
  if (line != 0) message += describe(file, line) + ": ";
  message += std::string(fault_name(kind)) + ": " + detail;
  throw Fault(kind, message, text_of(kind).hint);
}

}  // namespace cardiograd::simt
