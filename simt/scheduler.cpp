#include "simt/scheduler.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>
#include <numeric>

#include "simt/counters.h"

constinit thread_local uint3 threadIdx{};
constinit thread_local uint3 blockIdx{};
constinit thread_local dim3 blockDim{};
constinit thread_local dim3 gridDim{};

namespace cardiograd::simt {
namespace {

// Thrown through the frames of threads that cannot be finished.
struct Abandoned {};

std::string tuple(unsigned x, unsigned y, unsigned z) {
  return "(" + std::to_string(x) + ", " + std::to_string(y) + ", " + std::to_string(z) + ")";
}

bool same_place(const Where& a, const Where& b) {
  return a.line() == b.line() && a.column() == b.column() &&
         (a.file_name() == b.file_name() || std::strcmp(a.file_name(), b.file_name()) == 0);
}

// "0-31, 40"
std::string ranges(const std::vector<int>& numbers) {
  std::string text;
  for (std::size_t i = 0; i < numbers.size();) {
    std::size_t last = i;
    while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1) ++last;
    if (!text.empty()) text += ", ";
    text += std::to_string(numbers[i]);
    if (last > i) text += "-" + std::to_string(numbers[last]);
    i = last + 1;
  }
  return text;
}

}  // namespace

Scheduler& Scheduler::current() {
  thread_local Scheduler scheduler;
  return scheduler;
}

std::string running_place() {
  return Scheduler::current().place();
}

std::string Scheduler::place() const {
  if (plan_ == nullptr) return "";
  std::string text = std::string("kernel ") + plan_->kernel + ", block " + tuple(blockIdx.x, blockIdx.y, blockIdx.z);
  if (running_ >= 0) {
    const uint3& index = at(running_).index;
    text += ", thread " + tuple(index.x, index.y, index.z);
  }
  return text + ", ";
}

void Scheduler::begin_launch(const LaunchPlan& plan) {
  watch_.begin_launch();
  if (Counters* counters = Counters::active()) counters->begin_launch(plan);
}

void Scheduler::end_launch() {
  if (Counters* counters = Counters::active()) counters->end_launch();
}

const std::vector<int>& Scheduler::order_of(int count, std::vector<int>& order) {
  order.resize(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  if (settings().order == Order::kReverse) std::reverse(order.begin(), order.end());
  if (settings().order == Order::kRandom) shuffle_.shuffle(order);
  return order;
}

void Scheduler::prepare_threads(dim3 block) {
  count_ = static_cast<int>(block.x * block.y * block.z);
  const std::size_t known = threads_.size();
  if (known < static_cast<std::size_t>(count_)) threads_.resize(static_cast<std::size_t>(count_));
  for (int i = 0; i < count_; ++i) {
    Thread& thread = at(i);
    if (!thread.fiber) thread.fiber = std::make_unique<Fiber>([this, i] { body(i); });
    thread.state = State::kReady;
    thread.copies.clear();
    thread.group_sizes.clear();
    const unsigned number = static_cast<unsigned>(i);
    thread.index = {number % block.x, number / block.x % block.y, number / (block.x * block.y)};
  }
}

// What a thread's fiber does for one block.
void Scheduler::body(int thread) {
  try {
    invocation_->call();
  } catch (const Abandoned&) {
  } catch (...) {
    failure_ = std::current_exception();
  }
  at(thread).state = State::kExited;
}

void Scheduler::run(int thread) {
  Thread& next = at(thread);
  running_ = thread;
  threadIdx = next.index;
  next.fiber->resume();
  running_ = -1;
  if (failure_ && !abandoning_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void Scheduler::wait(bool for_block, const Collective& collective, void* data, std::uint32_t mask, const Where& where) {
  const int number = running_;
  Thread& self = at(number);
  if (!for_block && (mask >> (number % kWarpSize) & 1U) == 0)
    raise_fault(FaultKind::kCallerNotInMask,
                std::string(collective.name) + " with a mask that leaves out the calling lane " +
                    std::to_string(number % kWarpSize),
                where);
  self.collective = &collective;
  self.data = data;
  self.mask = mask;
  self.where = where;
  self.state = for_block ? State::kWaitsForBlock : State::kWaitsForWarp;
  self.fiber->suspend();
  if (abandoning_) throw Abandoned();
}

// Threads in the middle of the kernel unwind their frames.
void Scheduler::abandon_threads() {
  abandoning_ = true;
  for (int i = 0; i < count_; ++i) {
    Thread& thread = at(i);
    // Suspended inside the kernel: waiting, or released but not resumed. One that never started has no collective.
    const bool inside = thread.state != State::kExited && thread.state != State::kIdle && thread.collective != nullptr;
    if (inside) run(i);
    thread.state = State::kIdle;
  }
  abandoning_ = false;
  failure_ = nullptr;
}

void Scheduler::run_block(const LaunchPlan& plan, const Invocation& invocation, dim3 block) {
  plan_ = &plan;
  invocation_ = &invocation;
  blockDim = plan.block;
  gridDim = plan.grid;
  blockIdx = {block.x, block.y, block.z};
  block_number_ = block.x + std::int64_t{plan.grid.x} * (block.y + std::int64_t{plan.grid.y} * block.z);
  barriers_ = 0;
  watch_.begin_block();
  shuffle_ = PhiloxStream(settings().seed, static_cast<std::uint64_t>(block_number_));
  prepare_threads(plan.block);
  for (int i = 0; i < count_; ++i) at(i).collective = nullptr;
  if (Counters* counters = Counters::active()) counters->begin_block(count_);
  try {
    arena_.begin(plan.shared_bytes, plan.shared_limit);
    const int warps = (count_ + kWarpSize - 1) / kWarpSize;
    warp_meetings_.assign(static_cast<std::size_t>(warps), 0);
    for (;;) {
      for (const int warp : order_of(warps, warp_order_)) run_warp(warp);
      const bool finished = std::all_of(threads_.begin(), threads_.begin() + count_,
                                        [](const Thread& thread) { return thread.state == State::kExited; });
      if (finished) break;
      resolve_block();
    }
    arena_.check();
    if (const auto race = watch_.take_race()) raise_fault(FaultKind::kRace, *race, Where());
  } catch (...) {
    abandon_threads();
    watch_.take_race();
    if (Counters* counters = Counters::active()) counters->discard();
    plan_ = nullptr;
    throw;
  }
  plan_ = nullptr;
}

// Until all lanes wait for the block or have exited.
void Scheduler::run_warp(int warp) {
  const int first = warp * kWarpSize;
  const int count = std::min(kWarpSize, count_ - first);
  for (;;) {
    for (const int lane : order_of(count, lane_order_))
      if (at(first + lane).state == State::kReady) run(first + lane);
    const int released = resolve_warp(first, count);
    if (released == 0) break;
    if (released == 1) end_segment(first, count);
  }
  for (int i = first; i < first + count; ++i)
    if (at(i).state == State::kWaitsForWarp) report_stuck_warp(first, count);
  end_segment(first, count);
}

std::uint32_t Scheduler::lanes_in(State state, int first, int count) const {
  std::uint32_t lanes = 0;
  for (int lane = 0; lane < count; ++lane)
    if (at(first + lane).state == state) lanes |= 1U << lane;
  return lanes;
}

// Where all lanes that still run took part in one warp function, or wait for the block, the warp is together.
void Scheduler::end_segment(int first, int count) {
  Counters* counters = Counters::active();
  if (counters == nullptr || lanes_in(State::kWaitsForWarp, first, count) != 0) return;
  const std::uint32_t ready = lanes_in(State::kReady, first, count);
  const std::uint32_t waiting = lanes_in(State::kWaitsForBlock, first, count);
  if (ready == 0 || waiting == 0) counters->end_segment(ready | waiting);
}

// Releases every group of lanes whose mask has arrived; how many there were.
int Scheduler::resolve_warp(int first, int count) {
  int released = 0;
  for (int lane = 0; lane < count; ++lane) {
    const Thread& leader = at(first + lane);
    if (leader.state != State::kWaitsForWarp) continue;
    const std::uint32_t mask = leader.mask;
    if (count < kWarpSize && mask >> count != 0) continue;
    if (std::countr_zero(mask) != lane) continue;  // The lowest lane speaks for its mask.
    published_.assign(kWarpSize, nullptr);
    bool complete = true;
    for (int other = 0; other < count && complete; ++other) {
      if ((mask >> other & 1U) == 0) continue;
      const Thread& thread = at(first + other);
      complete = thread.state == State::kWaitsForWarp && thread.collective == leader.collective &&
                 thread.mask == mask && same_place(thread.where, leader.where);
      published_[static_cast<std::size_t>(other)] = thread.data;
    }
    if (!complete) continue;
    leader.collective->resolve(published_.data(), kWarpSize);
    if (Counters* counters = Counters::active()) counters->collective(leader.collective->name, leader.where, false);
    ++warp_meetings_[static_cast<std::size_t>(first / kWarpSize)];
    for (int other = 0; other < count; ++other)
      if ((mask >> other & 1U) != 0) at(first + other).state = State::kReady;
    ++released;
  }
  return released;
}

void Scheduler::report_stuck_warp(int first, int count) {
  const auto thread_at = [&](int lane) -> const Thread& { return at(first + lane); };
  int lane = 0;
  while (thread_at(lane).state != State::kWaitsForWarp) ++lane;
  const Thread& waiting = thread_at(lane);
  std::vector<int> exited;
  std::vector<int> elsewhere;
  std::string other_place;
  for (int other = 0; other < kWarpSize; ++other) {
    if ((waiting.mask >> other & 1U) == 0) continue;
    if (other >= count || thread_at(other).state == State::kExited) {
      exited.push_back(first + other);
    } else if (thread_at(other).collective != waiting.collective || thread_at(other).mask != waiting.mask ||
               !same_place(thread_at(other).where, waiting.where)) {
      elsewhere.push_back(first + other);
      other_place = std::string(thread_at(other).collective->name) + " at " + describe(thread_at(other).where);
    }
  }
  const std::string who = "thread " + std::to_string(first + lane) + " waits in " + waiting.collective->name;
  if (!exited.empty())
    raise_fault(FaultKind::kExitedLaneInMask,
                who + " for threads " + ranges(exited) + ", which have returned or do not exist", waiting.where);
  raise_fault(FaultKind::kMismatchedCollective,
              who + " for threads " + ranges(elsewhere) + ", which are in " + other_place + " or have another mask",
              waiting.where);
}

std::string Scheduler::threads_where(State state, const Where* where) const {
  std::vector<int> numbers;
  for (int i = 0; i < count_; ++i) {
    const Thread& thread = at(i);
    if (thread.state == state && (where == nullptr || same_place(*where, thread.where))) numbers.push_back(i);
  }
  return ranges(numbers);
}

void Scheduler::resolve_block() {
  const Thread* leader = nullptr;
  const Thread* stranger = nullptr;
  bool exited = false;
  published_.clear();
  for (int i = 0; i < count_; ++i) {
    const Thread& thread = at(i);
    if (thread.state == State::kExited) {
      exited = true;
      continue;
    }
    if (leader == nullptr) leader = &thread;
    if (!same_place(thread.where, leader->where) || thread.collective != leader->collective) stranger = &thread;
    published_.push_back(thread.data);
  }
  if (exited || stranger != nullptr) {
    const std::string here =
        "threads " + threads_where(State::kWaitsForBlock, &leader->where) + " wait in " + leader->collective->name;
    if (stranger != nullptr)
      raise_fault(FaultKind::kDivergentBarrier,
                  here + ", threads " + threads_where(State::kWaitsForBlock, &stranger->where) + " in " +
                      stranger->collective->name + " at " + describe(stranger->where),
                  leader->where);
    raise_fault(FaultKind::kDivergentBarrier, here + ", threads " + threads_where(State::kExited) + " have returned",
                leader->where);
  }
  leader->collective->resolve(published_.data(), static_cast<int>(published_.size()));
  if (Counters* counters = Counters::active()) counters->collective(leader->collective->name, leader->where, true);
  ++barriers_;
  for (int i = 0; i < count_; ++i) at(i).state = State::kReady;
}

WatchedThread Scheduler::watched_thread() const {
  return {block_number_, running_, barriers_, warp_meetings_[static_cast<std::size_t>(running_ / kWarpSize)]};
}

void Scheduler::watch_access(const void* address, std::size_t bytes, AccessKind kind, const void* code) {
  if (running_ < 0 || abandoning_ || settings().threads > 1) return;
  const bool shared = arena_.contains(address);
  if (!shared && !is_device_memory(address)) return;  // the thread's own stack, or the host's
  if (Counters* counters = Counters::active()) {
    counters->access(running_, kind, shared, address, bytes, code);
    return;
  }
  if (kind != AccessKind::kAtomic)
    watch_.access(watched_thread(), address, bytes, kind == AccessKind::kStore, shared, code);
  else if (!shared)
    watch_.atomic(watched_thread(), address);
}

void Scheduler::watch_fence() {
  if (running_ >= 0 && !abandoning_ && settings().threads <= 1) watch_.fence(watched_thread());
}

void Scheduler::watch_basic_block(const void* code) const {
  if (Counters* counters = Counters::active(); counters != nullptr && running_ >= 0)
    counters->basic_block(running_, code);
}

void Scheduler::watch_function_entry(const void* code) const {
  if (Counters* counters = Counters::active(); counters != nullptr && running_ >= 0) counters->enter(running_, code);
}

void Scheduler::watch_function_exit() const {
  if (Counters* counters = Counters::active(); counters != nullptr && running_ >= 0) counters->leave(running_);
}

void device_fence() {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  Scheduler::current().watch_fence();
}

std::string memory_name(const void* address, bool shared) {
  return shared ? Scheduler::current().arena().name_of(address) : device_memory_name(address);
}

void Scheduler::defer_copy(void* to, const void* from, std::size_t bytes, std::size_t copied, const void* code) {
  std::memset(to, kPoisonByte, bytes);
  if (Counters* counters = Counters::active()) {
    const int width = static_cast<int>(bytes);
    if (copied > 0)
      counters->access_part(running_, AccessKind::kAsyncLoad, false, from, width, static_cast<int>(copied), code);
    counters->access_part(running_, AccessKind::kAsyncStore, true, to, width, width, code);
  }
  at(running_).copies.push_back({to, from, bytes, copied});
}

void Scheduler::commit_copies() {
  Thread& self = at(running_);
  const std::size_t earlier = std::accumulate(self.group_sizes.begin(), self.group_sizes.end(), std::size_t{0});
  self.group_sizes.push_back(self.copies.size() - earlier);
}

void Scheduler::complete_copies(std::size_t pending) {
  Thread& self = at(running_);
  while (self.group_sizes.size() > pending) {
    const auto count = static_cast<std::ptrdiff_t>(self.group_sizes.front());
    for (auto copy = self.copies.begin(); copy != self.copies.begin() + count; ++copy) {
      if (copy->copied > 0) std::memcpy(copy->to, copy->from, copy->copied);
      std::memset(static_cast<std::byte*>(copy->to) + copy->copied, 0, copy->bytes - copy->copied);
    }
    self.copies.erase(self.copies.begin(), self.copies.begin() + count);
    self.group_sizes.erase(self.group_sizes.begin());
  }
}

void warp_collective(const Collective& collective, void* data, std::uint32_t mask, const Where& where) {
  Scheduler::current().wait(false, collective, data, mask, where);
}
void block_collective(const Collective& collective, void* data, const Where& where) {
  Scheduler::current().wait(true, collective, data, 0, where);
}
int thread_in_block() {
  return Scheduler::current().running();
}
void* shared_slice(const SharedSite& site, std::size_t bytes) {
  return Scheduler::current().arena().slice(site, bytes);
}
void* dynamic_shared() {
  return Scheduler::current().arena().dynamic();
}
void defer_copy(void* to, const void* from, std::size_t bytes, std::size_t copied) {
  Scheduler::current().defer_copy(to, from, bytes, copied, __builtin_return_address(0));
}
void commit_copies() {
  Scheduler::current().commit_copies();
}
void complete_copies(std::size_t pending) {
  Scheduler::current().complete_copies(pending);
}

}  // namespace cardiograd::simt
