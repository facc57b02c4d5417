// Streams, events, captures and graphs of the stand-in for the CUDA runtime.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "simt/arena.h"
#include "simt/launch.h"
#include "simt/runtime.h"
#include "simt/runtime_state.h"

namespace cardiograd::simt {
namespace {

// Whether two launches are of one kernel with one grid and equal arguments.
bool same_launch(const Work& a, const Work& b) {
  const auto same = [](const dim3& x, const dim3& y) { return x.x == y.x && x.y == y.y && x.z == y.z; };
  return a.kernel == b.kernel && same(a.plan.grid, b.plan.grid) && same(a.plan.block, b.plan.block) &&
         a.plan.shared_bytes == b.plan.shared_bytes &&
         (a.invocation == nullptr ? b.invocation == nullptr
                                  : b.invocation != nullptr && a.invocation->same_arguments(*b.invocation));
}

// Between two attempts of what waits for another process.
constexpr std::chrono::microseconds kBetweenAttempts{20};

// False where it stays the first, since it waits for another process. After a fault nothing that was queued makes
// sense: as on the GPU, it is gone.
bool run_first(CUstream_st& stream) {
  Work work = std::move(stream.queue.front());
  stream.queue.pop_front();
  try {
    if (!work.attempt) {
      work.run();
    } else if (!work.attempt()) {
      stream.queue.push_front(std::move(work));
      return false;
    }
  } catch (...) {
    for (CUstream_st* other : runtime().streams) other->queue.clear();
    throw;
  }
  return true;
}

// Runs what comes before the event; false where some of it waits for another process.
bool run_until(const CUevent_st& event, std::uint64_t version) {
  while (event.reached < version && event.stream != nullptr && !event.stream->queue.empty())
    if (!run_first(*event.stream)) return false;
  return true;
}

void wait_for(const CUevent_st& event, std::uint64_t version) {
  while (!run_until(event, version)) std::this_thread::sleep_for(kBetweenAttempts);
}

// The stream that this capture began in, while it goes on.
CUstream_st* capturing_stream(std::uint64_t capture) {
  for (CUstream_st* stream : runtime().streams)
    if (stream->capture && stream->capture->capture == capture) return stream;
  return nullptr;
}

}  // namespace

void put(CUstream_st& stream, Work work) {
  if (CUgraph_st* graph = stream.graph()) {
    graph->works.push_back(std::move(work));
    ++stream.recorded;
    return;
  }
  if (work.undefined != nullptr) std::memset(work.undefined, kPoisonByte, work.undefined_bytes);
  stream.queue.push_back(std::move(work));
}

void drain(CUstream_st& stream) {
  while (!stream.queue.empty())
    if (!run_first(stream)) std::this_thread::sleep_for(kBetweenAttempts);
}

bool any_capture() {
  const auto& streams = runtime().streams;
  return std::any_of(streams.begin(), streams.end(), [](const CUstream_st* s) { return s->capture != nullptr; });
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
  if (any_capture()) return fail(cudaErrorStreamCaptureUnsupported);
  CUstream_st& asked = stream_of(stream);
  if (asked.queue.empty()) return cudaSuccess;
  while (!asked.queue.empty() && run_first(asked)) {
  }
  return cudaErrorNotReady;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  const Lock lock(runtime().mutex);
  CUstream_st& waiting = stream_of(stream);
  CUstream_st* origin = capturing_stream(event->capture);
  if (origin == nullptr && waiting.graph() != nullptr) return fail(cudaErrorStreamCaptureIsolation);
  if (origin == nullptr) {
    Work work = {};
    work.attempt = [event, version = event->recorded] { return run_until(*event, version); };
    put(waiting, std::move(work));
  } else if (&waiting == origin) {
    event->stream->waited_for = std::max(event->stream->waited_for, event->place);
  } else if (waiting.origin != origin) {
    waiting.origin = origin;
    waiting.recorded = waiting.waited_for = 0;
  }
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
  std::unique_ptr<CUevent_st> owned(event);
  // A stream that waits for another process still holds it.
  if (!run_until(*event, event->recorded)) static_cast<void>(owned.release());
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  const Lock lock(runtime().mutex);
  CUstream_st& at = stream_of(stream);
  event->stream = &at;
  event->capture = at.graph() != nullptr ? at.graph()->capture : 0;
  event->place = at.recorded;
  if (event->capture != 0) return cudaSuccess;
  const std::uint64_t version = ++event->recorded;
  put(at, {[event, version] {
        event->reached = version;
        event->time = std::chrono::steady_clock::now();
      }});
  return cudaSuccess;
}
cudaError_t cudaEventQuery(cudaEvent_t event) {
  const Lock lock(runtime().mutex);
  if (any_capture()) return fail(cudaErrorStreamCaptureUnsupported);
  if (event->reached == event->recorded) return cudaSuccess;
  run_until(*event, event->recorded);
  return cudaErrorNotReady;
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
  stream->capture->capture = ++runtime().captures;
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  const Lock lock(runtime().mutex);
  if (stream == nullptr || !stream->capture) return fail(cudaErrorInvalidValue);
  bool joined = true;
  for (CUstream_st* other : runtime().streams) {
    if (other->origin != stream) continue;
    joined = joined && other->waited_for == other->recorded;
    other->origin = nullptr;
    other->recorded = other->waited_for = 0;
  }
  const std::unique_ptr<CUgraph_st> recorded = std::move(stream->capture);
  *graph = joined ? new CUgraph_st(*recorded) : nullptr;
  return joined ? cudaSuccess : fail(cudaErrorStreamCaptureUnjoined);
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
