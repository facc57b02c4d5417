#include <fmt/format.h>

#include "engine/cuda.h"

namespace cardiograd::cuda {
namespace {

// Numbers of the CUDA runtime's errors; they are part of its interface and known here without its headers.
constexpr int kInsufficientDriver = 35;
constexpr int kNoDevice = 100;
constexpr int kNoKernelImage = 209;

std::string version_text(int version) {
  return fmt::format("{}.{}", version / 1000, version % 1000 / 10);
}

}  // namespace

Problem problem_of_status(int status, const std::string& status_text, const DriverInfo& info) {
  if (status == kInsufficientDriver && info.driver == 0)
    return {"device cuda: no NVIDIA driver is installed", "Install the GPU's driver, or use --device cpu."};
  if (status == kInsufficientDriver)
    return {fmt::format("device cuda: the NVIDIA driver is too old: it knows CUDA up to {}, this build uses {}",
                        version_text(info.driver), version_text(info.runtime)),
            "Install a newer driver, build with an older CUDA, or use --device cpu."};
  if (status == kNoDevice)
    return {"device cuda: the NVIDIA driver sees no GPU",
            "nvidia-smi lists the GPUs; CUDA_VISIBLE_DEVICES can hide them. --device cpu works without."};
  if (status == kNoKernelImage)
    return {fmt::format("device cuda: this build has no kernels for the GPU {}; it has them for compute capability {}",
                        info.gpu, info.architectures),
            "Configure with -DCARDIOGRAD_CUDA_ARCHITECTURES=<the GPU's>, or use --device cpu."};
  return {fmt::format("device cuda: the GPU does not answer: {} (CUDA error {})", status_text, status),
          "nvidia-smi shows what the GPU and its driver are doing; --device cpu works without."};
}

}  // namespace cardiograd::cuda
