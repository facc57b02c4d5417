// What device code includes. Under nvcc: CUDA's headers and a few definitions. Under any other C++20 compiler: the CUDA
// execution model on the host (README.md).
//
//   SIMT_SHARED(float, tile, [32][33]);    __shared__ memory, 16-byte aligned
//   SIMT_DYNAMIC_SHARED(float, rows);      float* to the launch's shared memory
//   SIMT_UNROLL, SIMT_UNROLL_BY(8)         #pragma unroll, of the whole loop or by a number
//   launch<kernel>(grid, block, shared_bytes, stream, arguments...)
//   load2, load4, store2, store4           vector accesses
//   copy_async, commit_async, wait_async   cp.async
//
// The functions are in namespace cardiograd::simt. mma.h has the tensor-core products.
#pragma once

#if defined(__CUDACC__)

#include <cuda_runtime.h>

#define SIMT_SHARED(type, name, ...) __shared__ alignas(16) type name __VA_ARGS__
#define SIMT_PRAGMA(text) _Pragma(#text)
#define SIMT_UNROLL _Pragma("unroll")
#define SIMT_UNROLL_BY(count) SIMT_PRAGMA(unroll count)
#define SIMT_DYNAMIC_SHARED(type, name)           \
  extern __shared__ float4 simt_dynamic_shared[]; \
  type* name = reinterpret_cast<type*>(simt_dynamic_shared)

#else

#include "simt/block.h"
#include "simt/collectives.h"
#include "simt/intrinsics.h"
#include "simt/runtime.h"
#include "simt/settings.h"
#include "simt/vector_types.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define SIMT_UNROLL
#define SIMT_UNROLL_BY(count)

#define SIMT_SHARED(type, name, ...)                                                  \
  static const ::cardiograd::simt::SharedSite name##_site{#name, __FILE__, __LINE__}; \
  type(&name) __VA_ARGS__ =                                                           \
      *static_cast<type(*) __VA_ARGS__>(::cardiograd::simt::shared_slice(name##_site, sizeof(type __VA_ARGS__)))
#define SIMT_DYNAMIC_SHARED(type, name) type* name = static_cast<type*>(::cardiograd::simt::dynamic_shared())

#endif

#include "simt/access.h"
#include "simt/launch.h"
