#include <cmath>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "simt/simt.h"
#include "tests/simt/device_buffer.h"

namespace cardiograd::simt {
namespace {

constexpr unsigned kAll = 0xFFFFFFFFU;

__global__ void shuffle_kernel(int* out) {
  const int lane = static_cast<int>(threadIdx.x);
  int* mine = out + 5 * lane;
  mine[0] = __shfl_sync(kAll, lane * 10, 3);
  mine[1] = __shfl_up_sync(kAll, lane * 10, 2);
  mine[2] = __shfl_down_sync(kAll, lane * 10, 3);
  mine[3] = __shfl_xor_sync(kAll, lane * 10, 5);
  mine[4] = __shfl_down_sync(kAll, lane * 10, 1, 8);
}

TEST(Simt, ShufflesAsTheProgrammingGuideSays) {
  in_every_order([](Order order) {
    DeviceBuffer<int> out(5 * 32);
    launch<shuffle_kernel>(1, 32, 0, nullptr, out.data());
    const std::vector<int> got = out.read();
    for (int lane = 0; lane < 32; ++lane) {
      const int* mine = got.data() + 5 * lane;
      EXPECT_EQ(mine[0], 30) << order_name(order);
      EXPECT_EQ(mine[1], 10 * (lane < 2 ? lane : lane - 2));
      EXPECT_EQ(mine[2], 10 * (lane > 28 ? lane : lane + 3));
      EXPECT_EQ(mine[3], 10 * (lane ^ 5));
      EXPECT_EQ(mine[4], 10 * (lane % 8 == 7 ? lane : lane + 1));
    }
  });
}

__global__ void vote_kernel(unsigned* out) {
  const unsigned lane = threadIdx.x;
  unsigned* mine = out + 8 * lane;
  mine[0] = __ballot_sync(kAll, lane % 3 == 0);
  mine[1] = static_cast<unsigned>(__any_sync(kAll, lane == 7));
  mine[2] = static_cast<unsigned>(__all_sync(kAll, lane < 31));
  mine[3] = __reduce_add_sync(kAll, lane);
  mine[4] = static_cast<unsigned>(__reduce_min_sync(kAll, static_cast<int>(lane) - 9));
  mine[5] = __reduce_max_sync(kAll, lane);
  mine[6] = __reduce_xor_sync(kAll, lane + 1);
  mine[7] = lane < 16 ? __reduce_or_sync(0xFFFFU, lane) : __ballot_sync(0xFFFF0000U, 1);
}

TEST(Simt, VotesAndReducesOverTheMask) {
  in_every_order([](Order order) {
    DeviceBuffer<unsigned> out(8 * 32);
    launch<vote_kernel>(1, 32, 0, nullptr, out.data());
    const std::vector<unsigned> got = out.read();
    for (unsigned lane = 0; lane < 32; ++lane) {
      const unsigned* mine = got.data() + 8 * lane;
      EXPECT_EQ(mine[0], 0x49249249U) << order_name(order);
      EXPECT_EQ(mine[1], 1U);
      EXPECT_EQ(mine[2], 0U);
      EXPECT_EQ(mine[3], 496U);
      EXPECT_EQ(static_cast<int>(mine[4]), -9);
      EXPECT_EQ(mine[5], 31U);
      EXPECT_EQ(mine[6], 32U);
      EXPECT_EQ(mine[7], lane < 16 ? 15U : 0xFFFF0000U);
    }
  });
}

__global__ void block_vote_kernel(int* out) {
  const int thread = static_cast<int>(threadIdx.x);
  out[3 * thread] = __syncthreads_count(thread % 2);
  out[3 * thread + 1] = __syncthreads_or(thread == 39 ? 4 : 0) != 0;
  out[3 * thread + 2] = __syncthreads_and(thread != 5) != 0;
}

TEST(Simt, VotesOverABlockWithAHalfWarp) {
  DeviceBuffer<int> out(3 * 40);
  launch<block_vote_kernel>(1, 40, 0, nullptr, out.data());
  const std::vector<int> got = out.read();
  for (std::size_t i = 0; i < 40; ++i) {
    EXPECT_EQ(got[3 * i], 20);
    EXPECT_EQ(got[3 * i + 1], 1);
    EXPECT_EQ(got[3 * i + 2], 0);
  }
}

// Sums in a tree over a 3-D block, through static and dynamic shared memory.
__global__ void block_sum_kernel(const float* x, float* sums) {
  SIMT_SHARED(float, warp_sum, [32]);
  SIMT_DYNAMIC_SHARED(float, copy);
  const unsigned thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  const unsigned threads = blockDim.x * blockDim.y * blockDim.z;
  const unsigned block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
  copy[threads - 1 - thread] = x[block * threads + thread];
  __syncthreads();
  float sum = copy[thread];
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(kAll, sum, static_cast<unsigned>(step));
  if (thread % 32 == 0) warp_sum[thread / 32] = sum;
  __syncthreads();
  if (thread == 0) {
    float total = 0;
    for (unsigned warp = 0; warp < threads / 32; ++warp) total += warp_sum[warp];
    sums[block] = total;
  }
}

TEST(Simt, IndicesOfThreeDimensionsCoverTheGrid) {
  const dim3 grid(3, 2, 2);
  const dim3 block(8, 4, 3);
  std::vector<float> x(12 * 96);
  std::iota(x.begin(), x.end(), 0.0F);
  const DeviceBuffer<float> input(x);
  const auto check = [&](const std::string& how) {
    const DeviceBuffer<float> sums(12);
    launch<block_sum_kernel>(grid, block, 96 * sizeof(float), nullptr, input.data(), sums.data());
    const std::vector<float> got = sums.read();
    for (std::size_t i = 0; i < 12; ++i)
      EXPECT_EQ(got[i], 96.0F * (96.0F * static_cast<float>(i) + 47.5F)) << how << " block " << i;
  };
  in_every_order([&](Order order) { check(order_name(order)); });
  const SettingsGuard guard;
  settings().threads = 2;
  check("on two threads");
}

__global__ void atomic_kernel(int* counters, float* sum, unsigned* smallest) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  atomicAdd(&counters[0], 1);
  atomicMax(&counters[1], i * 7 % 64);
  atomicOr(&counters[2], 1 << (i % 20));
  atomicCAS(&counters[3], 0, 5);
  atomicAdd(sum, 0.5F);
  atomicMin(smallest, 1000U - static_cast<unsigned>(i));
  if (i == 0) atomicExch(&counters[4], 9);
}

TEST(Simt, AtomicsOfManyBlocks) {
  const SettingsGuard guard;
  for (const int threads : {1, 2}) {
    settings().threads = threads;
    const DeviceBuffer<int> counters(std::vector<int>(5, 0));
    const DeviceBuffer<float> sum(std::vector<float>{0});
    const DeviceBuffer<unsigned> smallest(std::vector<unsigned>{5000});
    launch<atomic_kernel>(8, 50, 0, nullptr, counters.data(), sum.data(), smallest.data());
    EXPECT_EQ(counters.read(), (std::vector<int>{400, 63, 0xFFFFF, 5, 9}));
    EXPECT_EQ(sum.read(), std::vector<float>{200});
    EXPECT_EQ(smallest.read(), std::vector<unsigned>{601});
  }
}

// Two stages of a copy under way while the one before is summed.
__global__ void pipeline_kernel(const float* x, int stages, float* y) {
  SIMT_SHARED(float, buffer, [2][128]);
  const int thread = static_cast<int>(threadIdx.x);
  copy_async<16>(&buffer[0][4 * thread], x + 4 * thread);
  commit_async();
  float sum = 0;
  for (int stage = 0; stage < stages; ++stage) {
    if (stage + 1 < stages) copy_async<16>(&buffer[(stage + 1) % 2][4 * thread], x + (stage + 1) * 128 + 4 * thread);
    commit_async();
    wait_async<1>();
    __syncthreads();
    sum += buffer[stage % 2][127 - thread];
    __syncthreads();
  }
  y[thread] = sum;
}

TEST(Simt, AsynchronousCopiesArriveByGroup) {
  std::vector<float> x(128 * 5);
  std::iota(x.begin(), x.end(), 0.0F);
  const DeviceBuffer<float> input(x);
  in_every_order([&](Order order) {
    const DeviceBuffer<float> y(32);
    launch<pipeline_kernel>(1, 32, 0, nullptr, input.data(), 5, y.data());
    const std::vector<float> got = y.read();
    for (std::size_t i = 0; i < 32; ++i)
      EXPECT_EQ(got[i], 5.0F * (127.0F - static_cast<float>(i)) + 128.0F * 10) << order_name(order);
  });
}

__global__ void partial_copy_kernel(const float* x, float* y) {
  SIMT_SHARED(float, buffer, [4]);
  copy_async<16>(buffer, x, 8);
  commit_async();
  wait_async<0>();
  for (int i = 0; i < 4; ++i) y[i] = buffer[i];
}

TEST(Simt, AsynchronousCopyFillsUpWithZeros) {
  const SettingsGuard guard;
  for (const Gpu& gpu : {kSm75, kSm86}) {
    settings().gpu = gpu;
    const DeviceBuffer<float> input(std::vector<float>{1, 2, 3, 4});
    const DeviceBuffer<float> y(4);
    launch<partial_copy_kernel>(1, 1, 0, nullptr, input.data(), y.data());
    EXPECT_EQ(y.read(), (std::vector<float>{1, 2, 0, 0})) << gpu.name;
  }
}

}  // namespace
}  // namespace cardiograd::simt
