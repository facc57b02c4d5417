#include "engine/device.h"

#include <fmt/format.h>

#include "base/error.h"

namespace cardiograd {

const char* device_name(Device device) {
  return device == Device::kCpu ? "cpu" : "cuda";
}

bool cuda_available() {
  return false;
}

Device parse_device(std::string_view name) {
  if (name == "cpu") return Device::kCpu;
  if (name == "auto") return cuda_available() ? Device::kCuda : Device::kCpu;
  if (name == "cuda")
    throw Error("device cuda: this build has no CUDA kernels",
                "Use --device cpu, or --device auto to take what is there.");
  throw UsageError(fmt::format("device '{}': unknown", name), "Known devices: auto, cpu, cuda.");
}

}  // namespace cardiograd
