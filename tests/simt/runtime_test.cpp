#include "simt/runtime.h"

#include <cmath>
#include <string>
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

TEST_F(Streams, LetRunWhatCanRunWhenTheyAreAskedAgain) {
  const DeviceBuffer<float> x(std::vector<float>(5, 1.0F));
  bool may_end = false;
  cudaEvent_t added = nullptr, all = nullptr;
  cudaEventCreate(&added);
  cudaEventCreate(&all);
  launch<add_kernel>(1, 32, 0, a_, 5, 2.0F, x.data());
  cudaEventRecord(added, a_);
  enqueue_attempts(a_, [&may_end] { return may_end; });
  cudaEventRecord(all, a_);
  cudaStreamWaitEvent(b_, all);
  EXPECT_EQ(cudaEventQuery(added), cudaErrorNotReady);
  EXPECT_EQ(cudaEventQuery(added), cudaSuccess);
  for (int look = 0; look < 3; ++look) {
    EXPECT_EQ(cudaEventQuery(all), cudaErrorNotReady);
    EXPECT_EQ(cudaStreamQuery(b_), cudaErrorNotReady) << "it waits for the other stream";
  }
  may_end = true;
  EXPECT_EQ(cudaStreamQuery(b_), cudaErrorNotReady);
  EXPECT_EQ(cudaStreamQuery(b_), cudaSuccess);
  EXPECT_EQ(cudaEventQuery(all), cudaSuccess);
  cudaEventDestroy(added);
  cudaEventDestroy(all);
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

// Fork and join: one kernel beside two others, in the graph of the first stream.
TEST_F(Streams, AGraphHoldsTheWorkOfAStreamThatWaitsForIt) {
  const DeviceBuffer<float> x(std::vector<float>(4, 0.0F)), y(std::vector<float>(4, 0.0F));
  cudaEvent_t fork = nullptr, join = nullptr;
  cudaEventCreate(&fork);
  cudaEventCreate(&join);
  cudaStreamBeginCapture(a_, cudaStreamCaptureModeThreadLocal);
  launch<add_kernel>(1, 4, 0, a_, 4, 1.0F, x.data());
  cudaEventRecord(fork, a_);
  EXPECT_EQ(cudaStreamWaitEvent(b_, fork), cudaSuccess);
  launch<add_kernel>(1, 4, 0, b_, 4, 10.0F, y.data());
  launch<add_kernel>(1, 4, 0, a_, 4, 2.0F, x.data());
  cudaEventRecord(join, b_);
  EXPECT_EQ(cudaStreamWaitEvent(a_, join), cudaSuccess);
  launch<add_kernel>(1, 4, 0, a_, 4, 100.0F, y.data());
  cudaGraph_t graph = nullptr;
  EXPECT_EQ(cudaStreamEndCapture(a_, &graph), cudaSuccess);
  cudaGraphExec_t executable = nullptr;
  cudaGraphInstantiate(&executable, graph);
  EXPECT_EQ(cudaStreamQuery(b_), cudaSuccess) << "capture puts nothing into the other stream";
  for (int step = 0; step < 2; ++step) cudaGraphLaunch(executable, a_);
  cudaStreamSynchronize(a_);
  EXPECT_EQ(x.read(), std::vector<float>(4, 6.0F));
  EXPECT_EQ(y.read(), std::vector<float>(4, 220.0F));
  // Outside the capture both streams and events are what they were.
  launch<add_kernel>(1, 4, 0, b_, 4, 1000.0F, y.data());
  cudaEventRecord(join, b_);
  cudaStreamWaitEvent(a_, join);
  cudaStreamSynchronize(a_);
  EXPECT_EQ(y.read(), std::vector<float>(4, 1220.0F));
  cudaGraphExecDestroy(executable);
  cudaGraphDestroy(graph);
  cudaEventDestroy(fork);
  cudaEventDestroy(join);
}

TEST_F(Streams, AGraphWithWorkThatIsNotJoinedIsRefused) {
  const DeviceBuffer<float> x(std::vector<float>(4, 0.0F));
  cudaEvent_t event = nullptr;
  cudaEventCreate(&event);
  cudaGraph_t graph = nullptr;
  for (const bool late : {false, true}) {
    cudaStreamBeginCapture(a_, cudaStreamCaptureModeThreadLocal);
    cudaEventRecord(event, a_);
    cudaStreamWaitEvent(b_, event);
    launch<add_kernel>(1, 4, 0, b_, 4, 1.0F, x.data());
    if (late) {  // What is put there after the event is not waited for.
      cudaEventRecord(event, b_);
      launch<add_kernel>(1, 4, 0, b_, 4, 1.0F, x.data());
      cudaStreamWaitEvent(a_, event);
    }
    EXPECT_EQ(cudaStreamEndCapture(a_, &graph), cudaErrorStreamCaptureUnjoined);
    EXPECT_EQ(cudaGetLastError(), cudaErrorStreamCaptureUnjoined);
    EXPECT_EQ(graph, nullptr);
  }
  cudaEventDestroy(event);
}

TEST_F(Streams, ACaptureMustNotWaitForWhatItDoesNotHold) {
  cudaEvent_t event = nullptr;
  cudaEventCreate(&event);
  cudaEventRecord(event, b_);
  cudaStreamBeginCapture(a_, cudaStreamCaptureModeThreadLocal);
  EXPECT_EQ(cudaStreamWaitEvent(a_, event), cudaErrorStreamCaptureIsolation);
  EXPECT_EQ(cudaGetLastError(), cudaErrorStreamCaptureIsolation);
  cudaGraph_t graph = nullptr;
  EXPECT_EQ(cudaStreamEndCapture(a_, &graph), cudaSuccess);
  cudaGraphDestroy(graph);
  cudaEventDestroy(event);
}

// A graph of one launch with these arguments.
cudaGraphExec_t graph_of(cudaStream_t stream, int launches, float value, float* x, unsigned threads = 4) {
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal);
  for (int i = 0; i < launches; ++i) launch<add_kernel>(1, threads, 0, stream, 4, value, x);
  cudaMemsetAsync(x, 0, 4, stream);
  cudaStreamEndCapture(stream, &graph);
  cudaGraphInstantiate(&executable, graph);
  cudaGraphDestroy(graph);
  return executable;
}

TEST_F(Streams, GraphsAreComparedByTheirArguments) {
  const DeviceBuffer<float> x(std::vector<float>(4, 0.0F));
  const DeviceBuffer<float> y(std::vector<float>(4, 0.0F));
  const cudaGraphExec_t graph = graph_of(a_, 1, 1, x.data());
  const auto differences = [&](cudaGraphExec_t other) {
    std::vector<std::string> found = graph_differences(graph, other);
    cudaGraphExecDestroy(other);
    return found;
  };
  const std::vector<std::string> kernel = {"add_kernel"};
  EXPECT_EQ(differences(graph_of(b_, 1, 1, x.data())), std::vector<std::string>());
  EXPECT_EQ(differences(graph_of(a_, 1, 2, x.data())), kernel) << "a value";
  EXPECT_EQ(differences(graph_of(a_, 1, 1, y.data())), kernel) << "an address";
  EXPECT_EQ(differences(graph_of(a_, 1, 1, x.data(), 8)), kernel) << "a block";
  EXPECT_EQ(differences(graph_of(a_, 2, 1, x.data())).back(), "one graph has more work");
  cudaGraphExecDestroy(graph);
}

TEST_F(Streams, CountWhatIsAskedOfThem) {
  const DeviceBuffer<float> x(std::vector<float>(4, 0.0F));
  std::vector<float> host(4);
  const cudaGraphExec_t graph = graph_of(a_, 3, 1, x.data());
  const StreamWork before = stream_work();
  cudaGraphLaunch(graph, a_);
  cudaMemcpyAsync(host.data(), x.data(), 16, cudaMemcpyDeviceToHost, a_);
  cudaStreamSynchronize(a_);
  void* memory = nullptr;
  cudaMalloc(&memory, 8);
  const StreamWork after = stream_work();
  EXPECT_EQ(after.graph_launches - before.graph_launches, 1);
  EXPECT_EQ(after.launches, before.launches) << "those of a graph are not counted again";
  EXPECT_EQ(after.copies - before.copies, 1);
  EXPECT_EQ(after.waits - before.waits, 1);
  EXPECT_EQ(after.allocations - before.allocations, 1);
  cudaFree(memory);
  cudaGraphExecDestroy(graph);
}

TEST_F(Streams, NoMemoryIsAllocatedWhileOneIsRecorded) {
  void* memory = nullptr;
  cudaGraph_t graph = nullptr;
  cudaStreamBeginCapture(a_, cudaStreamCaptureModeThreadLocal);
  EXPECT_EQ(cudaMalloc(&memory, 8), cudaErrorStreamCaptureUnsupported);
  EXPECT_EQ(cudaGetLastError(), cudaErrorStreamCaptureUnsupported);
  cudaStreamEndCapture(a_, &graph);
  cudaGraphDestroy(graph);
  EXPECT_EQ(memory, nullptr);
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
