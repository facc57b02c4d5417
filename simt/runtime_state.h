// What the parts of the stand-in for the CUDA runtime share: streams and their work, events, graphs, device memory.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "simt/launch.h"
#include "simt/runtime.h"

namespace cardiograd::simt {

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
  // In place of `run`, where there is one: as in enqueue_attempts().
  std::function<bool()> attempt{};
};

// A block of device memory, with its red zones.
struct Allocation {
  void* base;
  std::size_t bytes;
};

}  // namespace cardiograd::simt

struct CUgraph_st {
  std::uint64_t capture = 0;  // by which it was recorded
  std::vector<cardiograd::simt::Work> works;
};
struct CUgraphExec_st {
  std::vector<cardiograd::simt::Work> works;
};
struct CUstream_st {
  std::deque<cardiograd::simt::Work> queue;
  bool blocking = true;
  std::unique_ptr<CUgraph_st> capture;
  // The stream whose capture this one has joined by waiting for an event of it, what it put into the graph, and how
  // much of that the other has waited for.
  CUstream_st* origin = nullptr;
  std::size_t recorded = 0;
  std::size_t waited_for = 0;

  // What its work is recorded in; nullptr: it is not.
  CUgraph_st* graph() const { return capture ? capture.get() : origin != nullptr ? origin->capture.get() : nullptr; }
};
struct CUevent_st {
  CUstream_st* stream = nullptr;  // where it was recorded last and not yet reached
  std::uint64_t recorded = 0;
  std::uint64_t reached = 0;
  std::chrono::steady_clock::time_point time;
  // Of the last record, where it was part of a capture: which one, and CUstream_st::recorded.
  std::uint64_t capture = 0;
  std::size_t place = 0;
};

namespace cardiograd::simt {

// One lock for the whole runtime, held while work runs: like the GPU, it does one thing at a time.
struct Runtime {
  std::recursive_mutex mutex;
  CUstream_st default_stream;
  std::vector<CUstream_st*> streams{&default_stream};
  std::map<void*, Allocation> allocations;
  std::map<const void*, std::size_t> dynamic_opt_in;
  cudaError_t last_error = cudaSuccess;
  int device = 0;
  std::uint64_t captures = 0;
  StreamWork work;
};
Runtime& runtime();

using Lock = std::lock_guard<std::recursive_mutex>;

// nullptr: the default stream.
CUstream_st& stream_of(cudaStream_t stream);
// Puts work into a stream, or into the graph that it records.
void put(CUstream_st& stream, Work work);
// Runs what waits in the stream, to its end.
void drain(CUstream_st& stream);
bool any_capture();
// The status of a call that failed; cudaGetLastError() gives it too.
cudaError_t fail(cudaError_t error);

}  // namespace cardiograd::simt
