// CUDA's arithmetic intrinsics and atomics that have no equal in <math.h>, on the host. Included by simt.h.
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>
#include <type_traits>

#include <math.h>

inline unsigned __float_as_uint(float x) {
  return std::bit_cast<unsigned>(x);
}
inline int __float_as_int(float x) {
  return std::bit_cast<int>(x);
}
inline float __uint_as_float(unsigned x) {
  return std::bit_cast<float>(x);
}
inline float __int_as_float(int x) {
  return std::bit_cast<float>(x);
}
inline int __popc(unsigned x) {
  return std::popcount(x);
}
inline int __clz(int x) {
  return std::countl_zero(static_cast<unsigned>(x));
}
inline int __ffs(int x) {
  return x == 0 ? 0 : std::countr_zero(static_cast<unsigned>(x)) + 1;
}
inline unsigned __umulhi(unsigned a, unsigned b) {
  return static_cast<unsigned>((std::uint64_t{a} * b) >> 32);
}
inline float rsqrtf(float x) {
  return 1.0F / sqrtf(x);
}
// A product that is not joined with an addition.
inline float __fmul_rn(float a, float b) {
  return a * b;
}
// Exact here, approximations on the GPU: results agree to their documented error only.
inline float __expf(float x) {
  return expf(x);
}
inline float __logf(float x) {
  return logf(x);
}
inline float __fdividef(float a, float b) {
  return a / b;
}
template <class T>
[[gnu::always_inline]] inline T __ldg(const T* from) {
  return *from;
}
template <class T>
requires std::is_arithmetic_v<T>
constexpr T min(T a, T b) {
  return b < a ? b : a;
}
template <class T>
requires std::is_arithmetic_v<T>
constexpr T max(T a, T b) {
  return a < b ? b : a;
}

namespace cardiograd::simt {
void device_fence();  // scheduler.cpp
}
inline void __threadfence() {
  cardiograd::simt::device_fence();
}
inline void __threadfence_block() {}

// Blocks may run on several operating-system threads, so these are atomic there too. All return the old value.
template <class T, class Update>
[[gnu::always_inline]] inline T atomic_update_on_host(T* address, Update&& update) {
  std::atomic_ref<T> cell(*address);
  T old = cell.load(std::memory_order_relaxed);
  while (!cell.compare_exchange_weak(old, update(old), std::memory_order_relaxed)) {
  }
  return old;
}
template <class T>
[[gnu::always_inline]] inline T atomicAdd(T* address, std::type_identity_t<T> value) {
  return atomic_update_on_host(address, [=](T old) { return static_cast<T>(old + value); });
}
template <class T>
[[gnu::always_inline]] inline T atomicSub(T* address, std::type_identity_t<T> value) {
  return atomic_update_on_host(address, [=](T old) { return static_cast<T>(old - value); });
}
template <class T>
[[gnu::always_inline]] inline T atomicMin(T* address, std::type_identity_t<T> value) {
  return atomic_update_on_host(address, [=](T old) { return value < old ? value : old; });
}
template <class T>
[[gnu::always_inline]] inline T atomicMax(T* address, std::type_identity_t<T> value) {
  return atomic_update_on_host(address, [=](T old) { return old < value ? value : old; });
}
template <class T>
[[gnu::always_inline]] inline T atomicAnd(T* address, std::type_identity_t<T> value) {
  return atomic_update_on_host(address, [=](T old) { return old & value; });
}
template <class T>
[[gnu::always_inline]] inline T atomicOr(T* address, std::type_identity_t<T> value) {
  return atomic_update_on_host(address, [=](T old) { return old | value; });
}
template <class T>
[[gnu::always_inline]] inline T atomicExch(T* address, std::type_identity_t<T> value) {
  return atomic_update_on_host(address, [=](T) { return value; });
}
template <class T>
[[gnu::always_inline]] inline T atomicCAS(T* address, std::type_identity_t<T> expected, std::type_identity_t<T> value) {
  return atomic_update_on_host(address, [=](T old) { return old == expected ? value : old; });
}
