#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/out_of_memory.h"
#include "kernels/common/check_cuda.h"
#include "kernels/common/scratch_cuda.h"

namespace cardiograd::kernels {
namespace {

struct Piece {
  float* data = nullptr;
  std::int64_t count = 0;
};

void (*release_others)() = nullptr;

std::mutex& scratch_mutex() {
  static std::mutex mutex;
  return mutex;
}

// Who holds memory that has grown, and what is held. Never destroyed: at the end of the program the driver may be gone
// before static objects are.
struct Held {
  int holders = 0;
  std::vector<float*> pieces;
};
Held& held() {
  static auto& instance = *new Held;
  return instance;
}

float* allocate(std::size_t bytes) {
  float* data = nullptr;
  cudaError_t status = cudaMalloc(&data, bytes);
  if (status == cudaErrorMemoryAllocation && release_others != nullptr) {
    release_others();
    status = cudaMalloc(&data, bytes);
  }
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();  // Or the next launch would report it.
    throw OutOfMemory("out of memory: " + std::to_string(bytes) + " bytes asked for as a kernel's working memory",
                      "Use a smaller --batch-size.");
  }
  check_cuda(status, "allocating " + std::to_string(bytes) + " bytes of working memory");
  return data;
}

}  // namespace

void on_scratch_exhausted(void (*release)()) {
  release_others = release;
}

float* cuda_scratch(Stream stream, CudaScratchUse use, std::int64_t count) {
  static auto& pieces = *new std::map<std::pair<Stream, CudaScratchUse>, Piece>;  // Never destroyed, as above.
  const std::lock_guard<std::mutex> lock(scratch_mutex());
  Piece& piece = pieces[{stream, use}];
  if (count > piece.count) {
    if (held().holders > 0)
      held().pieces.push_back(piece.data);
    else
      check_cuda(cudaFree(piece.data), "releasing working memory");
    piece = {};
    piece = {allocate(static_cast<std::size_t>(count) * sizeof(float)), count};
  }
  return piece.data;
}

void hold_cuda_scratch(bool hold) {
  const std::lock_guard<std::mutex> lock(scratch_mutex());
  held().holders += hold ? 1 : -1;
  if (held().holders > 0) return;
  for (float* data : held().pieces) cudaFree(data);  // Its failure is that of a kernel, which others report.
  held().pieces.clear();
}

unsigned* cuda_counters(Stream stream) {
  static_assert(sizeof(float) == sizeof(unsigned));
  static std::mutex mutex;
  static auto& counters = *new std::map<Stream, unsigned*>;  // Never destroyed, as above.
  const std::lock_guard<std::mutex> lock(mutex);
  unsigned*& at = counters[stream];
  if (at == nullptr) {
    constexpr std::size_t kBytes = kCudaCounters * sizeof(unsigned);
    void* memory = allocate(kBytes);
    check_cuda(cudaMemsetAsync(memory, 0, kBytes, stream), "clearing counters");
    at = static_cast<unsigned*>(memory);
  }
  return at;
}

}  // namespace cardiograd::kernels
