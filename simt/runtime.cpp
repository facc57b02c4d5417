#include "simt/runtime.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "simt/arena.h"
#include "simt/launch.h"
#include "simt/runtime_state.h"

namespace cardiograd::simt {
namespace {

constexpr std::size_t kDeviceAlignment = 256;
constexpr std::size_t kDeviceZone = 256;
constexpr std::size_t kDeviceMemory = std::size_t{8} << 30;
constexpr int kVersion = 12000;  // 12.0
constexpr int kDevices = 8;

}  // namespace

// Never destroyed: device memory of static objects may be released after everything else.
Runtime& runtime() {
  static Runtime& instance = *new Runtime;
  return instance;
}

CUstream_st& stream_of(cudaStream_t stream) {
  return stream == nullptr ? runtime().default_stream : *stream;
}

cudaError_t fail(cudaError_t error) {
  return runtime().last_error = error;
}

namespace {

// Names the allocation whose red zone was written to, if any.
void check_allocations(const std::string& kernel, const Where& where) {
  for (const auto& [pointer, allocation] : runtime().allocations) {
    auto* data = static_cast<std::byte*>(pointer);
    const bool before = zone_intact(data - kDeviceZone, kDeviceZone);
    const bool after = zone_intact(data + allocation.bytes, kDeviceZone);
    if (before && after) continue;
    guard_zone(data - kDeviceZone, kDeviceZone);
    guard_zone(data + allocation.bytes, kDeviceZone);
    raise_fault(FaultKind::kDeviceOutOfBounds,
                "kernel " + kernel + " wrote " + (before ? "behind" : "in front of") + " an allocation of " +
                    std::to_string(allocation.bytes) + " bytes",
                where);
  }
}

// The allocation that holds `address`, or end().
auto find_allocation(const void* address) {
  auto& all = runtime().allocations;
  auto next = all.upper_bound(const_cast<void*>(address));
  if (next == all.begin()) return all.end();
  --next;
  const auto* data = static_cast<const std::byte*>(next->first);
  return address < data + next->second.bytes ? next : all.end();
}

}  // namespace

// Called while a launch runs, under its lock.
bool is_device_memory(const void* address) {
  return find_allocation(address) != runtime().allocations.end();
}

std::string device_memory_name(const void* address) {
  const auto found = find_allocation(address);
  const auto byte = static_cast<const std::byte*>(address) - static_cast<const std::byte*>(found->first);
  return "device memory, byte " + std::to_string(byte) + " of " + std::to_string(found->second.bytes);
}

void enqueue_work(cudaStream_t stream, std::function<void()> run) {
  const Lock lock(runtime().mutex);
  ++runtime().work.products;
  put(stream_of(stream), {std::move(run)});
}

void enqueue_attempts(cudaStream_t stream, std::function<bool()> attempt) {
  const Lock lock(runtime().mutex);
  ++runtime().work.products;
  Work work = {};
  work.attempt = std::move(attempt);
  put(stream_of(stream), std::move(work));
}

StreamWork stream_work() {
  const Lock lock(runtime().mutex);
  return runtime().work;
}

void check_device_range(const void* address, std::size_t bytes, const char* what) {
  const Lock lock(runtime().mutex);
  const auto found = find_allocation(address);
  const std::string size = std::to_string(bytes) + " bytes";
  if (found == runtime().allocations.end())
    raise_fault_at(FaultKind::kDeviceOutOfBounds, std::string(what) + ": " + size + " that are not device memory", "",
                   0);
  const auto first = static_cast<const std::byte*>(address) - static_cast<const std::byte*>(found->first);
  if (static_cast<std::size_t>(first) + bytes > found->second.bytes)
    raise_fault_at(FaultKind::kDeviceOutOfBounds,
                   std::string(what) + ": " + size + " from byte " + std::to_string(first) + " of an allocation of " +
                       std::to_string(found->second.bytes),
                   "", 0);
}

std::size_t shared_limit_of(const void* kernel) {
  const Lock lock(runtime().mutex);
  const auto found = runtime().dynamic_opt_in.find(kernel);
  const Gpu& gpu = settings().gpu;
  return found == runtime().dynamic_opt_in.end() ? gpu.shared_static : std::max(gpu.shared_static, found->second);
}

void enqueue_launch(cudaStream_t stream, const std::string& kernel, LaunchPlan plan,
                    std::shared_ptr<const Invocation> invocation) {
  const Lock lock(runtime().mutex);
  plan.kernel = kernel.c_str();
  check_launch(plan);
  ++runtime().work.launches;
  Work work = {.run = [kernel, plan, invocation]() mutable {
    plan.kernel = kernel.c_str();
    run_grid(plan, *invocation);
    check_allocations(kernel, plan.where);
  }};
  work.kernel = kernel;
  work.plan = plan;
  work.invocation = std::move(invocation);
  put(stream_of(stream), std::move(work));
}

}  // namespace cardiograd::simt

using namespace cardiograd::simt;

cudaError_t cudaGetLastError() {
  const Lock lock(runtime().mutex);
  return std::exchange(runtime().last_error, cudaSuccess);
}
cudaError_t cudaGetDeviceCount(int* count) {
  *count = kDevices;
  return cudaSuccess;
}
cudaError_t cudaGetDevice(int* device) {
  const Lock lock(runtime().mutex);
  *device = runtime().device;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) {
  const Lock lock(runtime().mutex);
  if (device < 0 || device >= kDevices) return fail(cudaErrorInvalidValue);
  runtime().device = device;
  return cudaSuccess;
}
cudaError_t cudaDeviceGetPCIBusId(char* name, int bytes, int device) {
  if (device < 0 || device >= kDevices) return fail(cudaErrorInvalidValue);
  std::snprintf(name, static_cast<std::size_t>(bytes), "0000:%02x:00.0", static_cast<unsigned>(device));
  return cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  if (device < 0 || device >= kDevices) return fail(cudaErrorInvalidValue);
  const Gpu& gpu = settings().gpu;
  *properties = {};
  std::strncpy(properties->name, (std::string(gpu.name) + " on the host").c_str(), sizeof(properties->name) - 1);
  properties->major = gpu.compute_capability / 10;
  properties->minor = gpu.compute_capability % 10;
  properties->totalGlobalMem = kDeviceMemory;
  properties->sharedMemPerBlock = gpu.shared_static;
  properties->sharedMemPerBlockOptin = gpu.shared_opt_in;
  properties->multiProcessorCount = 1;
  return cudaSuccess;
}
cudaError_t cudaDeviceSynchronize() {
  const Lock lock(runtime().mutex);
  ++runtime().work.waits;
  if (any_capture()) return fail(cudaErrorStreamCaptureUnsupported);
  for (CUstream_st* stream : std::vector(runtime().streams)) drain(*stream);
  return cudaSuccess;
}
cudaError_t cudaDriverGetVersion(int* version) {
  *version = kVersion;
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = kVersion;
  return cudaSuccess;
}
cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  const Lock lock(runtime().mutex);
  std::size_t used = 0;
  for (const auto& [pointer, allocation] : runtime().allocations) used += allocation.bytes;
  *total = kDeviceMemory;
  *free = used < kDeviceMemory ? kDeviceMemory - used : 0;
  return cudaSuccess;
}

cudaError_t cudaMalloc(void** pointer, std::size_t bytes) {
  const Lock lock(runtime().mutex);
  *pointer = nullptr;
  if (any_capture()) return fail(cudaErrorStreamCaptureUnsupported);
  ++runtime().work.allocations;
  if (bytes == 0) return cudaSuccess;
  const std::size_t total = (bytes + 2 * kDeviceZone + kDeviceAlignment - 1) / kDeviceAlignment * kDeviceAlignment;
  void* base = std::aligned_alloc(kDeviceAlignment, total);
  if (base == nullptr) return fail(cudaErrorMemoryAllocation);
  std::byte* data = static_cast<std::byte*>(base) + kDeviceZone;
  std::memset(data, kPoisonByte, bytes);
  guard_zone(base, kDeviceZone);
  guard_zone(data + bytes, kDeviceZone);
  runtime().allocations[data] = {base, bytes};
  *pointer = data;
  return cudaSuccess;
}
cudaError_t cudaFree(void* pointer) {
  if (pointer == nullptr) return cudaSuccess;
  const Lock lock(runtime().mutex);
  const auto found = runtime().allocations.find(pointer);
  if (found == runtime().allocations.end()) return fail(cudaErrorInvalidValue);
  ++runtime().work.allocations;
  const cudaError_t status = cudaDeviceSynchronize();
  if (status != cudaSuccess) return status;
  const Allocation allocation = found->second;
  runtime().allocations.erase(found);
  open_zone(allocation.base, allocation.bytes + 2 * kDeviceZone);
  std::free(allocation.base);
  return cudaSuccess;
}
cudaError_t cudaMallocHost(void** pointer, std::size_t bytes) {
  const Lock lock(runtime().mutex);
  ++runtime().work.allocations;
  *pointer = std::malloc(std::max<std::size_t>(bytes, 1));
  return *pointer == nullptr ? fail(cudaErrorMemoryAllocation) : cudaSuccess;
}
cudaError_t cudaFreeHost(void* pointer) {
  const Lock lock(runtime().mutex);
  ++runtime().work.allocations;
  const cudaError_t status = cudaDeviceSynchronize();
  if (status == cudaSuccess) std::free(pointer);
  return status;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  const Lock lock(runtime().mutex);
  if (bytes == 0) return cudaSuccess;
  ++runtime().work.copies;
  const bool to_host = kind == cudaMemcpyDeviceToHost;
  put(stream_of(stream),
      {[=] { std::memcpy(to, from, bytes); }, to_host ? to : nullptr, to_host ? bytes : std::size_t{0}});
  return cudaSuccess;
}
cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t stream) {
  const Lock lock(runtime().mutex);
  if (value == 0) ++runtime().work.clears;
  if (bytes > 0) put(stream_of(stream), {[=] { std::memset(to, value, bytes); }});
  return cudaSuccess;
}
cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind) {
  const Lock lock(runtime().mutex);
  ++runtime().work.waits;
  if (any_capture()) return fail(cudaErrorStreamCaptureUnsupported);
  for (CUstream_st* stream : std::vector(runtime().streams))
    if (stream->blocking) drain(*stream);
  if (bytes > 0) std::memcpy(to, from, bytes);
  return cudaSuccess;
}
cudaError_t cudaMemset(void* to, int value, std::size_t bytes) {
  return cudaMemsetAsync(to, value, bytes, nullptr);
}

cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute attribute, int value) {
  const Lock lock(runtime().mutex);
  if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize || value < 0 ||
      static_cast<std::size_t>(value) > settings().gpu.shared_opt_in)
    return fail(cudaErrorInvalidValue);
  runtime().dynamic_opt_in[kernel] = static_cast<std::size_t>(value);
  return cudaSuccess;
}
