#include "bench/opponents/opponent.h"

#include <exception>
#include <iterator>

#include "bench/opponents/libraries.h"

namespace cardiograd::bench {
namespace {

void append(std::vector<Opponent>& all, std::vector<Opponent> more) {
  all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

}  // namespace

// cmake/bench.cmake says by these definitions which libraries it found.
std::vector<Library> opponent_libraries() {
  std::vector<Library> all = {
      {"oneDNN", Device::kCpu, "", "Debian package libdnnl-dev, for the preset cpu"},
      {"OpenBLAS", Device::kCpu, "", "Debian package libopenblas-dev, for the preset cpu"},
      {"Eigen", Device::kCpu, eigen_version(), ""},
      {"cuDNN", Device::kCuda, "", "scripts/install_cuda_opponents.sh, for the preset cuda"},
      {"cuDNN frontend", Device::kCuda, "", "scripts/install_cuda_opponents.sh, for the preset cuda"},
      {"cuBLASLt", Device::kCuda, "", "cuBLASLt of the CUDA toolkit, for the preset cuda"},
      {"CUB", Device::kCuda, "", "CUDA 12.9 or newer, for the preset cuda"}};
  const auto found = [&](std::size_t index, const std::string& version) {
    all.at(index).version = version;
    all.at(index).missing = "";
  };
#if defined(CARDIOGRAD_BENCH_ONEDNN)
  found(0, onednn_version());
#endif
#if defined(CARDIOGRAD_BENCH_OPENBLAS)
  found(1, openblas_version());
#endif
#if defined(CARDIOGRAD_BENCH_CUDNN)
  found(3, cudnn_version());
#endif
#if defined(CARDIOGRAD_BENCH_CUDNN_FRONTEND)
  found(4, cudnn_frontend_version());
#endif
#if defined(CARDIOGRAD_BENCH_CUBLASLT)
  found(5, cublaslt_version());
#endif
#if defined(CARDIOGRAD_BENCH_CUB)
  found(6, cub_version());
#endif
  static_cast<void>(found);
  return all;
}

std::vector<Opponent> opponents_for([[maybe_unused]] const kernels::Op& op,
                                    [[maybe_unused]] const kernels::OpCase& work, Device device,
                                    [[maybe_unused]] Precision precision) {
  std::vector<Opponent> all;
  const auto add = [&](const char* library, auto&& offer) {
    try {
      append(all, offer());
    } catch (const std::exception& error) {
      Opponent refused;
      refused.name = library;
      refused.refusal = error.what();
      all.push_back(std::move(refused));
    }
  };
  if (device == Device::kCpu && precision == Precision::kFp32) {
#if defined(CARDIOGRAD_BENCH_ONEDNN)
    add("oneDNN", [&] { return onednn_opponents(op, work); });
#endif
#if defined(CARDIOGRAD_BENCH_OPENBLAS)
    add("OpenBLAS", [&] { return openblas_opponents(op, work); });
#endif
    add("Eigen", [&] { return eigen_opponents(op, work); });
  }
  if (device == Device::kCuda) {
#if defined(CARDIOGRAD_BENCH_CUDNN)
    add("cuDNN", [&] { return cudnn_opponents(op, work, precision); });
#endif
#if defined(CARDIOGRAD_BENCH_CUDNN_FRONTEND)
    add("cuDNN", [&] { return cudnn_attention_opponents(op, work, precision); });
#endif
#if defined(CARDIOGRAD_BENCH_CUBLASLT)
    add("cuBLASLt", [&] { return cublaslt_opponents(op, work, precision); });
#endif
#if defined(CARDIOGRAD_BENCH_CUB)
    add("CUB", [&] { return cub_opponents(op, work); });
#endif
  }
  return all;
}

}  // namespace cardiograd::bench
