#include "simt/runtime.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "simt/arena.h"
#include "simt/launch.h"

namespace cardiograd::simt {
namespace {

// One entry of a stream. What a pending copy will overwrite is undefined until then: it is filled with NaN when the
// entry is queued.
struct Work {
  std::function<void()> run;
  void* undefined = nullptr;
  std::size_t undefined_bytes = 0;
  // Of a launch.
  std::string kernel{};
  LaunchPlan plan{};
  std::shared_ptr<const Invocation> invocation{};
};

// Whether two launches are of one kernel with one grid and equal arguments.
bool same_launch(const Work& a, const Work& b) {
  const auto same = [](const dim3& x, const dim3& y) { return x.x == y.x && x.y == y.y && x.z == y.z; };
  return a.kernel == b.kernel && same(a.plan.grid, b.plan.grid) && same(a.plan.block, b.plan.block) &&
         a.plan.shared_bytes == b.plan.shared_bytes &&
         (a.invocation == nullptr ? b.invocation == nullptr
                                  : b.invocation != nullptr && a.invocation->same_arguments(*b.invocation));
}

struct Allocation {
  void* base;
  std::size_t bytes;
};

constexpr std::size_t kDeviceAlignment = 256;
constexpr std::size_t kDeviceZone = 256;
constexpr std::size_t kDeviceMemory = std::size_t{8} << 30;
constexpr int kVersion = 12000;  // 12.0
constexpr int kDevices = 8;

}  // namespace
}  // namespace cardiograd::simt

struct CUstream_st {
  std::deque<cardiograd::simt::Work> queue;
  bool blocking = true;
  std::unique_ptr<CUgraph_st> capture;
};
struct CUevent_st {
  CUstream_st* stream = nullptr;  // where it was recorded last and not yet reached
  std::uint64_t recorded = 0;
  std::uint64_t reached = 0;
  std::chrono::steady_clock::time_point time;
};
struct CUgraph_st {
  std::vector<cardiograd::simt::Work> works;
};
struct CUgraphExec_st {
  std::vector<cardiograd::simt::Work> works;
};

namespace cardiograd::simt {
namespace {

// One lock for the whole runtime, held while work runs: like the GPU, it does one thing at a time.
struct Runtime {
  std::recursive_mutex mutex;
  CUstream_st default_stream;
  std::vector<CUstream_st*> streams{&default_stream};
  std::map<void*, Allocation> allocations;
  std::map<const void*, std::size_t> dynamic_opt_in;
  cudaError_t last_error = cudaSuccess;
  int device = 0;
  StreamWork work;
};

// Never destroyed: device memory of static objects may be released after everything else.
Runtime& runtime() {
  static Runtime& instance = *new Runtime;
  return instance;
}

using Lock = std::lock_guard<std::recursive_mutex>;

CUstream_st& stream_of(cudaStream_t stream) {
  return stream == nullptr ? runtime().default_stream : *stream;
}

cudaError_t fail(cudaError_t error) {
  return runtime().last_error = error;
}

void put(CUstream_st& stream, Work work) {
  if (stream.capture) {
    stream.capture->works.push_back(std::move(work));
    return;
  }
  if (work.undefined != nullptr) std::memset(work.undefined, kPoisonByte, work.undefined_bytes);
  stream.queue.push_back(std::move(work));
}

// After a fault nothing that was queued makes sense: as on the GPU, it is gone.
void run_first(CUstream_st& stream) {
  const Work work = std::move(stream.queue.front());
  stream.queue.pop_front();
  try {
    work.run();
  } catch (...) {
    for (CUstream_st* other : runtime().streams) other->queue.clear();
    throw;
  }
}

void drain(CUstream_st& stream) {
  while (!stream.queue.empty()) run_first(stream);
}

void wait_for(CUevent_st& event, std::uint64_t version) {
  while (event.reached < version && event.stream != nullptr && !event.stream->queue.empty()) run_first(*event.stream);
}

bool any_capture() {
  const auto& streams = runtime().streams;
  return std::any_of(streams.begin(), streams.end(), [](const CUstream_st* s) { return s->capture != nullptr; });
}

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

}  // namespace

namespace {

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

std::vector<std::string> graph_differences(cudaGraphExec_t a, cudaGraphExec_t b) {
  std::vector<std::string> differences;
  const std::size_t common = std::min(a->works.size(), b->works.size());
  for (std::size_t i = 0; i < common; ++i)
    if (!same_launch(a->works[i], b->works[i])) differences.push_back(a->works[i].kernel);
  if (a->works.size() != b->works.size()) differences.emplace_back("one graph has more work");
  return differences;
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

cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  return cudaStreamCreateWithFlags(stream, cudaStreamDefault);
}
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  const Lock lock(runtime().mutex);
  *stream = new CUstream_st;
  (*stream)->blocking = (flags & cudaStreamNonBlocking) == 0;
  runtime().streams.push_back(*stream);
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  const Lock lock(runtime().mutex);
  if (stream == nullptr) return fail(cudaErrorInvalidResourceHandle);
  const std::unique_ptr<CUstream_st> owned(stream);
  std::erase(runtime().streams, stream);
  drain(*stream);
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  const Lock lock(runtime().mutex);
  ++runtime().work.waits;
  if (any_capture()) return fail(cudaErrorStreamCaptureUnsupported);
  drain(stream_of(stream));
  return cudaSuccess;
}
cudaError_t cudaStreamQuery(cudaStream_t stream) {
  const Lock lock(runtime().mutex);
  return stream_of(stream).queue.empty() ? cudaSuccess : cudaErrorNotReady;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  const Lock lock(runtime().mutex);
  put(stream_of(stream), {[event, version = event->recorded] { wait_for(*event, version); }});
  return cudaSuccess;
}

cudaError_t cudaEventCreate(cudaEvent_t* event) {
  *event = new CUevent_st;
  return cudaSuccess;
}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  return cudaEventCreate(event);
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  const Lock lock(runtime().mutex);
  const std::unique_ptr<CUevent_st> owned(event);
  wait_for(*event, event->recorded);
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  const Lock lock(runtime().mutex);
  CUstream_st& at = stream_of(stream);
  event->stream = &at;
  const std::uint64_t version = ++event->recorded;
  put(at, {[event, version] {
        event->reached = version;
        event->time = std::chrono::steady_clock::now();
      }});
  return cudaSuccess;
}
cudaError_t cudaEventQuery(cudaEvent_t event) {
  const Lock lock(runtime().mutex);
  return event->reached == event->recorded ? cudaSuccess : cudaErrorNotReady;
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  const Lock lock(runtime().mutex);
  ++runtime().work.waits;
  if (any_capture()) return fail(cudaErrorStreamCaptureUnsupported);
  wait_for(*event, event->recorded);
  return cudaSuccess;
}
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  const Lock lock(runtime().mutex);
  if (start->recorded == 0 || end->recorded == 0) return fail(cudaErrorInvalidResourceHandle);
  if (start->reached != start->recorded || end->reached != end->recorded) return cudaErrorNotReady;
  *milliseconds = std::chrono::duration<float, std::milli>(end->time - start->time).count();
  return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  const Lock lock(runtime().mutex);
  if (stream == nullptr) return fail(cudaErrorStreamCaptureUnsupported);
  if (stream->capture) return fail(cudaErrorInvalidValue);
  stream->capture = std::make_unique<CUgraph_st>();
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  const Lock lock(runtime().mutex);
  if (stream == nullptr || !stream->capture) return fail(cudaErrorInvalidValue);
  *graph = stream->capture.release();
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long) {
  *executable = new CUgraphExec_st{graph->works};
  return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  const Lock lock(runtime().mutex);
  ++runtime().work.graph_launches;
  for (const Work& work : executable->works) put(stream_of(stream), work);
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  delete executable;
  return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}

cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute attribute, int value) {
  const Lock lock(runtime().mutex);
  if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize || value < 0 ||
      static_cast<std::size_t>(value) > settings().gpu.shared_opt_in)
    return fail(cudaErrorInvalidValue);
  runtime().dynamic_opt_in[kernel] = static_cast<std::size_t>(value);
  return cudaSuccess;
}
