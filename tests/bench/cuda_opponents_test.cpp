// Every opponent on the GPU agrees with the double reference of its operation; skipped without a GPU.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/common/device_code.h"
#include "tests/bench/opponent_checks.h"

#if defined(CARDIOGRAD_DEVICE_CODE) && !defined(CARDIOGRAD_SIMT)
#include "kernels/common/runtime_cuda.h"

namespace cardiograd::bench {
namespace {

class CudaOpponents : public ::testing::TestWithParam<kernels::Op> {
 protected:
  void SetUp() override {
    int devices = 0;
    const cudaError_t status = cudaGetDeviceCount(&devices);
    if (status != cudaSuccess || devices == 0) GTEST_SKIP() << "no GPU: " << cudaGetErrorString(status);
  }
};

TEST_P(CudaOpponents, AgreeWithTheDoubleReference) {
  const kernels::Op& op = GetParam();
  for (const Precision precision : {Precision::kFp32, Precision::kTf32, Precision::kBf16})
    for (const kernels::OpCase& work : op.workload())
      expect_opponents_agree(op, smaller_case(work, 1e7), Device::kCuda, precision);
}

INSTANTIATE_TEST_SUITE_P(Bench, CudaOpponents, ::testing::ValuesIn(kernels::op_table()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace cardiograd::bench
#endif

namespace cardiograd::bench {
namespace {

TEST(CudaOpponentList, SaysWhatIsMissing) {
  std::size_t gpu_libraries = 0;
  for (const Library& library : opponent_libraries()) {
    if (library.device != Device::kCuda) continue;
    ++gpu_libraries;
    EXPECT_NE(library.version.empty(), library.missing.empty()) << library.name;
  }
  EXPECT_EQ(gpu_libraries, 4U);  // cuDNN, its frontend, cuBLASLt, CUB
}

}  // namespace
}  // namespace cardiograd::bench
