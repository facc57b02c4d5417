#include "bench/desk/machine_cuda.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.h"
#include "bench/cuda_timing.h"
#include "kernels/linear/linear.h"
#if defined(CARDIOGRAD_CUBLASLT)
#endif

namespace cardiograd::bench {
namespace {

class PlacedOnGpu : public PlacedBuffers {
 public:
  explicit PlacedOnGpu(const HostBuffers& buffers) {
    for (const HostBuffer& buffer : buffers) {
      bytes_.push_back(buffer.bytes());
      memory_.emplace_back(buffer.bytes()).fill(buffer.data(), buffer.bytes());
    }
  }
  std::vector<void*> pointers() const override {
    std::vector<void*> pointers;
    for (const CudaMemory& memory : memory_) pointers.push_back(memory.data());
    return pointers;
  }
  void write(std::size_t index, const HostBuffer& from) override { memory_.at(index).fill(from.data(), from.bytes()); }
  HostBuffers read() const override {
    kernels::check_cuda(cudaDeviceSynchronize(), "running the kernel");
    HostBuffers result;
    for (std::size_t i = 0; i < memory_.size(); ++i)
      kernels::check_cuda(
          cudaMemcpy(result.emplace_back(bytes_[i]).data(), memory_[i].data(), bytes_[i], cudaMemcpyDeviceToHost),
          "copying from the GPU");
    return result;
  }

 private:
  std::vector<CudaMemory> memory_;
  std::vector<std::size_t> bytes_;
};

#if !defined(CARDIOGRAD_SIMT)

// CUDA's events, through Google Benchmark. Hot: all runs between two events, after work that keeps the GPU busy while
// they are queued. Cold: each run between events of its own, after its cache was overwritten.
class GpuClock : public Clock {
 public:
  double seconds(const std::function<void()>& run, std::int64_t iterations, Temperature temperature) override {
    if (temperature == Temperature::kCold)
      return google_sample(iterations, nullptr, [&] { return timer_.seconds(run); });
    // A queue holds about a thousand launches.
    const std::int64_t together = std::clamp<std::int64_t>(iterations, 1, 100);
    const double all = google_sample(1, nullptr, [&] { return timer_.seconds_after(run, run, together); });
    return all / static_cast<double>(together);
  }
  CudaTimer& timer() { return timer_; }

 private:
  CudaTimer timer_;
};

double product_rate(CudaTimer& timer, Precision precision) {
  constexpr std::int64_t kSize = 8192;
  constexpr std::size_t kBytes = sizeof(float) * kSize * kSize;
  CudaMemory a(kBytes);
  CudaMemory b(kBytes);
  const CudaMemory c(kBytes);
  const HostBuffer values = random_floats(kSize * kSize, 1);  // zeros would take less power than data
  a.fill(values.data(), kBytes);
  b.fill(values.data(), kBytes);
  const auto* left = static_cast<const float*>(a.data());
  const auto* right = static_cast<const float*>(b.data());
  auto* result = static_cast<float*>(c.data());
  const auto product = [&] {
    kernels::linear_backward_input_cuda({.rows = kSize, .inputs = kSize, .outputs = kSize, .precision = precision},
                                        right, left, result, nullptr);
  };
  double best = 1e30;
  for (int i = 0; i < 4; ++i) best = std::min(best, timer.seconds(product));
  return 2.0 * kSize * kSize * kSize / best;
}

double copy_rate(CudaTimer& timer) {
  constexpr std::size_t kBytes = std::size_t{1} << 30U;
  const CudaMemory from(kBytes);
  const CudaMemory to(kBytes);
  double best = 1e30;
  for (int i = 0; i < 5; ++i)
    best = std::min(best, timer.seconds([&] {
      kernels::check_cuda(cudaMemcpyAsync(to.data(), from.data(), kBytes, cudaMemcpyDeviceToDevice, nullptr),
                          "copying on the GPU");
    }));
  return 2.0 * static_cast<double>(kBytes) / best;
}

#endif

class GpuMachine : public Machine {
 public:
#if defined(CARDIOGRAD_SIMT)
  Device device() const override {
    return Device::kSimt;
  }
  Clock* clock() override {
    return nullptr;
  }
  Roof measure_roof(Precision /*precision*/) override {
    return {};
  }
  std::string clocks() const override {
    return "";
  }
#else
  Device device() const override {
    return Device::kCuda;
  }
  Clock* clock() override {
    return &clock_;
  }
  Roof measure_roof(Precision precision) override {
    return {product_rate(clock_.timer(), precision), copy_rate(clock_.timer())};
  }
  std::string gpu() const override {
    return gpu_.name;
  }
  std::string driver() const override {
    const std::string driver = first_line_of("nvidia-smi --query-gpu=driver_version --format=csv,noheader");
    return fmt::format("{}{}CUDA {}, built with CUDA {}", driver, driver.empty() ? "" : ", ", gpu_.driver,
                       gpu_.runtime);
  }
  std::string clocks() const override {
    return first_line_of(
        "nvidia-smi --query-gpu=clocks.sm,clocks.mem,clocks.max.sm,clocks.max.mem,power.limit --format=csv,noheader");
  }
#endif
  kernels::Implementation implementation() const override {
    return kernels::Implementation::kCuda;
  }
  std::unique_ptr<PlacedBuffers> place(const HostBuffers& buffers) override {
    return std::make_unique<PlacedOnGpu>(buffers);
  }

 private:
#if !defined(CARDIOGRAD_SIMT)
  CudaGpu gpu_ = describe_gpu();
  GpuClock clock_;
#endif
};

}  // namespace

std::unique_ptr<Machine> open_cuda_machine() {
  return std::make_unique<GpuMachine>();
}

}  // namespace cardiograd::bench
