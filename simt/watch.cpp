#include "simt/watch.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "simt/counters.h"
#include "simt/scheduler.h"

// The begin of this program in memory, from the linker.
extern "C" const char __executable_start;

namespace cardiograd::simt {
namespace {

constexpr std::uintptr_t kWord = 4;

bool& watched_flag() {
  static bool flag = false;
  return flag;
}

std::string place_in_code(const void* code) {
  char text[32];
  std::snprintf(text, sizeof(text), "0x%zx",
                static_cast<std::size_t>(static_cast<const char*>(code) - &__executable_start));
  return text;
}

}  // namespace

bool code_is_watched() {
  return watched_flag();
}

void Watch::begin_launch() {
  words_.clear();
  published_.clear();
  fenced_ = {-1};
  met_.reset();
  begin_block();
}

void Watch::fence(const WatchedThread& who) {
  fenced_ = who;
  if (met_ && met_->who.block == who.block && met_->who.thread == who.thread) acquired_.push_back({who, met_->from});
}

void Watch::atomic(const WatchedThread& who, const void* address) {
  Published& published = published_[reinterpret_cast<std::uintptr_t>(address)];
  met_ = {who, &published};
  if (fenced_.block == who.block && fenced_.thread == who.thread) published[who.block] = fenced_;
}

bool Watch::blocks_are_ordered(const WatchedThread& before, const WatchedThread& now) const {
  return std::any_of(acquired_.begin(), acquired_.end(), [&](const Acquired& acquired) {
    const auto published = acquired.from->find(before.block);
    if (published == acquired.from->end()) return false;
    const WatchedThread& until = published->second;
    const bool seen_by_now = acquired.who.thread == now.thread || acquired.who.barriers < now.barriers;
    return seen_by_now && (until.thread == before.thread || before.barriers < until.barriers);
  });
}

bool Watch::conflict(const Access& before, const Access& now, bool shared) const {
  if ((before.bytes & now.bytes) == 0) return false;
  if (before.who.block != now.who.block) return !shared && !blocks_are_ordered(before.who, now.who);
  if (before.who.thread == now.who.thread || before.who.barriers != now.who.barriers) return false;
  const bool same_warp = before.who.thread / kWarpSize == now.who.thread / kWarpSize;
  return !same_warp || before.who.warp_meetings == now.who.warp_meetings;
}

void Watch::report(const Access& before, bool before_writes, const Access& now, bool now_writes, const void* address,
                   bool shared) {
  if (race_) return;
  const auto name = [](const Access& access, bool writes) {
    return "thread " + std::to_string(access.who.thread) + " of block " + std::to_string(access.who.block) +
           (writes ? " writes" : " reads") + " at code " + place_in_code(access.code);
  };
  race_ = memory_name(address, shared) + ": " + name(before, before_writes) + ", " + name(now, now_writes) +
          ", and nothing orders them (addr2line -e names the lines)";
}

void Watch::access(const WatchedThread& who, const void* address, std::size_t bytes, bool write, bool shared,
                   const void* code) {
  const auto first = reinterpret_cast<std::uintptr_t>(address);
  for (std::uintptr_t at = first / kWord * kWord; at < first + bytes; at += kWord) {
    unsigned mask = 0;
    for (std::uintptr_t byte = 0; byte < kWord; ++byte)
      if (at + byte >= first && at + byte < first + bytes) mask |= 1U << byte;
    const Access now{who, static_cast<std::uint8_t>(mask), code};
    Word& word = words_[at];
    if (conflict(word.write, now, shared)) report(word.write, true, now, write, address, shared);
    if (write) {
      for (const Access& read : word.reads)
        if (conflict(read, now, shared)) report(read, false, now, true, address, shared);
      word.write = now;
    } else if (word.reads[0].who.thread == who.thread && word.reads[0].who.block == who.block) {
      word.reads[0] = now;
    } else {
      word.reads[1] = word.reads[0];
      word.reads[0] = now;
    }
  }
}

std::optional<std::string> Watch::take_race() {
  return std::exchange(race_, std::nullopt);
}

namespace {

void plain_access(const void* address, std::size_t bytes, bool write, const void* code) {
  Scheduler::current().watch_access(address, bytes, write ? AccessKind::kStore : AccessKind::kLoad, code);
}

void atomic_access(const void* address, std::size_t bits, const void* code) {
  Scheduler::current().watch_access(address, bits / 8, AccessKind::kAtomic, code);
}

}  // namespace
}  // namespace cardiograd::simt

// The interface that g++ compiles to. It takes these functions for ones that do not throw: races are reported at the
// end of the block.
#define SIMT_WATCH_PLAIN(size)                                                         \
  void __tsan_read##size(void* address) {                                              \
    cardiograd::simt::plain_access(address, size, false, __builtin_return_address(0)); \
  }                                                                                    \
  void __tsan_write##size(void* address) {                                             \
    cardiograd::simt::plain_access(address, size, true, __builtin_return_address(0));  \
  }                                                                                    \
  void __tsan_unaligned_read##size(void* address) {                                    \
    cardiograd::simt::plain_access(address, size, false, __builtin_return_address(0)); \
  }                                                                                    \
  void __tsan_unaligned_write##size(void* address) {                                   \
    cardiograd::simt::plain_access(address, size, true, __builtin_return_address(0));  \
  }

#define SIMT_WATCH_FETCH(bits, type, name)                                        \
  type __tsan_atomic##bits##_fetch_##name(type* address, type value, int order) { \
    (void)order;                                                                  \
    cardiograd::simt::atomic_access(address, bits, __builtin_return_address(0));  \
    return __atomic_fetch_##name(address, value, __ATOMIC_SEQ_CST);               \
  }

#define SIMT_WATCH_EXCHANGE(bits, type, strength, weak)                                                          \
  bool __tsan_atomic##bits##_compare_exchange_##strength(type* address, type* expected, type value, int success, \
                                                         int failure) {                                          \
    (void)success;                                                                                               \
    (void)failure;                                                                                               \
    cardiograd::simt::atomic_access(address, bits, __builtin_return_address(0));                                 \
    return __atomic_compare_exchange_n(address, expected, value, weak, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);      \
  }

#define SIMT_WATCH_ATOMIC(bits, type)                                            \
  type __tsan_atomic##bits##_load(const type* address, int order) {              \
    (void)order;                                                                 \
    return __atomic_load_n(address, __ATOMIC_SEQ_CST);                           \
  }                                                                              \
  void __tsan_atomic##bits##_store(type* address, type value, int order) {       \
    (void)order;                                                                 \
    cardiograd::simt::atomic_access(address, bits, __builtin_return_address(0)); \
    __atomic_store_n(address, value, __ATOMIC_SEQ_CST);                          \
  }                                                                              \
  type __tsan_atomic##bits##_exchange(type* address, type value, int order) {    \
    (void)order;                                                                 \
    cardiograd::simt::atomic_access(address, bits, __builtin_return_address(0)); \
    return __atomic_exchange_n(address, value, __ATOMIC_SEQ_CST);                \
  }                                                                              \
  SIMT_WATCH_FETCH(bits, type, add)                                              \
  SIMT_WATCH_FETCH(bits, type, sub)                                              \
  SIMT_WATCH_FETCH(bits, type, and)                                              \
  SIMT_WATCH_FETCH(bits, type, or)                                               \
  SIMT_WATCH_FETCH(bits, type, xor)                                              \
  SIMT_WATCH_EXCHANGE(bits, type, strong, false)                                 \
  SIMT_WATCH_EXCHANGE(bits, type, weak, true)

extern "C" {
void __tsan_init() {
  cardiograd::simt::watched_flag() = true;
}
void __tsan_func_entry(void* code) {
  if (cardiograd::simt::Counters::active() != nullptr)
    cardiograd::simt::Scheduler::current().watch_function_entry(code);
}
void __tsan_func_exit() {
  if (cardiograd::simt::Counters::active() != nullptr) cardiograd::simt::Scheduler::current().watch_function_exit();
}
// Of -fsanitize-coverage=trace-pc: called at the begin of each basic block.
void __sanitizer_cov_trace_pc() {
  if (cardiograd::simt::Counters::active() != nullptr)
    cardiograd::simt::Scheduler::current().watch_basic_block(__builtin_return_address(0));
}
void __tsan_vptr_update(void**, void*) {}
void __tsan_vptr_read(void**) {}
void __tsan_read_range(void* address, std::size_t bytes) {
  cardiograd::simt::plain_access(address, bytes, false, __builtin_return_address(0));
}
void __tsan_write_range(void* address, std::size_t bytes) {
  cardiograd::simt::plain_access(address, bytes, true, __builtin_return_address(0));
}
void __tsan_atomic_thread_fence(int) {}
SIMT_WATCH_PLAIN(1)
SIMT_WATCH_PLAIN(2)
SIMT_WATCH_PLAIN(4)
SIMT_WATCH_PLAIN(8)
SIMT_WATCH_PLAIN(16)
SIMT_WATCH_ATOMIC(8, unsigned char)
SIMT_WATCH_ATOMIC(16, unsigned short)
SIMT_WATCH_ATOMIC(32, unsigned)
SIMT_WATCH_ATOMIC(64, unsigned long)
}
