#include "kernels/common/check_cuda.h"
#include "kernels/common/gpu_properties.h"

namespace cardiograd::kernels {
namespace {

GpuProperties ask(int device) {
  cudaDeviceProp properties = {};
  check_cuda(cudaGetDeviceProperties(&properties, device), "asking for the GPU's properties");
  return {.compute_capability = 10 * properties.major + properties.minor,
          .shared_memory = static_cast<std::int64_t>(properties.sharedMemPerBlockOptin)};
}

}  // namespace

GpuProperties gpu_properties() {
  int device = 0;
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess || count == 0) {
    cudaGetLastError();  // A launch will report its own.
    return {};
  }
  check_cuda(cudaGetDevice(&device), "asking for the device");
#if defined(CARDIOGRAD_SIMT)
  return ask(device);  // Tests change the GPU that is emulated.
#else
  thread_local int known_device = -1;
  thread_local GpuProperties known;
  if (device != known_device) {
    known = ask(device);
    known_device = device;
  }
  return known;
#endif
}

}  // namespace cardiograd::kernels
