// Working memory of launchers.
#if defined(CARDIOGRAD_DEVICE_CODE)
#include "kernels/common/scratch_cuda.h"

#include <string>

#include <gtest/gtest.h>

#include "base/out_of_memory.h"
#include "tests/kernels/device_calls.h"

namespace cardiograd::kernels {
namespace {

class CudaScratch : public DeviceTest {};

TEST_F(CudaScratch, IsKeptForTheNextCall) {
  float* first = cuda_scratch(nullptr, CudaScratchUse::kPartial, 5000);
  EXPECT_EQ(cuda_scratch(nullptr, CudaScratchUse::kPartial, 4000), first);
  EXPECT_NE(cuda_scratch(nullptr, CudaScratchUse::kColumnSums, 4000), first);
}

int released = 0;

TEST_F(CudaScratch, AsksForMemoryBackBeforeItGivesUp) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "AddressSanitizer ends the program at an allocation of this size";
#endif
  on_scratch_exhausted([] { ++released; });
  EXPECT_THROW(cuda_scratch(nullptr, CudaScratchUse::kPartial, std::int64_t{1} << 50), OutOfMemory);
  EXPECT_EQ(released, 1);
  on_scratch_exhausted(nullptr);
  EXPECT_NE(cuda_scratch(nullptr, CudaScratchUse::kPartial, 10), nullptr);
}

}  // namespace
}  // namespace cardiograd::kernels
#endif
