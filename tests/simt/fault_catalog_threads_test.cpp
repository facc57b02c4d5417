// Planted faults between threads: barriers, order, warp functions (fault_catalog.h).
#include <algorithm>
#include <functional>
#include <vector>

#include <gtest/gtest.h>

#include "tests/simt/fault_catalog.h"

namespace cardiograd::simt {
namespace {

// --- barriers and order

template <bool kPlanted>
__global__ void reverse_kernel(const float* x, float* y) {
  SIMT_SHARED(float, tile, [128]);
  tile[threadIdx.x] = x[threadIdx.x];
  if (!kPlanted) __syncthreads();
  y[threadIdx.x] = tile[127 - threadIdx.x];
}
template <bool kPlanted>
void missing_barrier() {
  const DeviceBuffer<float> x(ramp(128)), y(128);
  launch<reverse_kernel<kPlanted>>(1, 128, 0, nullptr, x.data(), y.data());
  std::vector<float> expected = ramp(128);
  std::reverse(expected.begin(), expected.end());
  expect(y.read(), expected);
}

template <bool kPlanted>
__global__ void reuse_kernel(const float* x, float* y) {
  SIMT_SHARED(float, row, [64]);
  for (int pass = 0; pass < 3; ++pass) {
    row[threadIdx.x] = x[pass * 64 + threadIdx.x];
    __syncthreads();
    y[pass * 64 + threadIdx.x] = row[63 - threadIdx.x];
    if (!kPlanted) __syncthreads();
  }
}
template <bool kPlanted>
void missing_second_barrier() {
  const DeviceBuffer<float> x(ramp(192)), y(192);
  launch<reuse_kernel<kPlanted>>(1, 64, 0, nullptr, x.data(), y.data());
  std::vector<float> expected;
  for (int pass = 0; pass < 3; ++pass)
    for (int i = 64; i > 0; --i) expected.push_back(static_cast<float>(pass * 64 + i));
  expect(y.read(), expected);
}

template <bool kPlanted>
__global__ void tail_barrier_kernel(int count, float* y) {
  const int i = static_cast<int>(threadIdx.x);
  if (kPlanted && i >= count) return;
  __syncthreads();
  if (i < count) y[i] = 1;
}
template <bool kPlanted>
void divergent_barrier() {
  const DeviceBuffer<float> y(40);
  launch<tail_barrier_kernel<kPlanted>>(1, 64, 0, nullptr, 40, y.data());
  expect(y.read(), std::vector<float>(40, 1.0F));
}

template <bool kPlanted>
__global__ void two_barriers_kernel(float* y) {
  if (kPlanted && threadIdx.x % 2 == 0) {  // NOLINT(bugprone-branch-clone): two barriers are not one
    __syncthreads();
  } else {
    __syncthreads();
  }
  y[threadIdx.x] = 1;
}
// The barrier of the twin stands in the branch that all threads take.
template <bool kPlanted>
void barriers_in_two_branches() {
  const DeviceBuffer<float> y(64);
  launch<two_barriers_kernel<kPlanted>>(1, 64, 0, nullptr, y.data());
  expect(y.read(), std::vector<float>(64, 1.0F));
}

template <bool kPlanted>
__global__ void warp_race_kernel(const float* x, float* y) {
  SIMT_SHARED(float, part, [32]);
  part[threadIdx.x] = x[threadIdx.x];
  for (unsigned step = 16; step > 0; step /= 2) {
    if (!kPlanted) __syncwarp();
    const float other = threadIdx.x < step ? part[threadIdx.x + step] : 0.0F;
    if (!kPlanted) __syncwarp();
    part[threadIdx.x] += other;
  }
  if (threadIdx.x == 0) y[0] = part[0];
}
template <bool kPlanted>
void race_in_shared_memory() {
  const DeviceBuffer<float> x(ramp(32)), y(1);
  launch<warp_race_kernel<kPlanted>>(1, 32, 0, nullptr, x.data(), y.data());
  expect(y.read(), {528.0F});
}

// Every block writes the whole; which one is last is not known.
template <bool kPlanted>
__global__ void global_race_kernel(int* largest) {
  if (kPlanted)
    *largest = static_cast<int>(blockIdx.x);
  else
    atomicMax(largest, static_cast<int>(blockIdx.x));
}
template <bool kPlanted>
void race_in_global_memory() {
  const DeviceBuffer<int> largest(std::vector<int>{-1});
  launch<global_race_kernel<kPlanted>>(9, 1, 0, nullptr, largest.data());
  expect(largest.read(), {8});
}

// The emulation does not interrupt a thread between its read and its write: only watched code shows this one.
template <bool kPlanted>
__global__ void lost_update_kernel(int* count) {
  if (kPlanted)
    *count += 1;
  else
    atomicAdd(count, 1);
}
template <bool kPlanted>
void lost_update() {
  const DeviceBuffer<int> count(std::vector<int>{0});
  launch<lost_update_kernel<kPlanted>>(1, 64, 0, nullptr, count.data());
  expect(count.read(), {64});
}

// The second half of the work in a launch of its own, or in the hope that earlier blocks come first.
__global__ void first_stage_kernel(float* sums) {
  sums[blockIdx.x] = static_cast<float>(blockIdx.x);
}
__global__ void second_stage_kernel(const float* sums, int count, float* total) {
  *total = 0;
  for (int i = 0; i < count; ++i) *total += sums[i];
}
__global__ void both_stages_kernel(float* sums, float* total) {
  sums[blockIdx.x] = static_cast<float>(blockIdx.x);
  if (blockIdx.x + 1 != gridDim.x) return;
  *total = 0;
  for (unsigned i = 0; i < gridDim.x; ++i) *total += sums[i];
}
template <bool kPlanted>
void block_order_dependence() {
  const DeviceBuffer<float> sums(6), total(1);
  if (kPlanted) {
    launch<both_stages_kernel>(6, 1, 0, nullptr, sums.data(), total.data());
  } else {
    launch<first_stage_kernel>(6, 1, 0, nullptr, sums.data());
    launch<second_stage_kernel>(1, 1, 0, nullptr, sums.data(), 6, total.data());
  }
  expect(total.read(), {15.0F});
}

// --- warp functions

template <bool kPlanted>
__global__ void exited_lane_kernel(int count, int* y) {
  const int lane = static_cast<int>(threadIdx.x);
  if (kPlanted && lane >= count) return;
  int sum = lane < count ? 1 : 0;
  for (int step = 16; step > 0; step /= 2) sum += __shfl_xor_sync(kFullWarp, sum, step);
  if (lane == 0) *y = sum;
}
template <bool kPlanted>
void exited_lane_in_mask() {
  const DeviceBuffer<int> y(1);
  launch<exited_lane_kernel<kPlanted>>(1, 32, 0, nullptr, 20, y.data());
  expect(y.read(), {20});
}

template <bool kPlanted>
__global__ void branch_kernel(unsigned* y) {
  unsigned votes;
  if (threadIdx.x < 16)
    votes = __ballot_sync(kPlanted ? kFullWarp : 0xFFFFU, 1);
  else
    votes = __ballot_sync(kPlanted ? kFullWarp : 0xFFFF0000U, 1);
  y[threadIdx.x] = votes != 0;
}
template <bool kPlanted>
void different_collectives_in_one_mask() {
  const DeviceBuffer<unsigned> y(32);
  launch<branch_kernel<kPlanted>>(1, 32, 0, nullptr, y.data());
  expect(y.read(), std::vector<unsigned>(32, 1));
}

template <bool kPlanted>
__global__ void mask_kernel(int* y) {
  y[threadIdx.x] = __any_sync(kPlanted ? 0x7FFFFFFFU : kFullWarp, 1);
}
template <bool kPlanted>
void caller_not_in_mask() {
  const DeviceBuffer<int> y(32);
  launch<mask_kernel<kPlanted>>(1, 32, 0, nullptr, y.data());
  expect(y.read(), std::vector<int>(32, 1));
}

// The block that comes last adds up what all have written: each must publish it before it counts itself.
template <bool kPlanted>
__global__ void last_block_kernel(const float* x, float* partial, unsigned* arrived, float* sum) {
  SIMT_SHARED(int, last, [1]);
  if (threadIdx.x < 2) partial[blockIdx.x * 2 + threadIdx.x] = x[blockIdx.x * 2 + threadIdx.x];
  if (!kPlanted) __syncthreads();  // else thread 1 may still be on its way
  if (threadIdx.x == 0) {
    __threadfence();
    last[0] = atomicAdd(arrived, 1U) + 1 == gridDim.x ? 1 : 0;
    __threadfence();
  }
  __syncthreads();
  if (last[0] == 0 || threadIdx.x != 63) return;
  float total = 0;
  for (unsigned i = 0; i < 2 * gridDim.x; ++i) total += partial[i];
  *sum = total;
}
template <bool kPlanted>
void block_published_too_early() {
  const DeviceBuffer<float> x(ramp(18)), partial(18), sum(1);
  const DeviceBuffer<unsigned> arrived(std::vector<unsigned>{0});
  launch<last_block_kernel<kPlanted>>(9, 64, 0, nullptr, x.data(), partial.data(), arrived.data(), sum.data());
  expect(sum.read(), {171.0F});
}

template <bool kPlanted>
__global__ void unfenced_block_kernel(const float* x, float* partial, unsigned* arrived, float* sum) {
  partial[blockIdx.x] = x[blockIdx.x];
  if (!kPlanted) __threadfence();
  const bool last = atomicAdd(arrived, 1U) + 1 == gridDim.x;
  __threadfence();
  if (!last) return;
  float total = 0;
  for (unsigned i = 0; i < gridDim.x; ++i) total += partial[i];
  *sum = total;
}
template <bool kPlanted>
void missing_fence_between_blocks() {
  const DeviceBuffer<float> x(ramp(9)), partial(9), sum(1);
  const DeviceBuffer<unsigned> arrived(std::vector<unsigned>{0});
  launch<unfenced_block_kernel<kPlanted>>(9, 1, 0, nullptr, x.data(), partial.data(), arrived.data(), sum.data());
  expect(sum.read(), {45.0F});
}

// ---

std::vector<Planted> catalog() {
  return {
      CATALOG_ENTRY(missing_barrier, kRace),
      CATALOG_ENTRY(missing_second_barrier, kRace),
      CATALOG_ENTRY(lost_update, kRace),
      CATALOG_ENTRY(divergent_barrier, fault_name(FaultKind::kDivergentBarrier)),
      CATALOG_ENTRY(barriers_in_two_branches, fault_name(FaultKind::kDivergentBarrier)),
      CATALOG_ENTRY(race_in_shared_memory, kRace),
      CATALOG_ENTRY(race_in_global_memory, kRace),
      CATALOG_ENTRY(block_order_dependence, kRace),
      CATALOG_ENTRY(block_published_too_early, kRace),
      CATALOG_ENTRY(missing_fence_between_blocks, kRace),
      CATALOG_ENTRY(exited_lane_in_mask, fault_name(FaultKind::kExitedLaneInMask)),
      CATALOG_ENTRY(different_collectives_in_one_mask, fault_name(FaultKind::kMismatchedCollective)),
      CATALOG_ENTRY(caller_not_in_mask, fault_name(FaultKind::kCallerNotInMask)),
  };
}

class ThreadFaults : public ::testing::TestWithParam<Planted> {};

TEST_P(ThreadFaults, IsCaughtAndItsTwinPasses) {
  expect_caught(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Simt, ThreadFaults, ::testing::ValuesIn(catalog()), name_of);

}  // namespace
}  // namespace cardiograd::simt
