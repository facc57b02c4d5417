// Kernels that treat each element on its own.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/common/grid.cuh"
#include "kernels/common/vectors_cuda.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr int kElementThreads = 256;
// What one launch treats at most, so that 32-bit indices suffice; longer tensors take several.
inline constexpr std::int64_t kMaxElements = std::int64_t{1} << 30;

// The inputs of a map.
template <int kInputs>
struct Inputs {
  const float* at[kInputs];
};
template <>
struct Inputs<0> {};
template <class... X>
Inputs<sizeof...(X)> inputs_from(std::int64_t first, const X*... x) {
  if constexpr (sizeof...(X) == 0)
    return {};
  else
    return {{x + first...}};
}

template <int kWidth, class Map, int kInputs>
__device__ __forceinline__ void map_at(const Map& map, const Inputs<kInputs>& x, float* y, unsigned i) {
  Floats<kWidth> result;
  if constexpr (kInputs == 0) {
    SIMT_UNROLL
    for (int j = 0; j < kWidth; ++j) result.at[j] = map();
  } else if constexpr (kInputs == 1) {
    const Floats<kWidth> a = load_floats<kWidth>(x.at[0] + i);
    SIMT_UNROLL
    for (int j = 0; j < kWidth; ++j) result.at[j] = map(a.at[j]);
  } else {
    static_assert(kInputs == 2);
    const Floats<kWidth> a = load_floats<kWidth>(x.at[0] + i);
    const Floats<kWidth> b = load_floats<kWidth>(x.at[1] + i);
    SIMT_UNROLL
    for (int j = 0; j < kWidth; ++j) result.at[j] = map(a.at[j], b.at[j]);
  }
  store_floats<kWidth>(y + i, result);
}

// y[i] = map(x...[i]). One thread: four elements in accesses of 16 bytes, for the first `vectors` threads of the grid,
// and one of the elements behind them. No shared memory.
template <class Map, int kInputs>
__global__ void __launch_bounds__(kElementThreads)
    map_kernel(unsigned count, unsigned vectors, Map map, Inputs<kInputs> x, float* y) {
  const unsigned thread = blockIdx.x * kElementThreads + threadIdx.x;
  if (thread < vectors) map_at<4>(map, x, y, 4 * thread);
  const unsigned rest = 4 * vectors + thread;
  if (rest < count) map_at<1>(map, x, y, rest);
}

// y[i] = map(x...[i]) for i in 0 ... count-1, with up to two inputs. Map is a struct with
// `__device__ float operator()(float...) const`. y may be one of the inputs. Four elements per thread where all
// pointers are aligned to 16 bytes.
template <class Map, class... X>
void map_elements(std::int64_t count, cudaStream_t stream, const Map& map, float* y, const X*... x) {
  for (std::int64_t first = 0; first < count; first += kMaxElements) {
    const std::int64_t piece = std::min(kMaxElements, count - first);
    const std::int64_t vectors = are_aligned(y, x...) ? piece / 4 : 0;
    simt::launch<map_kernel<Map, static_cast<int>(sizeof...(X))>>(
        dim3(blocks_for(std::max(vectors, piece - 4 * vectors), kElementThreads)), dim3(kElementThreads), 0, stream,
        static_cast<unsigned>(piece), static_cast<unsigned>(vectors), map, inputs_from(first, x...), y + first);
  }
}

// Beyond it threads take several elements.
inline constexpr std::int64_t kMaxElementBlocks = 1 << 16;

// Calls body(i) for i in 0 ... count-1; Body is a struct with the pointers and a __device__ operator() const. For what
// is more than a map. One block: kElementThreads elements at a time. No shared memory, any count.
template <class Body>
__global__ void __launch_bounds__(kElementThreads) for_each_element_kernel(std::int64_t count, Body body) {
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += step) body(i);
}

template <class Body>
void for_each_element(std::int64_t count, cudaStream_t stream, const Body& body) {
  if (count == 0) return;
  const std::int64_t blocks = std::min(kMaxElementBlocks, (count + kElementThreads - 1) / kElementThreads);
  simt::launch<for_each_element_kernel<Body>>(dim3(static_cast<unsigned>(blocks)), dim3(kElementThreads), 0, stream,
                                              count, body);
}

}  // namespace cardiograd::kernels
