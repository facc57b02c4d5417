// What check_signature() refuses to compile, as values: the functions behind it, on functions that do not fit.
#include "kernels/kernel_spec.h"

#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

namespace cardiograd::kernels {
namespace {

struct PairShape {
  std::int64_t count = 2;
};

void gather(const PairShape& s, const std::int32_t* index, const float* x, float* y) {
  for (std::int64_t i = 0; i < s.count; ++i) y[i] += x[index[i]];
}
void gather_on_stream(const PairShape& s, const std::int32_t* index, const float* x, float* y, Stream) {
  gather(s, index, x, y);
}

using Host = SignatureOf<decltype(&gather)>;
using Device = SignatureOf<decltype(&gather_on_stream)>;

const std::vector<BufferSpec> kFitting = {
    {"index", {2}, Role::kInput, DType::kInt32}, {"x", {2}}, {"y", {2}, Role::kAccumulate}};

TEST(KernelSignature, CountsPointersWithoutTheStream) {
  EXPECT_EQ(Host::kPointers, 3U);
  EXPECT_EQ(Device::kPointers, 3U);
}

TEST(KernelSignature, AcceptsBuffersThatFit) {
  EXPECT_TRUE(Host::roles_fit(kFitting) && Device::roles_fit(kFitting));
  EXPECT_TRUE(Host::dtypes_fit(kFitting) && Device::dtypes_fit(kFitting));
}

TEST(KernelSignature, RefusesWritingToAnInputAndReadingAnOutput) {
  for (const Role role : {Role::kOutput, Role::kAccumulate, Role::kUpdate}) {
    std::vector<BufferSpec> buffers = kFitting;
    buffers[1].role = role;
    EXPECT_FALSE(Host::roles_fit(buffers));
  }
  std::vector<BufferSpec> buffers = kFitting;
  buffers[2].role = Role::kInput;
  EXPECT_FALSE(Host::roles_fit(buffers));
  EXPECT_FALSE(Device::roles_fit(buffers));
}

TEST(KernelSignature, RefusesAnotherType) {
  for (const DType dtype : {DType::kFloat32, DType::kInt16, DType::kUint8}) {
    std::vector<BufferSpec> buffers = kFitting;
    buffers[0].dtype = dtype;
    EXPECT_FALSE(Host::dtypes_fit(buffers));
  }
}

TEST(KernelSignature, CallsWithThePointersInOrder) {
  std::int32_t index[] = {1, 0};
  float x[] = {3, 5};
  float y[] = {10, 20};
  void* const pointers[] = {index, x, y};
  Host::call<float>(gather, {2}, pointers);
  EXPECT_EQ(y[0], 15);
  EXPECT_EQ(y[1], 23);
  Device::call<float>(gather_on_stream, {1}, pointers);
  EXPECT_EQ(y[0], 20);
}

// In double, as the reference is called: float pointers become double ones, others stay.
TEST(KernelSignature, ReplacesFloatByTheNumberType) {
  std::int32_t index[] = {1, 0};
  double x[] = {3, 5};
  double y[] = {0, 0};
  void* const pointers[] = {index, x, y};
  Host::call<double>(
      [](const PairShape& s, const std::int32_t* from, const double* in, double* out) {
        for (std::int64_t i = 0; i < s.count; ++i) out[i] = in[from[i]];
      },
      {2}, pointers);
  EXPECT_EQ(y[0], 5);
  EXPECT_EQ(y[1], 3);
}

}  // namespace
}  // namespace cardiograd::kernels
