#if defined(CARDIOGRAD_DEVICE_CODE)
#include "engine/cuda.h"

#include <chrono>
#include <functional>
#include <optional>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "kernels/common/device_values_cuda.h"
#include "kernels/common/runtime_cuda.h"

#if !defined(CARDIOGRAD_SIMT)
#include <nvtx3/nvToolsExt.h>
#endif

namespace cardiograd::cuda {
namespace {

using Clock = std::chrono::steady_clock;

// Between two looks at the GPU: at first none, since most waits are short.
constexpr int kEagerLooks = 200;
constexpr std::chrono::microseconds kBetweenLooks{20};

int chosen = 0;                               // choose_gpu
std::function<void(double)> while_waiting{};  // of the WaitWatch that lives

void check(cudaError_t status, const char* what) {
  if (status != cudaSuccess)
    throw Error(fmt::format("{}: {}", what, cudaGetErrorString(status)),
                "nvidia-smi shows what the GPU and its driver are doing.");
}

// The one GPU that is used, or why there is none. Made at first use, never destroyed: tensors with static lifetime
// may need the stream later than anything else.
struct Connection {
  Gpu gpu;
  int number = 0;
  cudaStream_t stream = nullptr;
  std::optional<Problem> problem;

  Connection() {
    const cudaError_t status = connect();
    if (status == cudaSuccess) return;
    DriverInfo info = {.gpu = fmt::format("{} (sm_{})", gpu.name, gpu.capability),
                       .architectures = kernels::compiled_architectures()};
    cudaDriverGetVersion(&info.driver);
    cudaRuntimeGetVersion(&info.runtime);
    problem = problem_of_status(static_cast<int>(status), cudaGetErrorString(status), info);
  }

 private:
  cudaError_t connect() {
    int count = 0;
    if (const cudaError_t status = cudaGetDeviceCount(&count); status != cudaSuccess) return status;
    if (count == 0) return cudaErrorNoDevice;
    number = chosen % count;
    if (const cudaError_t status = cudaSetDevice(number); status != cudaSuccess) return status;
    cudaDeviceProp properties = {};
    if (const cudaError_t status = cudaGetDeviceProperties(&properties, number); status != cudaSuccess) return status;
    char place[32] = "";
    if (const cudaError_t status = cudaDeviceGetPCIBusId(place, sizeof place, number); status != cudaSuccess)
      return status;
    gpu = {properties.name, 10 * properties.major + properties.minor, properties.totalGlobalMem, place};
    if (const cudaError_t status = cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking); status != cudaSuccess)
      return status;
    try {
      kernels::probe_cuda(stream);
    } catch (const Error&) {
      const cudaError_t status = cudaGetLastError();
      return status == cudaSuccess ? cudaErrorNoKernelImageForDevice : status;
    }
    return cudaStreamSynchronize(stream);
  }
};

const Connection& connection() {
  static const Connection& connection = *new Connection;
  return connection;
}

const Connection& working() {
  if (problem() != nullptr) throw Error(problem()->message, problem()->hint);
  return connection();
}

// The stream beside the engine's; never destroyed, as that one.
struct SecondStream {
  cudaStream_t stream = nullptr;
  cudaEvent_t begin = nullptr, end = nullptr;
  bool current = false;  // a Beside lives
  bool joined = true;

  SecondStream() {
    check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "creating a stream");
    for (cudaEvent_t* event : {&begin, &end})
      check(cudaEventCreateWithFlags(event, cudaEventDisableTiming), "creating an event");
  }
};
SecondStream* second = nullptr;

// Until `query` says that the GPU is done, or `may_go_on`, called with the seconds waited so far, says no or throws.
template <class Query, class MayGoOn>
bool look_until_done(const Query& query, const MayGoOn& may_go_on) {
  const Clock::time_point start = Clock::now();
  for (int looks = 0;; ++looks) {
    // Before the look: this process itself may have been stopped in between.
    const double waited = looks < kEagerLooks ? 0 : std::chrono::duration<double>(Clock::now() - start).count();
    const cudaError_t status = query();
    if (status != cudaErrorNotReady) {
      check(status, "waiting for the GPU");
      return true;
    }
    cudaGetLastError();  // Or the next launch would report it.
    if (looks < kEagerLooks) continue;
    if (!may_go_on(waited)) return false;
    std::this_thread::sleep_for(kBetweenLooks);
  }
}

template <class Query>
void watched_wait(const Query& query) {
  while_waiting(0);
  look_until_done(query, [](double waited) {
    while_waiting(waited);
    return true;
  });
}

cudaError_t query_streams() {
  const cudaError_t status = cudaStreamQuery(working().stream);
  return status != cudaSuccess || second == nullptr ? status : cudaStreamQuery(second->stream);
}

}  // namespace

const Problem* problem() {
  return connection().problem ? &*connection().problem : nullptr;
}

const Gpu& gpu() {
  return working().gpu;
}

void choose_gpu(int number) {
  chosen = number;
}

bool emulated() {
#if defined(CARDIOGRAD_SIMT)
  return true;
#else
  return false;
#endif
}

std::size_t free_memory() {
  working();
  std::size_t free = 0;
  std::size_t total = 0;
  check(cudaMemGetInfo(&free, &total), "asking for the GPU's free memory");
  return free;
}

kernels::Stream stream() {
  return second != nullptr && second->current ? second->stream : working().stream;
}

Beside::Beside() {
  const cudaStream_t first = working().stream;
  if (second == nullptr) second = new SecondStream;
  check(cudaEventRecord(second->begin, first), "recording an event");
  check(cudaStreamWaitEvent(second->stream, second->begin, 0), "letting a stream wait");
  second->current = true;
  second->joined = false;
}
Beside::~Beside() {
  second->current = false;
}

void join_beside() {
  if (second == nullptr || second->joined || second->current) return;
  check(cudaEventRecord(second->end, second->stream), "recording an event");
  check(cudaStreamWaitEvent(working().stream, second->end, 0), "letting a stream wait");
  second->joined = true;
}

void synchronize() {
  if (while_waiting) return watched_wait([] { return cudaStreamQuery(stream()); });
  check(cudaStreamSynchronize(stream()), "waiting for the GPU");
}

bool finished_within(double seconds) {
  return look_until_done(query_streams, [seconds](double waited) { return waited <= seconds; });
}

WaitWatch::WaitWatch(const std::function<void(double)>& meanwhile) {
  while_waiting = meanwhile;
}
WaitWatch::~WaitWatch() {
  while_waiting = {};
}

void use_gpu_in_this_thread() {
  working();
  check(cudaSetDevice(connection().number), "choosing the GPU");
}

void let_run() {
  if (emulated()) synchronize();
}

std::byte* allocate(std::size_t bytes) {
  working();
  void* block = nullptr;
  const cudaError_t status = cudaMalloc(&block, bytes);
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();  // Or the next launch would report it.
    return nullptr;
  }
  check(status, "allocating memory on the GPU");
  return static_cast<std::byte*>(block);
}

void release(std::byte* block) {
  if (while_waiting) watched_wait(query_streams);  // Or cudaFree() would wait without end.
  check(cudaFree(block), "releasing memory on the GPU");
}

std::byte* allocate_pinned(std::size_t bytes) {
  working();
  void* block = nullptr;
  check(cudaMallocHost(&block, bytes), "allocating pinned memory");
  return static_cast<std::byte*>(block);
}

void copy(void* to, const void* from, std::size_t bytes, Direction direction) {
  const cudaMemcpyKind kind = direction == Direction::kToDevice ? cudaMemcpyHostToDevice
                              : direction == Direction::kToHost ? cudaMemcpyDeviceToHost
                                                                : cudaMemcpyDeviceToDevice;
  if (bytes > 0) check(cudaMemcpyAsync(to, from, bytes, kind, stream()), "copying to or from the GPU");
}

void fill_bytes(void* to, int value, std::size_t bytes) {
  if (bytes > 0) check(cudaMemsetAsync(to, value, bytes, stream()), "filling memory on the GPU");
}

Event::Event() {
  working();
  check(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming), "creating an event");
}
Event::~Event() {
  try {
    if (event_ != nullptr) cudaEventDestroy(event_);
  } catch (const Error&) {  // Of a kernel that the emulation ran just now; the stream is empty after it.
  }
}
Event::Event(Event&& other) noexcept : event_(std::exchange(other.event_, nullptr)) {}
void Event::record() {
  check(cudaEventRecord(event_, stream()), "recording an event");
}
void Event::wait() {
  if (while_waiting) return watched_wait([this] { return cudaEventQuery(event_); });
  check(cudaEventSynchronize(event_), "waiting for the GPU");
}

TimedEvent::TimedEvent() {
  working();
  check(cudaEventCreate(&event_), "creating an event");
}
TimedEvent::~TimedEvent() {
  try {
    if (event_ != nullptr) cudaEventDestroy(event_);
  } catch (const Error&) {  // As above.
  }
}
TimedEvent::TimedEvent(TimedEvent&& other) noexcept : event_(std::exchange(other.event_, nullptr)) {}
void TimedEvent::record() {
  check(cudaEventRecord(event_, stream()), "recording an event");
}
double TimedEvent::seconds_since(const TimedEvent& earlier) const {
  float milliseconds = 0;
  check(cudaEventElapsedTime(&milliseconds, earlier.event_, event_), "asking for the time between two events");
  return 1e-3 * static_cast<double>(milliseconds);
}

namespace {

bool is_capturing = false;

// Ends what cudaStreamBeginCapture began, whatever happens between.
class Capture {
 public:
  Capture() {
    check(cudaStreamBeginCapture(stream(), cudaStreamCaptureModeThreadLocal), "recording a graph");
    is_capturing = true;
  }
  ~Capture() {
    cudaGraph_t graph = nullptr;
    if (is_capturing && cudaStreamEndCapture(stream(), &graph) == cudaSuccess) cudaGraphDestroy(graph);
    if (is_capturing) cudaGetLastError();  // Or the next launch would report it.
    is_capturing = false;
  }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  cudaGraph_t end() {
    cudaGraph_t graph = nullptr;
    is_capturing = false;
    check(cudaStreamEndCapture(stream(), &graph), "recording a graph");
    return graph;
  }
};

}  // namespace

bool capturing() {
  return is_capturing;
}

Graph::Graph(const std::function<void()>& work) {
  Capture capture;
  work();
  const cudaGraph_t graph = capture.end();
  const cudaError_t status = cudaGraphInstantiate(&executable_, graph, 0);
  cudaGraphDestroy(graph);
  check(status, "preparing a graph");
}
Graph::~Graph() {
  if (executable_ != nullptr) cudaGraphExecDestroy(executable_);
}
Graph::Graph(Graph&& other) noexcept : executable_(std::exchange(other.executable_, nullptr)) {}
void Graph::launch() const {
  check(cudaGraphLaunch(executable_, stream()), "launching a graph");
}

#if defined(CARDIOGRAD_SIMT)
NamedRange::NamedRange(const char*) {}
NamedRange::~NamedRange() = default;
#else
NamedRange::NamedRange(const char* name) {
  nvtxRangePushA(name);
}
NamedRange::~NamedRange() {
  nvtxRangePop();
}
#endif

}  // namespace cardiograd::cuda
#endif
