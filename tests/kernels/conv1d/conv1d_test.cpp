// The kernels that the launchers of the convolution choose among, each at shapes that it takes and with aligned
// tensors; the op table's random shapes and offsets mostly take the general one.
#include "kernels/conv1d/conv1d.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/precision_words.h"
#include "kernels/op_table.h"
#include "tests/kernels/op_calls.h"

#if defined(CARDIOGRAD_DEVICE_CODE)
#include "tests/kernels/path_calls.h"

namespace cardiograd::kernels {
namespace {

using Conv1dPath = DeviceTest;

constexpr const char* kOps[] = {"conv1d_forward", "conv1d_backward_input", "conv1d_backward_weight"};

Conv1dShape same(std::int64_t batch, std::int64_t time, std::int64_t inputs, std::int64_t outputs,
                 std::int64_t kernel) {
  return {.batch = batch,
          .time = time,
          .input_channels = inputs,
          .output_channels = outputs,
          .kernel = kernel,
          .padding = (kernel - 1) / 2};
}

TEST_F(Conv1dPath, EachPrecisionHasItsKernelAtAlignedShapes) {
  const std::vector<Conv1dShape> shapes = {
      same(2, 129, 12, 64, 7),   // the first layer's channels, one sample beyond a tile
      same(1, 128, 64, 128, 5),  // whole tiles
      same(3, 37, 128, 68, 3),   // a column tile of 4
      same(2, 200, 20, 4, 1),    // channels that are no multiple of a step's
      same(300, 3, 4, 8, 5),     // records shorter than the kernel
      {.batch = 2, .time = 150, .input_channels = 16, .output_channels = 12, .kernel = 4, .padding = 5, .dilation = 9},
      {.batch = 2, .time = 90, .input_channels = 24, .output_channels = 136, .kernel = 3, .padding = 0, .groups = 2},
  };
  for (Conv1dShape s : shapes)
    for (const Precision precision : {Precision::kFp32, Precision::kTf32, Precision::kBf16})
      for (const char* name : kOps) {
        s.precision = precision;
        expect_agreement(*find_op(name), s, std::string(word_of(precision)));
      }
}

TEST_F(Conv1dPath, OtherShapesAreGathered) {
  std::vector<Conv1dShape> shapes = {same(2, 60, 13, 7, 5), same(1, 9, 1, 1, 9), same(2, 70, 3, 66, 3)};
  shapes.push_back({.batch = 2,
                    .time = 60,
                    .input_channels = 6,
                    .output_channels = 9,
                    .kernel = 3,
                    .stride = 3,
                    .padding = 4,
                    .dilation = 2,
                    .groups = 3});
  for (Conv1dShape s : shapes)
    for (const Precision precision : {Precision::kFp32, Precision::kTf32, Precision::kBf16})
      for (const char* name : kOps) {
        s.precision = precision;
        expect_agreement(*find_op(name), s, "gather");
      }
  // Strides and slabs beyond shared memory have no slab, but the weights' gradient has no use for one.
  for (Conv1dShape s : {same(1, 300, 8, 8, 301), same(2, 61, 8, 12, 5)}) {
    if (s.kernel == 5) s.stride = 2;
    expect_agreement(*find_op("conv1d_forward"), s, "gather");
    expect_agreement(*find_op("conv1d_backward_input"), s, "gather");
    expect_agreement(*find_op("conv1d_backward_weight"), s, "fp32");
  }
}

#if defined(CARDIOGRAD_SIMT)
TEST_F(Conv1dPath, WithoutTensorCoresThePrecisionsAreEmulated) {
  simt::settings().gpu = simt::kSm75;
  Conv1dShape s = same(2, 50, 8, 16, 3);
  for (const char* name : kOps) {
    s.precision = Precision::kFp32;
    expect_agreement(*find_op(name), s, "fp32");
    for (const Precision precision : {Precision::kTf32, Precision::kBf16}) {
      s.precision = precision;
      expect_agreement(*find_op(name), s, "gather");
    }
  }
  simt::settings() = {};
}
#endif

TEST_F(Conv1dPath, WithoutABiasGradientTheWeightsAreTheSame) {
  Conv1dShape s = same(2, 50, 8, 16, 3);
  const OpCase test = find_op("conv1d_backward_weight")->bind(&s);
  const std::vector<Values> call = random_call(test, 1);
  const std::vector<Values> expected = DeviceCall(test, call).run();
  s.bias_gradient = false;
  OpCase without = find_op("conv1d_backward_weight")->bind(&s);
  without.run = [&](Implementation, void* const* pointers) {
    conv1d_backward_weight_cuda(s, static_cast<const float*>(pointers[0]), static_cast<const float*>(pointers[1]),
                                static_cast<float*>(pointers[2]), nullptr, Stream());
  };
  const std::vector<Values> got = DeviceCall(without, call).run();
  EXPECT_EQ(got[2].real, expected[2].real);
  EXPECT_EQ(got[3].real, call[3].real);
}

TEST_F(Conv1dPath, SizesBeyond32BitsAreRefused) {
  const Conv1dShape s = same(1, std::int64_t{1} << 31, 1, 1, 1);
  EXPECT_THROW(conv1d_forward_cuda(s, nullptr, nullptr, nullptr, nullptr, Stream()), Error);
}

}  // namespace
}  // namespace cardiograd::kernels

#endif
