// Planted faults of launches: limits of the GPU, streams, graphs (fault_catalog.h).
#include <vector>

#include <gtest/gtest.h>

#include "tests/simt/fault_catalog.h"

namespace cardiograd::simt {
namespace {

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
  const int sum = __reduce_add_sync(kFullWarp, 1);
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

__global__ void increment_kernel(float* x) {
  x[threadIdx.x] += 1;
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
  launch<increment_kernel>(1, 4, 0, work, x.data());
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

std::vector<Planted> catalog() {
  return {
      CATALOG_ENTRY(too_much_static_shared_memory, fault_name(FaultKind::kSharedMemoryLimit)),
      CATALOG_ENTRY(shared_memory_not_asked_for, fault_name(FaultKind::kSharedMemoryLimit)),
      CATALOG_ENTRY(too_many_threads_in_a_block, fault_name(FaultKind::kLaunchLimit)),
      CATALOG_ENTRY(grid_too_high, fault_name(FaultKind::kLaunchLimit)),
      CATALOG_ENTRY(instruction_the_gpu_lacks, fault_name(FaultKind::kUnsupportedByGpu)),
      CATALOG_ENTRY(host_read_without_waiting, kWrongResult),
      CATALOG_ENTRY(stream_that_does_not_wait_for_another, kWrongResult),
      CATALOG_ENTRY(argument_frozen_in_a_graph, kWrongResult),
  };
}

class LaunchFaults : public ::testing::TestWithParam<Planted> {};

TEST_P(LaunchFaults, IsCaughtAndItsTwinPasses) {
  expect_caught(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Simt, LaunchFaults, ::testing::ValuesIn(catalog()), name_of);

}  // namespace
}  // namespace cardiograd::simt
