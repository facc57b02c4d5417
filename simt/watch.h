// Watches every memory access of device code for races: two threads, one place, at least one write, no atomic, and
// nothing between them that orders them. An order of threads shows a race when it changes a result; this shows it
// whatever the result.
//
// Device code compiled with g++'s -fsanitize=thread calls __tsan_read4, __tsan_write4 and so on for each access. We do
// not link libtsan: those functions are ours (watch.cpp), and nothing happens outside a running block. Launches that
// spread over operating-system threads are not watched, and while accesses are counted (counters.h) races are not.
//
// Blocks are ordered as CUDA's memory model orders them: a thread that has executed __threadfence() and then an atomic
// on some word publishes what it, and before its last barrier its block, did. A thread that executes an atomic on that
// word later and then __threadfence() sees it, and so does its block behind the next barrier.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "simt/fault.h"

namespace cardiograd::simt {

// The thread and what it has been through, for telling what is ordered.
struct WatchedThread {
  std::int64_t block = 0;
  int thread = 0;
  std::uint32_t barriers = 0;       // of its block so far
  std::uint32_t warp_meetings = 0;  // warp functions of its warp so far
};

class Watch {
 public:
  // A new launch: what earlier launches did is ordered before it.
  void begin_launch();
  // A new block, which has seen nothing of others.
  void begin_block() { acquired_.clear(); }
  void fence(const WatchedThread& who);
  void atomic(const WatchedThread& who, const void* address);
  // One access. `shared`: shared memory, which blocks do not share.
  void access(const WatchedThread& who, const void* address, std::size_t bytes, bool write, bool shared,
              const void* code);
  // What the first race was, once.
  std::optional<std::string> take_race();

 private:
  struct Access {
    WatchedThread who;
    std::uint8_t bytes = 0;  // a bit for each byte of the word; none: no access yet
    const void* code = nullptr;
  };
  struct Word {
    Access write;
    Access reads[2];  // the last of two different threads
  };
  // What the blocks that met at one atomic word have published: up to which of its barriers, by which thread.
  using Published = std::unordered_map<std::int64_t, WatchedThread>;
  struct Acquired {
    WatchedThread who;
    const Published* from;
  };
  bool conflict(const Access& before, const Access& now, bool shared) const;
  bool blocks_are_ordered(const WatchedThread& before, const WatchedThread& now) const;
  void report(const Access& before, bool before_writes, const Access& now, bool now_writes, const void* address,
              bool shared);

  std::unordered_map<std::uintptr_t, Word> words_;
  std::unordered_map<std::uintptr_t, Published> published_;  // by the address of the atomic word
  std::vector<Acquired> acquired_;                           // by the running block
  WatchedThread fenced_{-1};                                 // the last fence
  std::optional<Acquired> met_;                              // the last atomic; a fence behind it acquires
  std::optional<std::string> race_;
};

// Whether any code of this program was compiled to be watched.
bool code_is_watched();

}  // namespace cardiograd::simt
