// Runs an operation of the op table on the device: the GPU's in the preset cuda, the host's in the preset simt.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/common/runtime_cuda.h"
#include "kernels/op_table.h"
#include "tests/kernels/op_calls.h"

namespace cardiograd::kernels {

// Copies of the buffers in device memory, floats at the offset from alignment that the call says.
class DeviceCall {
 public:
  DeviceCall(const OpCase& test, const std::vector<Values>& call) : test_(test), result_(call) {
    for (Values& values : result_) {
      if (!values.bytes.empty()) {
        push(values.bytes.data(), values.bytes.size(), 0);
        continue;
      }
      floats_.emplace_back(values.real.begin(), values.real.end());
      push(floats_.back().data(), floats_.back().size() * sizeof(float), values.offset * sizeof(float));
    }
  }
  ~DeviceCall() {
    for (const Copy& copy : copies_) cudaFree(copy.base);
  }
  DeviceCall(const DeviceCall&) = delete;
  DeviceCall& operator=(const DeviceCall&) = delete;

  std::vector<Values> run() {
    test_.run(Implementation::kCuda, pointers_.data());
    EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    auto copy = floats_.begin();
    for (std::size_t i = 0; i < copies_.size(); ++i) {
      EXPECT_EQ(cudaMemcpy(copies_[i].host, pointers_[i], copies_[i].bytes, cudaMemcpyDeviceToHost), cudaSuccess);
      if (!result_[i].bytes.empty()) continue;
      result_[i].real.assign(copy->begin(), copy->end());
      ++copy;
    }
    return result_;
  }

 private:
  struct Copy {
    void* base;
    void* host;
    std::size_t bytes;
  };
  void push(void* host, std::size_t bytes, std::size_t offset) {
    void* base = nullptr;
    EXPECT_EQ(cudaMalloc(&base, bytes + offset), cudaSuccess);
    void* data = static_cast<std::byte*>(base) + offset;
    EXPECT_EQ(cudaMemcpy(data, host, bytes, cudaMemcpyHostToDevice), cudaSuccess);
    copies_.push_back({base, host, bytes});
    pointers_.push_back(data);
  }

  const OpCase& test_;
  std::vector<Values> result_;
  std::vector<std::vector<float>> floats_;
  std::vector<Copy> copies_;
  std::vector<void*> pointers_;
};

// Skips where there is no GPU.
class DeviceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    int devices = 0;
    const cudaError_t status = cudaGetDeviceCount(&devices);
    if (status != cudaSuccess || devices == 0) GTEST_SKIP() << "no GPU: " << cudaGetErrorString(status);
  }
};

}  // namespace cardiograd::kernels
