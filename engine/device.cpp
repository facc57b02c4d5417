#include "engine/device.h"

#include <fmt/format.h>

#include "base/error.h"
#include "engine/cuda.h"

namespace cardiograd {

const char* device_name(Device device) {
  return device == Device::kCpu ? "cpu" : "cuda";
}

std::string describe_device(Device device) {
  if (device == Device::kCpu) return "cpu";
  if (cuda::emulated()) return fmt::format("cuda ({})", cuda::gpu().name);
  return fmt::format("cuda ({}, sm_{}, {:.1f} GB)", cuda::gpu().name, cuda::gpu().capability,
                     static_cast<double>(cuda::gpu().memory) / 1e9);
}

bool cuda_available() {
  return cuda::problem() == nullptr;
}

Device parse_device(std::string_view name) {
  if (name == "cpu") return Device::kCpu;
  if (name == "auto") return cuda_available() && !cuda::emulated() ? Device::kCuda : Device::kCpu;
  if (name == "cuda") {
    if (!cuda_available()) throw Error(cuda::problem()->message, cuda::problem()->hint);
    return Device::kCuda;
  }
  throw UsageError(fmt::format("device '{}': unknown", name), "Known devices: auto, cpu, cuda.");
}

}  // namespace cardiograd
