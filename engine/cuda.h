// The engine's way to the GPU: is there one, its stream, memory, copies and events. cuda.cpp is the only file of the
// engine that calls the CUDA runtime. Where problem() has one, which is always so in a build without device code
// (cuda_absent.cpp), everything but problem(), problem_of_status() and emulated() throws Error with its words. All
// throw Error for what the runtime reports, which may be the failure of a kernel launched before.
//
// All kernels and copies go through one stream, in order, but for what a Beside puts into a second one, and never
// through CUDA's default stream. The host waits for it only where it says so here.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "kernels/common/stream.h"

struct CUevent_st;
struct CUgraphExec_st;

namespace cardiograd::cuda {

struct Problem {
  std::string message;
  std::string hint;
};
// Why nothing can run on Device::kCuda; nullptr when it can. The driver is asked once.
const Problem* problem();

// What the CUDA runtime knows about versions and GPUs when it refuses.
struct DriverInfo {
  int driver = 0;   // newest CUDA that the driver knows, as cudaDriverGetVersion says it: 12040; 0 without a driver
  int runtime = 0;  // CUDA of this build: 12020
  std::string gpu;  // "Quadro P400 (sm_61)"
  std::string architectures;  // compute capabilities that the kernels were compiled for: "75, 80, 86"
};
// A status of the CUDA runtime (its number) that was met on the way to the GPU, in words.
Problem problem_of_status(int status, const std::string& status_text, const DriverInfo& info);

struct Gpu {
  std::string name;
  int capability = 0;      // 86 for 8.6
  std::size_t memory = 0;  // bytes
  std::string place;       // in its machine, as the driver names it: 0000:17:00.0
};
// The GPU that is used: the first one that the driver shows, or that of choose_gpu().
const Gpu& gpu();
// Of the GPUs that the driver shows, the one with this number from 0, modulo how many there are, is to be used. Before
// anything else is asked of a GPU: for one process among several on a machine.
void choose_gpu(int number);
// True when the "GPU" is this machine's processor (simt/).
bool emulated();
// Bytes of the GPU that nobody has taken.
std::size_t free_memory();

// The engine's stream.
kernels::Stream stream();
// Waits for everything in the stream. Throws Error for what went wrong there.
void synchronize();
// Whether all that is in the streams is done within so many seconds. Throws Error for what went wrong there.
bool finished_within(double seconds);
// Before this process waits for another one: what is in the stream goes on meanwhile. On a GPU it always does; the
// emulation does it now.
void let_run();

// For a GPU that may wait for those of other processes, and so without end. While one lives, whoever waits for the GPU
// here looks again and again whether it is done, and calls `meanwhile` before the first look and between the others,
// with the seconds that it has waited: what that throws ends the wait. One at a time.
class WaitWatch {
 public:
  explicit WaitWatch(const std::function<void(double waited_s)>& meanwhile);
  ~WaitWatch();
  WaitWatch(const WaitWatch&) = delete;
  WaitWatch& operator=(const WaitWatch&) = delete;
};

// CUDA remembers for each thread which GPU it uses: the calling thread, too, uses that of the engine.
void use_gpu_in_this_thread();

// A second stream beside the engine's, for what need not wait for the work that comes next. While a Beside lives,
// stream() is that second one: what is put into it comes after all that the engine's stream holds by then, and goes on
// beside what is put there later. Memory that it works on is kept until join_beside(). None within another.
class Beside {
 public:
  Beside();
  ~Beside();
  Beside(const Beside&) = delete;
  Beside& operator=(const Beside&) = delete;
};
// What is put into the engine's stream from now on comes after all that was put beside it. Nothing while a Beside
// lives.
void join_beside();

// Device memory, aligned to 256 bytes; nullptr when there is no more. release() waits for the GPU.
std::byte* allocate(std::size_t bytes);
void release(std::byte* block);
// Host memory that the GPU can read and write by itself; memory.h hands it out. Throws Error when there is no more.
std::byte* allocate_pinned(std::size_t bytes);

enum class Direction { kToDevice, kToHost, kOnDevice };
// Puts a copy into the stream. Host memory must stay until it has happened.
void copy(void* to, const void* from, std::size_t bytes, Direction direction);
// Puts into the stream: every one of `bytes` bytes of device memory becomes `value`, 0 to 255.
void fill_bytes(void* to, int value, std::size_t bytes);

// A place in the stream.
class Event {
 public:
  Event();
  ~Event();
  Event(Event&& other) noexcept;
  Event& operator=(Event&& other) = delete;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  // Marks what has been put into the stream so far.
  void record();
  // Waits for what was marked last; returns at once when nothing was.
  void wait();

 private:
  CUevent_st* event_ = nullptr;
};

// A place in the stream that remembers when the GPU came to it.
class TimedEvent {
 public:
  TimedEvent();
  ~TimedEvent();
  TimedEvent(TimedEvent&& other) noexcept;
  TimedEvent& operator=(TimedEvent&& other) = delete;
  TimedEvent(const TimedEvent&) = delete;
  TimedEvent& operator=(const TimedEvent&) = delete;

  // Marks what has been put into the stream so far.
  void record();
  // From `earlier` to this; the GPU must have come to both.
  double seconds_since(const TimedEvent& earlier) const;

 private:
  CUevent_st* event_ = nullptr;
};

// True while work is recorded instead of put into the stream (Graph).
bool capturing();

// A piece of work that the GPU repeats at one word from the host. Kernels keep the arguments that they had when it was
// recorded: what changes from one time to the next they must read from device memory.
class Graph {
 public:
  // Records what `work` puts into the stream, without running it. `work` must not wait for the stream, take device
  // memory, or copy from the host: all three throw Error. What it throws leaves the constructor.
  explicit Graph(const std::function<void()>& work);
  ~Graph();
  Graph(Graph&& other) noexcept;
  Graph& operator=(Graph&& other) = delete;
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  // Puts the work into the stream.
  void launch() const;
  // The runtime's handle, for tests.
  CUgraphExec_st* handle() const { return executable_; }

 private:
  CUgraphExec_st* executable_ = nullptr;
};

// A name around what the host does, in the timeline of NVIDIA's profilers (NVTX). Costs a few nanoseconds where none
// watches.
class NamedRange {
 public:
  explicit NamedRange(const char* name);
  ~NamedRange();
  NamedRange(const NamedRange&) = delete;
  NamedRange& operator=(const NamedRange&) = delete;
};

}  // namespace cardiograd::cuda
