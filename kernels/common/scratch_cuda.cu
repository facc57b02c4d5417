#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "kernels/common/check_cuda.h"
#include "kernels/common/scratch_cuda.h"

namespace cardiograd::kernels {
namespace {

struct Piece {
  float* data = nullptr;
  std::int64_t count = 0;
};

}  // namespace

float* cuda_scratch(Stream stream, CudaScratchUse use, std::int64_t count) {
  static std::mutex mutex;
  // Never destroyed: at the end of the program the driver may be gone before static objects are.
  static auto& pieces = *new std::map<std::pair<Stream, CudaScratchUse>, Piece>;
  const std::lock_guard<std::mutex> lock(mutex);
  Piece& piece = pieces[{stream, use}];
  if (count > piece.count) {
    check_cuda(cudaFree(piece.data), "releasing working memory");
    piece = {};
    const std::size_t bytes = static_cast<std::size_t>(count) * sizeof(float);
    check_cuda(cudaMalloc(&piece.data, bytes), "allocating " + std::to_string(bytes) + " bytes of working memory");
    piece.count = count;
  }
  return piece.data;
}

}  // namespace cardiograd::kernels
