// The builds without device code: asking for the GPU is one clear error. The destructors have bodies, since with device
// code they have something to do: none can be defaulted where it is declared.
#if !defined(CARDIOGRAD_DEVICE_CODE)
#include "base/error.h"
#include "engine/cuda.h"

namespace cardiograd::cuda {
namespace {

[[noreturn]] void refuse() {
  throw Error(problem()->message, problem()->hint);
}

}  // namespace

const Problem* problem() {
  static const Problem problem = {"device cuda: this build has no CUDA kernels",
                                  "Use --device cpu, or --device auto to take what is there; the preset cuda builds "
                                  "them."};
  return &problem;
}

const Gpu& gpu() {
  refuse();
}
void choose_gpu(int) {}
bool emulated() {
  return false;
}
std::size_t free_memory() {
  refuse();
}
kernels::Stream stream() {
  refuse();
}
void synchronize() {
  refuse();
}
bool finished_within(double) {
  refuse();
}
void let_run() {}
WaitWatch::WaitWatch(const std::function<void(double)>&) {
  refuse();
}
WaitWatch::~WaitWatch() {}
void use_gpu_in_this_thread() {
  refuse();
}
Beside::Beside() {
  refuse();
}
Beside::~Beside() {}
void join_beside() {}
std::byte* allocate(std::size_t) {
  refuse();
}
void release(std::byte*) {
  refuse();
}
std::byte* allocate_pinned(std::size_t) {
  refuse();
}
void copy(void*, const void*, std::size_t, Direction) {
  refuse();
}
void fill_bytes(void*, int, std::size_t) {
  refuse();
}

Event::Event() {
  refuse();
}
Event::~Event() {}
Event::Event(Event&& other) noexcept : event_(other.event_) {}
void Event::record() {
  refuse();
}
void Event::wait() {
  refuse();
}

TimedEvent::TimedEvent() {
  refuse();
}
TimedEvent::~TimedEvent() {}
TimedEvent::TimedEvent(TimedEvent&& other) noexcept : event_(other.event_) {}
void TimedEvent::record() {
  refuse();
}
double TimedEvent::seconds_since(const TimedEvent&) const {
  refuse();
}

bool capturing() {
  return false;
}

Graph::Graph(const std::function<void()>&) {
  refuse();
}
Graph::~Graph() {}
Graph::Graph(Graph&& other) noexcept : executable_(other.executable_) {}
void Graph::launch() const {
  refuse();
}

NamedRange::NamedRange(const char*) {}
NamedRange::~NamedRange() {}

}  // namespace cardiograd::cuda
#endif
