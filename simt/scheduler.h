// Runs the threads of one block at a time, as fibers on the calling operating-system thread.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "base/philox.h"
#include "simt/arena.h"
#include "simt/block.h"
#include "simt/fiber.h"
#include "simt/settings.h"
#include "simt/warp_trace.h"
#include "simt/watch.h"

namespace cardiograd::simt {

// "kernel relu_kernel, block (1, 0, 0), thread (5, 0, 0), " or less of it; empty outside a launch.
std::string running_place();

// "shared array 'tile', byte 12" or "device memory, byte 12 of 400".
std::string memory_name(const void* address, bool shared);

class Scheduler {
 public:
  // The one of this operating-system thread.
  static Scheduler& current();

  // Around the blocks of one launch, from the thread that launches.
  void begin_launch(const LaunchPlan& plan);
  void end_launch();
  // Runs all threads of one block to their end; throws the first Fault.
  void run_block(const LaunchPlan& plan, const Invocation& invocation, dim3 block);

  // Called on the stack of the running thread.
  void wait(bool for_block, const Collective& collective, void* data, std::uint32_t mask, const Where& where);
  void defer_copy(void* to, const void* from, std::size_t bytes, std::size_t copied, const void* code);
  void commit_copies();
  void complete_copies(std::size_t pending);

  // What watched code does; `code` is the return address of its call. Races are reported at the end of the block.
  void watch_access(const void* address, std::size_t bytes, AccessKind kind, const void* code);
  void watch_fence();
  void watch_basic_block(const void* code) const;
  void watch_function_entry(const void* code) const;
  void watch_function_exit() const;

  Arena& arena() { return arena_; }
  int running() const { return running_; }
  // As running_place().
  std::string place() const;

 private:
  enum class State : std::uint8_t { kIdle, kReady, kWaitsForWarp, kWaitsForBlock, kExited };
  struct Copy {
    void* to;
    const void* from;
    std::size_t bytes;
    std::size_t copied;
  };
  struct Thread {
    std::unique_ptr<Fiber> fiber;
    State state = State::kIdle;
    const Collective* collective = nullptr;
    void* data = nullptr;
    std::uint32_t mask = 0;
    Where where;
    uint3 index{};
    std::vector<Copy> copies;              // oldest first
    std::vector<std::size_t> group_sizes;  // of committed groups, oldest first
  };

  void prepare_threads(dim3 block);
  void body(int thread);
  void run(int thread);
  void run_warp(int warp);
  int resolve_warp(int first, int count);
  void resolve_block();
  WatchedThread watched_thread() const;
  std::uint32_t lanes_in(State state, int first, int count) const;
  void end_segment(int first, int count);
  [[noreturn]] void report_stuck_warp(int first, int count);
  void abandon_threads();
  // Numbers 0 ... count-1 in the order of the settings.
  const std::vector<int>& order_of(int count, std::vector<int>& order);
  std::string threads_where(State state, const Where* where = nullptr) const;
  Thread& at(int thread) { return threads_[static_cast<std::size_t>(thread)]; }
  const Thread& at(int thread) const { return threads_[static_cast<std::size_t>(thread)]; }

  std::vector<Thread> threads_;
  int count_ = 0;
  int running_ = -1;
  bool abandoning_ = false;
  std::exception_ptr failure_;
  const LaunchPlan* plan_ = nullptr;
  const Invocation* invocation_ = nullptr;
  Arena arena_;
  Watch watch_;
  std::int64_t block_number_ = 0;
  std::uint32_t barriers_ = 0;
  std::vector<std::uint32_t> warp_meetings_;
  PhiloxStream shuffle_{0};
  std::vector<int> warp_order_;
  std::vector<int> lane_order_;
  std::vector<void*> published_;
};

}  // namespace cardiograd::simt
