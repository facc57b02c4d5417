#include "simt/runtime.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "simt/simt.h"
#include "tests/simt/device_buffer.h"

namespace cardiograd::simt {
namespace {

__global__ void add_kernel(int count, float value, float* x) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < count) x[i] += value;
}

class Streams : public ::testing::Test {
 protected:
  void SetUp() override {
    cudaStreamCreateWithFlags(&a_, cudaStreamNonBlocking);
    cudaStreamCreateWithFlags(&b_, cudaStreamNonBlocking);
  }
  void TearDown() override {
    cudaStreamDestroy(a_);
    cudaStreamDestroy(b_);
  }
  cudaStream_t a_ = nullptr;
  cudaStream_t b_ = nullptr;
};

TEST_F(Streams, RunInOrderWhenWaitedFor) {
  const DeviceBuffer<float> x(std::vector<float>(5, 1.0F));
  std::vector<float> host(5, 0.0F);
  launch<add_kernel>(1, 32, 0, a_, 5, 2.0F, x.data());
  cudaMemcpyAsync(host.data(), x.data(), 20, cudaMemcpyDeviceToHost, a_);
  launch<add_kernel>(1, 32, 0, a_, 5, 10.0F, x.data());
  EXPECT_EQ(cudaStreamQuery(a_), cudaErrorNotReady);
  EXPECT_TRUE(std::isnan(host[0])) << "nothing has run";
  EXPECT_EQ(cudaStreamSynchronize(a_), cudaSuccess);
  EXPECT_EQ(cudaStreamQuery(a_), cudaSuccess);
  EXPECT_EQ(host, std::vector<float>(5, 3.0F));
  EXPECT_EQ(x.read(), std::vector<float>(5, 13.0F));
}

TEST_F(Streams, OneWaitsForTheOthersEvent) {
  const DeviceBuffer<float> x(std::vector<float>(3, 0.0F));
  std::vector<float> host(3, 0.0F);
  cudaEvent_t done = nullptr;
  cudaEventCreate(&done);
  launch<add_kernel>(1, 3, 0, a_, 3, 1.0F, x.data());
  cudaEventRecord(done, a_);
  launch<add_kernel>(1, 3, 0, a_, 3, 100.0F, x.data());
  cudaStreamWaitEvent(b_, done);
  cudaMemcpyAsync(host.data(), x.data(), 12, cudaMemcpyDeviceToHost, b_);
  EXPECT_EQ(cudaEventQuery(done), cudaErrorNotReady);
  cudaStreamSynchronize(b_);
  EXPECT_EQ(cudaEventQuery(done), cudaSuccess);
  EXPECT_EQ(host, std::vector<float>(3, 1.0F)) << "up to the event and no further";
  cudaStreamSynchronize(a_);
  EXPECT_EQ(x.read(), std::vector<float>(3, 101.0F));
  cudaEventDestroy(done);
}

TEST_F(Streams, EventsMeasureTime) {
  cudaEvent_t start = nullptr;
  cudaEvent_t end = nullptr;
  cudaEventCreate(&start);
  cudaEventCreate(&end);
  float milliseconds = -1;
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, start, end), cudaErrorInvalidResourceHandle);
  cudaEventRecord(start, a_);
  cudaEventRecord(end, a_);
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, start, end), cudaErrorNotReady);
  EXPECT_EQ(cudaEventSynchronize(end), cudaSuccess);
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, start, end), cudaSuccess);
  EXPECT_TRUE(milliseconds >= 0);
  cudaEventDestroy(start);
  cudaEventDestroy(end);
}

TEST_F(Streams, AGraphReplaysWithTheArgumentsOfItsCapture) {
  const DeviceBuffer<float> x(std::vector<float>(4, 0.0F));
  float value = 1;
  EXPECT_EQ(cudaStreamBeginCapture(a_, cudaStreamCaptureModeGlobal), cudaSuccess);
  launch<add_kernel>(1, 4, 0, a_, 4, value, x.data());
  EXPECT_EQ(cudaStreamSynchronize(a_), cudaErrorStreamCaptureUnsupported);
  EXPECT_EQ(cudaGetLastError(), cudaErrorStreamCaptureUnsupported);
  value = 50;  // NOLINT(clang-analyzer-deadcode.DeadStores): the graph must not see it
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  EXPECT_EQ(cudaStreamEndCapture(a_, &graph), cudaSuccess);
  EXPECT_EQ(cudaGraphInstantiate(&executable, graph), cudaSuccess);
  EXPECT_EQ(x.read(), std::vector<float>(4, 0.0F)) << "capture runs nothing";
  for (int step = 0; step < 3; ++step) EXPECT_EQ(cudaGraphLaunch(executable, a_), cudaSuccess);
  cudaStreamSynchronize(a_);
  EXPECT_EQ(x.read(), std::vector<float>(4, 3.0F));
  cudaGraphExecDestroy(executable);
  cudaGraphDestroy(graph);
}

TEST(Runtime, MemoryIsAlignedAndUndefined) {
  const DeviceBuffer<float> x(3);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(x.data()) % 256, 0U);
  for (const float value : x.read()) EXPECT_TRUE(std::isnan(value));
  int outside = 0;
  EXPECT_EQ(cudaFree(&outside), cudaErrorInvalidValue);
  EXPECT_STREQ(cudaGetErrorString(cudaGetLastError()), "invalid argument");
}

TEST(Runtime, NamesTheGpuItStandsFor) {
  const SettingsGuard guard;
  settings().gpu = kSm90;
  cudaDeviceProp properties;
  EXPECT_EQ(cudaGetDeviceProperties(&properties, 0), cudaSuccess);
  EXPECT_EQ(properties.major, 9);
  EXPECT_EQ(properties.sharedMemPerBlockOptin, 227U * 1024);
}

__global__ void faulty_kernel(float* x) {
  if (threadIdx.x < 8) __syncthreads();
  x[threadIdx.x] = 1;
}

TEST(Runtime, AFaultNamesItsPlaceAndLeavesTheSchedulerUsable) {
  const DeviceBuffer<float> x(std::vector<float>(40, 0.0F));
  launch<faulty_kernel>(2, 40, 0, nullptr, x.data());
  try {
    cudaDeviceSynchronize();
    FAIL() << "no fault";
  } catch (const Fault& fault) {
    EXPECT_EQ(fault.kind(), FaultKind::kDivergentBarrier);
    const std::string text = fault.what();
    EXPECT_NE(text.find("kernel faulty_kernel, block (0, 0, 0), runtime_test.cpp:"), std::string::npos) << text;
    EXPECT_NE(text.find("threads 0-7 wait in __syncthreads, threads 8-39 have returned"), std::string::npos) << text;
  }
  launch<add_kernel>(1, 40, 0, nullptr, 40, 1.0F, x.data());
  EXPECT_EQ(x.read()[39], 2.0F);
}

}  // namespace
}  // namespace cardiograd::simt
