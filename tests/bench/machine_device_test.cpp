// The desk on device code: on the GPU where there is one, on the host in the preset simt, refused elsewhere.
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "bench/desk/desk.h"
#include "bench/desk/machine.h"
#include "kernels/common/device_code.h"
#include "tests/common/expect_error.h"

#if defined(CARDIOGRAD_DEVICE_CODE)
#include "kernels/common/runtime_cuda.h"
#endif

namespace cardiograd::bench {
namespace {

#if defined(CARDIOGRAD_DEVICE_CODE)

TEST(DeviceMachine, ChecksTheShippedKernelAndItsVariants) {
  int devices = 0;
  const cudaError_t status = cudaGetDeviceCount(&devices);
  if (status != cudaSuccess || devices == 0) GTEST_SKIP() << "no GPU: " << cudaGetErrorString(status);
#if defined(CARDIOGRAD_SIMT)
  const auto machine = open_machine(Device::kSimt);
#else
  const auto machine = open_machine(Device::kCuda);
#endif
  const kernels::Op& op = *kernels::find_op("linear_forward");
  const kernels::OpCase work = op.workload().front().with("rows=33,inputs=17,outputs=20");
  DeskOptions options;
  options.opponents = false;
  options.timing.max_seconds = 0.01;
  const std::vector<Row> rows = measure_case(*machine, {}, op, work, options);
  ASSERT_GE(rows.size(), 1 + work.cuda_variants.size());
  for (const Row& row : rows) {
    EXPECT_TRUE(row.checked) << row.variant << ": " << row.note;
    EXPECT_EQ(std::isnan(row.seconds), machine->clock() == nullptr);
  }
}

#else

TEST(DeviceMachine, IsRefusedWithoutDeviceCode) {
  for (const Device device : {Device::kCuda, Device::kSimt})
    testing::expect_error([&] { open_machine(device); }, {"no CUDA kernels"});
}

#endif

}  // namespace
}  // namespace cardiograd::bench
