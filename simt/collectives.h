// __syncthreads and the warp functions, on the host. Included by simt.h.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "simt/block.h"
#include "simt/settings.h"

namespace cardiograd::simt {

template <class T>
concept ShuffleValue = std::is_trivially_copyable_v<T> &&(sizeof(T) == 4 || sizeof(T) == 8);

// What a lane publishes for a shuffle, and what it gets: bits of a value of 4 or 8 bytes, the lane asked.
struct ShuffleSlot {
  std::uint64_t value;
  int source;
  std::uint64_t result;
};
void resolve_shuffle(void* const* data, int count);

// value: in, then the same result for all.
struct WordSlot {
  std::uint32_t value;
};
// How a meeting ends (Collective::resolve): with no result, the mask of the lanes whose value is not 0, one word
// folded over all.
void resolve_nothing(void* const* data, int count);
void resolve_ballot(void* const* data, int count);
template <class Combine>
void resolve_fold(void* const* data, int count) {
  bool first = true;
  std::uint32_t result = 0;
  for (int i = 0; i < count; ++i) {
    if (data[i] == nullptr) continue;
    const std::uint32_t value = static_cast<WordSlot*>(data[i])->value;
    result = first ? value : Combine()(result, value);
    first = false;
  }
  for (int i = 0; i < count; ++i)
    if (data[i] != nullptr) static_cast<WordSlot*>(data[i])->value = result;
}

// Folds of two words.
struct Add {
  std::uint32_t operator()(std::uint32_t a, std::uint32_t b) const { return a + b; }
};
struct And {
  std::uint32_t operator()(std::uint32_t a, std::uint32_t b) const { return a & b; }
};
struct Or {
  std::uint32_t operator()(std::uint32_t a, std::uint32_t b) const { return a | b; }
};
struct Xor {
  std::uint32_t operator()(std::uint32_t a, std::uint32_t b) const { return a ^ b; }
};
template <class T>
struct Least {
  std::uint32_t operator()(std::uint32_t a, std::uint32_t b) const {
    return std::bit_cast<T>(a) < std::bit_cast<T>(b) ? a : b;
  }
};
template <class T>
struct Greatest {
  std::uint32_t operator()(std::uint32_t a, std::uint32_t b) const {
    return std::bit_cast<T>(a) < std::bit_cast<T>(b) ? b : a;
  }
};

inline constexpr Collective kSyncThreads{"__syncthreads", resolve_nothing};
inline constexpr Collective kSyncThreadsOr{"__syncthreads_or", resolve_fold<Or>};
inline constexpr Collective kSyncThreadsAnd{"__syncthreads_and", resolve_fold<And>};
inline constexpr Collective kSyncThreadsCount{"__syncthreads_count", resolve_fold<Add>};
inline constexpr Collective kSyncWarp{"__syncwarp", resolve_nothing};
inline constexpr Collective kBallot{"__ballot_sync", resolve_ballot};
inline constexpr Collective kAny{"__any_sync", resolve_fold<Or>};
inline constexpr Collective kAll{"__all_sync", resolve_fold<And>};
inline constexpr Collective kShuffle{"__shfl_sync", resolve_shuffle};
inline constexpr Collective kShuffleUp{"__shfl_up_sync", resolve_shuffle};
inline constexpr Collective kShuffleDown{"__shfl_down_sync", resolve_shuffle};
inline constexpr Collective kShuffleXor{"__shfl_xor_sync", resolve_shuffle};
inline constexpr Collective kReduceAdd{"__reduce_add_sync", resolve_fold<Add>};
inline constexpr Collective kReduceAnd{"__reduce_and_sync", resolve_fold<And>};
inline constexpr Collective kReduceOr{"__reduce_or_sync", resolve_fold<Or>};
inline constexpr Collective kReduceXor{"__reduce_xor_sync", resolve_fold<Xor>};
template <class T>
inline constexpr Collective kReduceMin{"__reduce_min_sync", resolve_fold<Least<T>>};
template <class T>
inline constexpr Collective kReduceMax{"__reduce_max_sync", resolve_fold<Greatest<T>>};

// Meets the block or the lanes of `mask`; returns what the collective makes of their values.
inline std::uint32_t fold_words(bool for_block, const Collective& collective, std::uint32_t value, std::uint32_t mask,
                                const Where& where) {
  WordSlot slot{value};
  for_block ? block_collective(collective, &slot, where) : warp_collective(collective, &slot, mask, where);
  return slot.value;
}

// The value of the lane `source`; bits that are all ones where that lane takes no part.
template <ShuffleValue T>
T shuffle(const Collective& collective, std::uint32_t mask, T value, int source, const Where& where) {
  ShuffleSlot slot{0, source, 0};
  std::memcpy(&slot.value, &value, sizeof(T));
  warp_collective(collective, &slot, mask, where);
  std::memcpy(&value, &slot.result, sizeof(T));
  return value;
}

// Throws Fault where the GPU is older than `capability`.
void need_capability(int capability, const char* what, const Where& where);

}  // namespace cardiograd::simt

inline void __syncthreads(cardiograd::simt::Where where = cardiograd::simt::Where::current()) {
  cardiograd::simt::block_collective(cardiograd::simt::kSyncThreads, nullptr, where);
}
inline int __syncthreads_or(int predicate, cardiograd::simt::Where where = cardiograd::simt::Where::current()) {
  return static_cast<int>(
      cardiograd::simt::fold_words(true, cardiograd::simt::kSyncThreadsOr, predicate != 0 ? 1U : 0U, 0, where));
}
inline int __syncthreads_and(int predicate, cardiograd::simt::Where where = cardiograd::simt::Where::current()) {
  return static_cast<int>(
      cardiograd::simt::fold_words(true, cardiograd::simt::kSyncThreadsAnd, predicate != 0 ? 1U : 0U, 0, where));
}
inline int __syncthreads_count(int predicate, cardiograd::simt::Where where = cardiograd::simt::Where::current()) {
  return static_cast<int>(
      cardiograd::simt::fold_words(true, cardiograd::simt::kSyncThreadsCount, predicate != 0 ? 1U : 0U, 0, where));
}

inline void __syncwarp(unsigned mask = 0xFFFFFFFFU,
                       cardiograd::simt::Where where = cardiograd::simt::Where::current()) {
  cardiograd::simt::warp_collective(cardiograd::simt::kSyncWarp, nullptr, mask, where);
}
inline unsigned __ballot_sync(unsigned mask, int predicate,
                              cardiograd::simt::Where where = cardiograd::simt::Where::current()) {
  return cardiograd::simt::fold_words(false, cardiograd::simt::kBallot, predicate != 0 ? 1U : 0U, mask, where);
}
inline int __any_sync(unsigned mask, int predicate,
                      cardiograd::simt::Where where = cardiograd::simt::Where::current()) {
  return static_cast<int>(
      cardiograd::simt::fold_words(false, cardiograd::simt::kAny, predicate != 0 ? 1U : 0U, mask, where));
}
inline int __all_sync(unsigned mask, int predicate,
                      cardiograd::simt::Where where = cardiograd::simt::Where::current()) {
  return static_cast<int>(
      cardiograd::simt::fold_words(false, cardiograd::simt::kAll, predicate != 0 ? 1U : 0U, mask, where));
}

// A value from a lane that the mask does not name is undefined; here its bits are all ones.
template <cardiograd::simt::ShuffleValue T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32,
              cardiograd::simt::Where where = cardiograd::simt::Where::current()) {
  const int segment = cardiograd::simt::lane_in_warp() & ~(width - 1);
  return cardiograd::simt::shuffle(cardiograd::simt::kShuffle, mask, value, segment + (source & (width - 1)), where);
}
template <cardiograd::simt::ShuffleValue T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32,
                 cardiograd::simt::Where where = cardiograd::simt::Where::current()) {
  const int lane = cardiograd::simt::lane_in_warp();
  const int source = lane - static_cast<int>(delta);
  return cardiograd::simt::shuffle(cardiograd::simt::kShuffleUp, mask, value,
                                   source < (lane & ~(width - 1)) ? lane : source, where);
}
template <cardiograd::simt::ShuffleValue T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32,
                   cardiograd::simt::Where where = cardiograd::simt::Where::current()) {
  const int lane = cardiograd::simt::lane_in_warp();
  const int source = lane + static_cast<int>(delta);
  return cardiograd::simt::shuffle(cardiograd::simt::kShuffleDown, mask, value,
                                   source > (lane | (width - 1)) ? lane : source, where);
}
template <cardiograd::simt::ShuffleValue T>
T __shfl_xor_sync(unsigned mask, T value, int lane_mask, int width = 32,
                  cardiograd::simt::Where where = cardiograd::simt::Where::current()) {
  const int lane = cardiograd::simt::lane_in_warp();
  const int source = lane ^ lane_mask;
  return cardiograd::simt::shuffle(cardiograd::simt::kShuffleXor, mask, value,
                                   source > (lane | (width - 1)) ? lane : source, where);
}

// Compute capability 8.0 and newer.
template <class T>
requires std::is_same_v<T, int> || std::is_same_v<T, unsigned> T
__reduce_add_sync(unsigned mask, T value, cardiograd::simt::Where where = cardiograd::simt::Where::current()) {
  cardiograd::simt::need_capability(80, "__reduce_add_sync", where);
  return static_cast<T>(
      cardiograd::simt::fold_words(false, cardiograd::simt::kReduceAdd, static_cast<unsigned>(value), mask, where));
}
template <class T>
requires std::is_same_v<T, int> || std::is_same_v<T, unsigned> T
__reduce_min_sync(unsigned mask, T value, cardiograd::simt::Where where = cardiograd::simt::Where::current()) {
  cardiograd::simt::need_capability(80, "__reduce_min_sync", where);
  return static_cast<T>(
      cardiograd::simt::fold_words(false, cardiograd::simt::kReduceMin<T>, static_cast<unsigned>(value), mask, where));
}
template <class T>
requires std::is_same_v<T, int> || std::is_same_v<T, unsigned> T
__reduce_max_sync(unsigned mask, T value, cardiograd::simt::Where where = cardiograd::simt::Where::current()) {
  cardiograd::simt::need_capability(80, "__reduce_max_sync", where);
  return static_cast<T>(
      cardiograd::simt::fold_words(false, cardiograd::simt::kReduceMax<T>, static_cast<unsigned>(value), mask, where));
}
inline unsigned __reduce_and_sync(unsigned mask, unsigned value,
                                  cardiograd::simt::Where where = cardiograd::simt::Where::current()) {
  cardiograd::simt::need_capability(80, "__reduce_and_sync", where);
  return cardiograd::simt::fold_words(false, cardiograd::simt::kReduceAnd, value, mask, where);
}
inline unsigned __reduce_or_sync(unsigned mask, unsigned value,
                                 cardiograd::simt::Where where = cardiograd::simt::Where::current()) {
  cardiograd::simt::need_capability(80, "__reduce_or_sync", where);
  return cardiograd::simt::fold_words(false, cardiograd::simt::kReduceOr, value, mask, where);
}
inline unsigned __reduce_xor_sync(unsigned mask, unsigned value,
                                  cardiograd::simt::Where where = cardiograd::simt::Where::current()) {
  cardiograd::simt::need_capability(80, "__reduce_xor_sync", where);
  return cardiograd::simt::fold_words(false, cardiograd::simt::kReduceXor, value, mask, where);
}
