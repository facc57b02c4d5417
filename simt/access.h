// Vector accesses and asynchronous copies to shared memory, under nvcc and on the host. Included by simt.h.
#pragma once

#include <cstddef>
#include <cstdint>

#if !defined(__CUDACC__)
#include <string>

#include "simt/block.h"
#include "simt/settings.h"
#endif

namespace cardiograd::simt {

#if defined(__CUDACC__)

// Two or four consecutive floats in one access; the address must be a multiple of 8 or 16 bytes.
__device__ __forceinline__ float2 load2(const float* from) {
  return *reinterpret_cast<const float2*>(from);
}
__device__ __forceinline__ float4 load4(const float* from) {
  return *reinterpret_cast<const float4*>(from);
}
__device__ __forceinline__ void store2(float* to, float2 value) {
  *reinterpret_cast<float2*>(to) = value;
}
__device__ __forceinline__ void store4(float* to, float4 value) {
  *reinterpret_cast<float4*>(to) = value;
}

// Copies kBytes (4, 8 or 16) to shared memory; the destination may be read after commit_async(), wait_async() and,
// from other threads, a barrier. Of the bytes only the first `copied` come from the source, the rest are zero.
template <int kBytes>
__device__ __forceinline__ void copy_async(void* to, const void* from, int copied = kBytes) {
  static_assert(kBytes == 4 || kBytes == 8 || kBytes == 16);
#if __CUDA_ARCH__ >= 800
  const unsigned address = static_cast<unsigned>(__cvta_generic_to_shared(to));
  if constexpr (kBytes == 16)
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(address), "l"(from), "r"(copied) : "memory");
  else
    asm volatile("cp.async.ca.shared.global [%0], [%1], %3, %2;" ::"r"(address), "l"(from), "r"(copied), "n"(kBytes)
                 : "memory");
#else
  for (int i = 0; i < kBytes; i += 4) {
    unsigned word = 0;
    if (i < copied) word = *reinterpret_cast<const unsigned*>(static_cast<const char*>(from) + i);
    *reinterpret_cast<unsigned*>(static_cast<char*>(to) + i) = word;
  }
#endif
}
__device__ __forceinline__ void commit_async() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}
// Waits until at most kPending of this thread's newest groups are under way.
template <int kPending>
__device__ __forceinline__ void wait_async() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
#endif
}

#else

// Throws Fault (misaligned access) unless `address` is a multiple of `bytes`.
inline void check_alignment(const void* address, std::size_t bytes, const Where& where) {
  if (reinterpret_cast<std::uintptr_t>(address) % bytes == 0) return;
  raise_fault(FaultKind::kMisalignedAccess,
              std::to_string(bytes) + "-byte access at an address that is " +
                  std::to_string(reinterpret_cast<std::uintptr_t>(address) % bytes) + " bytes past a multiple of " +
                  std::to_string(bytes),
              where);
}

// One access of the whole width, so that whoever watches memory sees one. Always inlined, so that its line is the
// caller's.
template <class Vector, class Native>
[[gnu::always_inline]] inline Vector load_vector(const float* from, const Where& where) {
  check_alignment(from, sizeof(Vector), where);
  return __builtin_bit_cast(Vector, *reinterpret_cast<const Native*>(from));
}
template <class Native, class Vector>
[[gnu::always_inline]] inline void store_vector(float* to, Vector value, const Where& where) {
  check_alignment(to, sizeof(Vector), where);
  *reinterpret_cast<Native*>(to) = __builtin_bit_cast(Native, value);
}
typedef float NativeFloat2 __attribute__((vector_size(8), may_alias));
typedef float NativeFloat4 __attribute__((vector_size(16), may_alias));

// As under nvcc; a misaligned address is a Fault at the line of the call.
[[gnu::always_inline]] inline float2 load2(const float* from, Where where = Where::current()) {
  return load_vector<float2, NativeFloat2>(from, where);
}
[[gnu::always_inline]] inline float4 load4(const float* from, Where where = Where::current()) {
  return load_vector<float4, NativeFloat4>(from, where);
}
[[gnu::always_inline]] inline void store2(float* to, float2 value, Where where = Where::current()) {
  store_vector<NativeFloat2>(to, value, where);
}
[[gnu::always_inline]] inline void store4(float* to, float4 value, Where where = Where::current()) {
  store_vector<NativeFloat4>(to, value, where);
}

// As under nvcc: what is read from `to` before the wait is NaN.
template <int kBytes>
[[gnu::always_inline]] inline void copy_async(void* to, const void* from, int copied = kBytes,
                                              Where where = Where::current()) {
  static_assert(kBytes == 4 || kBytes == 8 || kBytes == 16);
  check_alignment(to, kBytes, where);
  check_alignment(from, kBytes, where);
  defer_copy(to, from, kBytes, static_cast<std::size_t>(copied));
  if (settings().gpu.compute_capability < 80) {  // A plain copy there.
    commit_copies();
    complete_copies(0);
  }
}
inline void commit_async() {
  commit_copies();
}
template <int kPending>
void wait_async() {
  complete_copies(kPending);
}

#endif

}  // namespace cardiograd::simt
