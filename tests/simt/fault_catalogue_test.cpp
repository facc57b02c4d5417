// Faults that the emulation must catch, each planted in a small kernel whose twin without it passes. A fault is caught
// by its name, or, where the GPU itself would say nothing, as a wrong result in at least one order of threads. The
// twin is right in all of them.
#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <ostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "simt/mma.h"
#include "simt/simt.h"
#include "simt/watch.h"
#include "tests/simt/device_buffer.h"

namespace cardiograd::simt {
namespace {

constexpr unsigned kAll = 0xFFFFFFFFU;
constexpr const char* kWrongResult = "wrong result";
constexpr const char* kRace = "race";  // Where code is not watched: a wrong result.

std::vector<float> ramp(std::size_t count) {
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), 1.0F);
  return values;
}

struct WrongResult {};
template <class T>
void expect(const std::vector<T>& got, const std::vector<T>& expected) {
  if (got != expected) throw WrongResult();  // NaN differs from everything.
}

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
  if (kPlanted && threadIdx.x % 2 == 0) {
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
  for (int step = 16; step > 0; step /= 2) sum += __shfl_xor_sync(kAll, sum, step);
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
    votes = __ballot_sync(kPlanted ? kAll : 0xFFFFU, 1);
  else
    votes = __ballot_sync(kPlanted ? kAll : 0xFFFF0000U, 1);
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
  y[threadIdx.x] = __any_sync(kPlanted ? 0x7FFFFFFFU : kAll, 1);
}
template <bool kPlanted>
void caller_not_in_mask() {
  const DeviceBuffer<int> y(32);
  launch<mask_kernel<kPlanted>>(1, 32, 0, nullptr, y.data());
  expect(y.read(), std::vector<int>(32, 1));
}

// --- memory

template <bool kPlanted>
__global__ void sum_rows_kernel(const float* x, float* y) {
  SIMT_SHARED(float, sums, [32]);
  if (!kPlanted || threadIdx.x < 31) sums[threadIdx.x] = 0;
  for (int row = 0; row < 4; ++row) sums[threadIdx.x] += x[row * 32 + static_cast<int>(threadIdx.x)];
  y[threadIdx.x] = sums[threadIdx.x];
}
template <bool kPlanted>
void uninitialized_shared_memory() {
  const DeviceBuffer<float> x(std::vector<float>(128, 1.0F)), y(32);
  launch<sum_rows_kernel<kPlanted>>(1, 32, 0, nullptr, x.data(), y.data());
  expect(y.read(), std::vector<float>(32, 4.0F));
}

__global__ void accumulate_kernel(float* sum) {
  sum[threadIdx.x] += 1;
}
template <bool kPlanted>
void uninitialized_device_memory() {
  const DeviceBuffer<float> sum(8);
  if (!kPlanted) cudaMemset(sum.data(), 0, 8 * sizeof(float));
  launch<accumulate_kernel>(1, 8, 0, nullptr, sum.data());
  expect(sum.read(), std::vector<float>(8, 1.0F));
}

template <bool kPlanted>
__global__ void shared_index_kernel(float* y) {
  SIMT_SHARED(float, window, [32 + 4]);
  for (unsigned i = threadIdx.x; i < (kPlanted ? 37 : 36); i += 32) window[i] = 1;
  __syncthreads();
  y[threadIdx.x] = window[threadIdx.x + 4];
}
template <bool kPlanted>
void index_past_a_shared_array() {
  const DeviceBuffer<float> y(32);
  launch<shared_index_kernel<kPlanted>>(1, 32, 0, nullptr, y.data());
  expect(y.read(), std::vector<float>(32, 1.0F));
}

template <bool kPlanted>
__global__ void tail_kernel(int count, float* y) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (kPlanted ? i <= count : i < count) y[i] = 1;
}
template <bool kPlanted>
void off_by_one_past_the_tail() {
  const DeviceBuffer<float> y(37);
  launch<tail_kernel<kPlanted>>(2, 32, 0, nullptr, 37, y.data());
  expect(y.read(), std::vector<float>(37, 1.0F));
}

template <bool kPlanted>
__global__ void vector_tail_kernel(int count, float* y) {
  const int i = 4 * static_cast<int>(threadIdx.x);
  if (i + 4 <= count) {
    store4(y + i, make_float4(1, 1, 1, 1));
  } else if (!kPlanted) {
    for (int j = i; j < count; ++j) y[j] = 1;
  }
}
template <bool kPlanted>
void off_by_one_before_the_tail() {
  const DeviceBuffer<float> y(37);
  launch<vector_tail_kernel<kPlanted>>(1, 32, 0, nullptr, 37, y.data());
  expect(y.read(), std::vector<float>(37, 1.0F));
}

template <bool kPlanted>
__global__ void vector_kernel(const float* x, float* y) {
  const float* row = x + (kPlanted ? 3 : 4) * threadIdx.x;
  const float4 v = load4(row);
  y[threadIdx.x] = v.x + v.y + v.z + v.w;
}
template <bool kPlanted>
void misaligned_float4() {
  const DeviceBuffer<float> x(std::vector<float>(128, 1.0F)), y(32);
  launch<vector_kernel<kPlanted>>(1, 32, 0, nullptr, x.data(), y.data());
  expect(y.read(), std::vector<float>(32, 4.0F));
}

template <bool kPlanted>
__global__ void early_read_kernel(const float* x, float* y) {
  SIMT_SHARED(float, row, [128]);
  copy_async<16>(row + 4 * threadIdx.x, x + 4 * threadIdx.x);
  commit_async();
  if (!kPlanted) wait_async<0>();
  __syncthreads();
  y[threadIdx.x] = row[threadIdx.x];
}
template <bool kPlanted>
void early_read_of_cp_async() {
  const DeviceBuffer<float> x(ramp(128)), y(32);
  launch<early_read_kernel<kPlanted>>(1, 32, 0, nullptr, x.data(), y.data());
  expect(y.read(), ramp(32));
}

// --- tensor cores

template <bool kSwapped, bool kRounded>
__global__ void product_kernel(const float* a, const float* b, float* d) {
  const int g = static_cast<int>(threadIdx.x) / 4;
  const int t = static_cast<int>(threadIdx.x) % 4;
  const auto word = [](float x) { return kRounded ? round_to_tf32(x) : __float_as_uint(x); };
  const FragmentA fa{{word(a[g * 8 + t]), word(a[(kSwapped ? g * 8 + t + 4 : (g + 8) * 8 + t)]),
                      word(a[(kSwapped ? (g + 8) * 8 + t : g * 8 + t + 4)]), word(a[(g + 8) * 8 + t + 4])}};
  const FragmentB fb{{word(b[t * 8 + g]), word(b[(t + 4) * 8 + g])}};
  FragmentC fc{};
  mma_tf32(fc, fa, fb);
  for (int i = 0; i < 4; ++i) d[(g + i / 2 * 8) * 8 + 2 * t + i % 2] = fc.value[i];
}
template <bool kSwapped, bool kRounded>
void run_product(float scale) {
  std::vector<float> a = ramp(128);
  for (float& value : a) value *= scale;
  const DeviceBuffer<float> da(a), db(std::vector<float>(64, 1.0F)), d(128);
  launch<product_kernel<kSwapped, kRounded>>(1, 32, 0, nullptr, da.data(), db.data(), d.data());
  const std::vector<float> got = d.read();
  for (std::size_t row = 0; row < 16; ++row) {
    const float sum = scale * (64.0F * static_cast<float>(row) + 36.0F);
    for (std::size_t column = 0; column < 8; ++column)
      if (!(std::abs(got[row * 8 + column] - sum) <= 1e-3F * sum)) throw WrongResult();
  }
}
template <bool kPlanted>
void wrong_fragment_layout() {
  run_product<kPlanted, true>(1.0F);
}
template <bool kPlanted>
void missing_tf32_rounding() {
  run_product<false, !kPlanted>(0.1F);
}

// --- limits of the GPU

__global__ void nothing_kernel() {}

template <bool kPlanted>
__global__ void large_tile_kernel(float* y) {
  SIMT_SHARED(float, tile, [kPlanted ? 12289 : 12288]);
  tile[threadIdx.x] = 1;
  y[threadIdx.x] = tile[threadIdx.x];
}
template <bool kPlanted>
void too_much_static_shared_memory() {
  const DeviceBuffer<float> y(32);
  launch<large_tile_kernel<kPlanted>>(1, 32, 0, nullptr, y.data());
  expect(y.read(), std::vector<float>(32, 1.0F));
}

__global__ void dynamic_kernel(float* y) {
  SIMT_DYNAMIC_SHARED(float, row);
  row[threadIdx.x] = 1;
  y[threadIdx.x] = row[threadIdx.x];
}
__global__ void opted_in_kernel(float* y) {
  dynamic_kernel(y);
}
template <bool kPlanted>
void shared_memory_not_asked_for() {
  const DeviceBuffer<float> y(32);
  cudaFuncSetAttribute(opted_in_kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, 64 * 1024);
  if (kPlanted)
    launch<dynamic_kernel>(1, 32, 64 * 1024, nullptr, y.data());
  else
    launch<opted_in_kernel>(1, 32, 64 * 1024, nullptr, y.data());
  expect(y.read(), std::vector<float>(32, 1.0F));
}

template <bool kPlanted>
void too_many_threads_in_a_block() {
  launch<nothing_kernel>(1, kPlanted ? dim3(33, 32) : dim3(32, 32), 0, nullptr);
  cudaDeviceSynchronize();
}
template <bool kPlanted>
void grid_too_high() {
  launch<nothing_kernel>(dim3(1, 1, kPlanted ? 65536 : 6), 1, 0, nullptr);
  cudaDeviceSynchronize();
}

__global__ void reduce_kernel(int* y) {
  const int sum = __reduce_add_sync(kAll, 1);
  if (threadIdx.x == 0) *y = sum;
}
template <bool kPlanted>
void instruction_the_gpu_lacks() {
  const SettingsGuard guard;
  settings().gpu = kPlanted ? kSm75 : kSm86;
  const DeviceBuffer<int> y(1);
  launch<reduce_kernel>(1, 32, 0, nullptr, y.data());
  expect(y.read(), {32});
}

// --- host and streams

template <bool kPlanted>
void host_read_without_waiting() {
  const DeviceBuffer<float> x(std::vector<float>(4, 7.0F));
  std::vector<float> host(4, 0.0F);
  cudaStream_t stream = nullptr;
  cudaStreamCreate(&stream);
  cudaMemcpyAsync(host.data(), x.data(), 16, cudaMemcpyDeviceToHost, stream);
  if (!kPlanted) cudaStreamSynchronize(stream);
  const std::vector<float> seen = host;
  cudaStreamDestroy(stream);
  expect(seen, std::vector<float>(4, 7.0F));
}

template <bool kPlanted>
void stream_that_does_not_wait_for_another() {
  const DeviceBuffer<float> x(4), y(4);
  cudaStream_t copies = nullptr;
  cudaStream_t work = nullptr;
  cudaStreamCreateWithFlags(&copies, cudaStreamNonBlocking);
  cudaStreamCreateWithFlags(&work, cudaStreamNonBlocking);
  cudaEvent_t there = nullptr;
  cudaEventCreate(&there);
  cudaMemsetAsync(x.data(), 0, 16, copies);
  cudaEventRecord(there, copies);
  if (!kPlanted) cudaStreamWaitEvent(work, there);
  launch<accumulate_kernel>(1, 4, 0, work, x.data());
  cudaMemcpyAsync(y.data(), x.data(), 16, cudaMemcpyDeviceToDevice, work);
  cudaStreamSynchronize(work);
  const std::vector<float> got = y.read();
  cudaEventDestroy(there);
  cudaStreamDestroy(copies);
  cudaStreamDestroy(work);
  expect(got, std::vector<float>(4, 1.0F));
}

__global__ void scale_by_argument_kernel(float rate, float* x) {
  x[threadIdx.x] += rate;
}
__global__ void scale_by_memory_kernel(const float* rate, float* x) {
  x[threadIdx.x] += *rate;
}
// Steps with rates 1, 2, 3, of which the graph must take each.
template <bool kPlanted>
void argument_frozen_in_a_graph() {
  const DeviceBuffer<float> x(std::vector<float>(4, 0.0F)), rate(1);
  cudaStream_t stream = nullptr;
  cudaStreamCreate(&stream);
  cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal);
  if (kPlanted)
    launch<scale_by_argument_kernel>(1, 4, 0, stream, 1.0F, x.data());
  else
    launch<scale_by_memory_kernel>(1, 4, 0, stream, rate.data(), x.data());
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t step = nullptr;
  cudaStreamEndCapture(stream, &graph);
  cudaGraphInstantiate(&step, graph);
  for (const float value : {1.0F, 2.0F, 3.0F}) {
    cudaMemcpy(rate.data(), &value, sizeof(value), cudaMemcpyHostToDevice);
    cudaGraphLaunch(step, stream);
    cudaStreamSynchronize(stream);
  }
  cudaGraphExecDestroy(step);
  cudaGraphDestroy(graph);
  cudaStreamDestroy(stream);
  expect(x.read(), std::vector<float>(4, 6.0F));
}

// ---

struct Planted {
  const char* name;
  std::string caught_as;
  std::function<void()> planted;
  std::function<void()> twin;
};

void PrintTo(const Planted& entry, std::ostream* to) {
  *to << entry.name;
}

#define CATALOGUE_ENTRY(name, caught_as)          \
  Planted {                                       \
#name, caught_as, name < true>, name < false> \
  }

std::vector<Planted> catalog() {
  return {
      CATALOGUE_ENTRY(missing_barrier, kRace),
      CATALOGUE_ENTRY(missing_second_barrier, kRace),
      CATALOGUE_ENTRY(lost_update, kRace),
      CATALOGUE_ENTRY(divergent_barrier, fault_name(FaultKind::kDivergentBarrier)),
      CATALOGUE_ENTRY(barriers_in_two_branches, fault_name(FaultKind::kDivergentBarrier)),
      CATALOGUE_ENTRY(race_in_shared_memory, kRace),
      CATALOGUE_ENTRY(race_in_global_memory, kRace),
      CATALOGUE_ENTRY(block_order_dependence, kRace),
      CATALOGUE_ENTRY(exited_lane_in_mask, fault_name(FaultKind::kExitedLaneInMask)),
      CATALOGUE_ENTRY(different_collectives_in_one_mask, fault_name(FaultKind::kMismatchedCollective)),
      CATALOGUE_ENTRY(caller_not_in_mask, fault_name(FaultKind::kCallerNotInMask)),
      CATALOGUE_ENTRY(uninitialized_shared_memory, kWrongResult),
      CATALOGUE_ENTRY(uninitialized_device_memory, kWrongResult),
      CATALOGUE_ENTRY(index_past_a_shared_array, fault_name(FaultKind::kSharedOutOfBounds)),
      CATALOGUE_ENTRY(off_by_one_past_the_tail, fault_name(FaultKind::kDeviceOutOfBounds)),
      CATALOGUE_ENTRY(off_by_one_before_the_tail, kWrongResult),
      CATALOGUE_ENTRY(misaligned_float4, fault_name(FaultKind::kMisalignedAccess)),
      CATALOGUE_ENTRY(early_read_of_cp_async, kWrongResult),
      CATALOGUE_ENTRY(wrong_fragment_layout, kWrongResult),
      CATALOGUE_ENTRY(missing_tf32_rounding, fault_name(FaultKind::kUnroundedTf32)),
      CATALOGUE_ENTRY(too_much_static_shared_memory, fault_name(FaultKind::kSharedMemoryLimit)),
      CATALOGUE_ENTRY(shared_memory_not_asked_for, fault_name(FaultKind::kSharedMemoryLimit)),
      CATALOGUE_ENTRY(too_many_threads_in_a_block, fault_name(FaultKind::kLaunchLimit)),
      CATALOGUE_ENTRY(grid_too_high, fault_name(FaultKind::kLaunchLimit)),
      CATALOGUE_ENTRY(instruction_the_gpu_lacks, fault_name(FaultKind::kUnsupportedByGpu)),
      CATALOGUE_ENTRY(host_read_without_waiting, kWrongResult),
      CATALOGUE_ENTRY(stream_that_does_not_wait_for_another, kWrongResult),
      CATALOGUE_ENTRY(argument_frozen_in_a_graph, kWrongResult),
  };
}

// What comes to light in any of the orders; "" if nothing does.
std::string outcome(const std::function<void()>& run) {
  std::string seen;
  in_every_order([&](Order) {
    try {
      run();
    } catch (const Fault& fault) {
      seen = fault_name(fault.kind());
    } catch (const WrongResult&) {
      if (seen.empty()) seen = kWrongResult;
    }
  });
  return seen;
}

class FaultCatalog : public ::testing::TestWithParam<Planted> {};

TEST_P(FaultCatalog, CatchesThePlantedFaultAndPassesItsTwin) {
  const Planted& entry = GetParam();
  if (!code_is_watched() && std::string(entry.name) == "lost_update")
    GTEST_SKIP() << "only watched code shows it: preset simt-watch";
  EXPECT_EQ(outcome(entry.twin), "") << "without the fault";
#if defined(__SANITIZE_ADDRESS__)
  if (entry.caught_as.find("out of bounds") != std::string::npos) {
    EXPECT_DEATH(entry.planted(), "AddressSanitizer|out of bounds");
    return;
  }
#endif
  const bool as_result = entry.caught_as == kRace && !code_is_watched();
  EXPECT_EQ(outcome(entry.planted), as_result ? kWrongResult : entry.caught_as) << "with the fault";
}

INSTANTIATE_TEST_SUITE_P(Simt, FaultCatalog, ::testing::ValuesIn(catalog()),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace cardiograd::simt
