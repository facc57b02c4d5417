#include "bench/desk/machine.h"

#include <array>
#include <cstdio>
#include <cstring>
#include <fstream>

#include <fmt/format.h>

#include "base/error.h"
#include "kernels/common/device_code.h"
#if defined(CARDIOGRAD_DEVICE_CODE)
#include "bench/desk/machine_cuda.h"
#endif

namespace cardiograd::bench {
namespace {

// The value of a line "name : value" of /proc/cpuinfo.
std::string cpuinfo(const std::string& name) {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (colon != std::string::npos && line.compare(0, name.size(), name) == 0) return line.substr(colon + 2);
  }
  return "";
}

class PlacedOnHost : public PlacedBuffers {
 public:
  explicit PlacedOnHost(const HostBuffers& buffers) : buffers_(buffers) {}
  std::vector<void*> pointers() const override { return pointers_of(buffers_); }
  void write(std::size_t index, const HostBuffer& from) override {
    std::memcpy(buffers_.at(index).data(), from.data(), from.bytes());
  }
  HostBuffers read() const override { return buffers_; }

 private:
  HostBuffers buffers_;
};

class CpuMachine : public Machine {
 public:
  Device device() const override { return Device::kCpu; }
  kernels::Implementation implementation() const override { return kernels::Implementation::kCpu; }
  std::unique_ptr<PlacedBuffers> place(const HostBuffers& buffers) override {
    return std::make_unique<PlacedOnHost>(buffers);
  }
  Clock* clock() override { return &clock_; }
  Roof measure_roof(Precision /*precision*/) override { return measure_cpu_roof(); }
  std::string clocks() const override {
    const std::string mhz = cpuinfo("cpu MHz");
    return mhz.empty() ? "" : mhz + " MHz";
  }

 private:
  CpuClock clock_;
};

}  // namespace

std::string cpu_name() {
  const std::string name = cpuinfo("model name");
  return name.empty() ? "unknown processor" : name;
}

std::string first_line_of(const std::string& command) {
  std::FILE* pipe = popen((command + " 2>/dev/null").c_str(), "r");
  if (pipe == nullptr) return "";
  std::array<char, 512> line = {};
  const bool read = std::fgets(line.data(), static_cast<int>(line.size()), pipe) != nullptr;
  pclose(pipe);
  std::string text = read ? line.data() : "";
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

std::unique_ptr<Machine> open_machine(Device device) {
  if (device == Device::kCpu) return std::make_unique<CpuMachine>();
#if defined(CARDIOGRAD_SIMT)
  if (device == Device::kSimt) return open_cuda_machine();
  throw Error("device cuda: this build runs the CUDA kernels on the host", "--device simt, or build the preset cuda");
#elif defined(CARDIOGRAD_DEVICE_CODE)
  if (device == Device::kCuda) return open_cuda_machine();
  throw Error("device simt: this build has the CUDA kernels for GPUs only", "--device cuda, or build the preset simt");
#else
  throw Error(fmt::format("device {}: this build has no CUDA kernels", word_of(device)),
              fmt::format("build the preset {}", word_of(device)));
#endif
}

}  // namespace cardiograd::bench
