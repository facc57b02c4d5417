// What the op table's shapes do not reach: sizes that take several pieces, values that need two passes, and launchers
// that are not in the table.
#if defined(CARDIOGRAD_DEVICE_CODE)
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.h"
#include "kernels/add/add_spec.h"
#include "kernels/attention/attention_spec.h"
#include "kernels/batch_norm/batch_norm_spec.h"
#include "kernels/batch_norm_pool/batch_norm_pool_spec.h"
#include "kernels/common/check_cuda.h"
#include "kernels/conv1d/conv1d_spec.h"
#include "kernels/gather_batch/gather_batch_spec.h"
#include "kernels/layer_norm/layer_norm_spec.h"
#include "kernels/linear/linear_spec.h"
#include "kernels/max_pool/max_pool_spec.h"
#include "kernels/op_table.h"
#include "kernels/residual_layer_norm/residual_layer_norm_spec.h"
#include "kernels/residual_layer_norm_mean/residual_layer_norm_mean_spec.h"
#include "kernels/weighted_bce/weighted_bce_spec.h"
#include "tests/kernels/device_calls.h"

namespace cardiograd::kernels {
namespace {

class CudaKernels : public DeviceTest {};

// Every written buffer against the double reference, by the table's rule, with all buffers aligned and with none.
template <KernelSpec Spec>
void expect_agreement(const typename Spec::Shape& shape) {
  const OpCase test = bind_case<Spec>(shape);
  std::vector<Values> call = random_call(test, 3);
  const std::vector<Values> expected = run(test, Implementation::kReference64, call);
  const std::vector<Values> plain = run(test, Implementation::kReference32, call);
  for (const std::size_t offset : {0, 1}) {
    for (Values& values : call) values.offset = offset;
    const std::vector<Values> got = DeviceCall(test, call).run();
    for (std::size_t i = 0; i < call.size(); ++i) {
      if (!is_written(test.buffers[i])) continue;
      const double allowed = allowed_error(Spec::kTolerance, plain[i].real, expected[i].real);
      const double error = relative_error(got[i].real, expected[i].real);
      EXPECT_TRUE(error <= allowed) << Spec::kName << " " << test.buffers[i].name << " at " << test.shape << ", offset "
                                    << offset << ": error " << error << ", allowed " << allowed;
    }
  }
}

TEST_F(CudaKernels, ConvolutionGradientsOfSeveralPiecesAndGroups) {
  const Conv1dShape shape = {.batch = 7,
                             .time = 251,
                             .input_channels = 6,
                             .output_channels = 10,
                             .kernel = 3,
                             .padding = 2,
                             .dilation = 2,
                             .groups = 2};
  expect_agreement<Conv1dBackwardWeight>(shape);
  expect_agreement<Conv1dBackwardInput>(shape);
  expect_agreement<Conv1dForward>(shape);
}

TEST_F(CudaKernels, LinearGradientOfManyPieces) {
  expect_agreement<LinearBackwardWeight>({4099, 5, 3});
}

// What the algorithm is chosen for, and working memory, stay the same however often a shape comes back.
TEST_F(CudaKernels, LinearGivesTheSameBitsAfterOtherShapes) {
  const OpCase test = bind_case<LinearBackwardWeight>({3001, 17, 24});
  const OpCase other = bind_case<LinearBackwardWeight>({2500, 33, 40});
  const std::vector<Values> call = random_call(test, 3);
  const std::vector<Values> first = DeviceCall(test, call).run();
  DeviceCall(other, random_call(other, 4)).run();
  const std::vector<Values> second = DeviceCall(test, call).run();
  for (std::size_t i = 0; i < first.size(); ++i) EXPECT_EQ(first[i].real, second[i].real) << test.buffers[i].name;
}

TEST(CheckCuda, SaysInWordsThatTheDriverIsTooOld) {
  try {
    check_cuda(cudaErrorInsufficientDriver, "cuBLASLt: creating a handle");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("driver version is insufficient"), std::string::npos) << error.what();
    EXPECT_NE(error.hint().find("install a newer driver"), std::string::npos) << error.hint();
    EXPECT_NE(error.hint().find("built with CUDA "), std::string::npos) << error.hint();
  }
}

TEST_F(CudaKernels, BatchNormOfManyChunks) {
  expect_agreement<BatchNormForward>({.rows = 1031, .channels = 35, .relu = true});
  expect_agreement<BatchNormBackward>({.rows = 1031, .channels = 35, .relu = true});
  expect_agreement<BatchNormForward>({.rows = 4500, .channels = 72, .relu = true});
  expect_agreement<BatchNormBackward>({.rows = 4500, .channels = 72, .relu = true});
}

// Records of several chunks with an odd sample at the end.
TEST_F(CudaKernels, BatchNormWithPoolingOfManyChunks) {
  for (const std::int64_t channels : {35, 72}) {
    const BatchNormPoolShape shape = {.batch = 3, .time = 643, .channels = channels, .relu = true};
    expect_agreement<BatchNormPoolForward>(shape);
    expect_agreement<BatchNormPoolBackward>(shape);
  }
}

// Every number of registers per lane, of one float and of four, and rows that do not fit.
TEST_F(CudaKernels, LayerNormOfEveryWidth) {
  for (const std::int64_t width : {64, 65, 128, 132, 255, 256, 257, 260, 512, 516, 1024, 1028}) {
    const LayerNormShape shape = {.rows = 131, .width = width};
    expect_agreement<LayerNormForward>(shape);
    expect_agreement<LayerNormBackward>(shape);
    const ResidualLayerNormShape residual = {.rows = 131, .width = width, .dropout = {.probability = 0.3F, .seed = 7}};
    expect_agreement<ResidualLayerNormForward>(residual);
    expect_agreement<ResidualLayerNormBackward>(residual);
  }
}

// The same with the mean of several chunks, and rows of the result that are not aligned.
TEST_F(CudaKernels, LayerNormWithMeanOfEveryWidth) {
  for (const auto& [width, beside] : {std::pair{64, 3}, {65, 1}, {128, 4}, {256, 8}, {260, 3}, {512, 4}, {1024, 4}}) {
    const ResidualLayerNormMeanShape shape = {
        .batch = 3, .time = 35, .width = width, .width_b = beside, .dropout = {.probability = 0.3F, .seed = 7}};
    expect_agreement<ResidualLayerNormMeanForward>(shape);
    expect_agreement<ResidualLayerNormMeanBackward>(shape);
  }
}

// Blocks whose step is a multiple of the channels, and not.
TEST_F(CudaKernels, GatheringManySamplesOfAnyChannels) {
  for (const std::int64_t channels : {1, 12, 13, 300, 1100})
    expect_agreement<GatherBatchForward>({.records = 5, .batch = 3, .time = 700, .channels = channels});
}

TEST_F(CudaKernels, MaxPoolingOfManyChunks) {
  for (const std::int64_t channels : {5, 68}) {
    for (const MaxPoolShape& shape :
         {MaxPoolShape{.batch = 2, .time = 301, .channels = channels, .kernel = 2, .stride = 2},
          MaxPoolShape{.batch = 2, .time = 301, .channels = channels, .kernel = 5, .stride = 3, .padding = 2}}) {
      expect_agreement<MaxPoolForward>(shape);
      expect_agreement<MaxPoolBackward>(shape);
    }
  }
}

TEST_F(CudaKernels, ColumnSumsOfManyChunks) {
  for (const std::int64_t period : {5, 68})
    expect_agreement<AddBackwardBroadcast>({.count = 9001 * period, .period = period});
}

// The widest head of one slice of components, the narrowest of two, and three slices with a tail.
TEST_F(CudaKernels, AttentionOfWideHeads) {
  for (const std::int64_t width : {128, 129, 293}) {
    const AttentionShape shape = {.batch = 1, .time = 37, .heads = 2, .width = width, .dropout = {.probability = 0.3F}};
    expect_agreement<AttentionForward>(shape);
    expect_agreement<AttentionBackward>(shape);
  }
}

// A variance of 1 beside a mean of 10000: from E[x^2] - E[x]^2 not one digit would be left.
TEST_F(CudaKernels, BatchNormKeepsASmallVarianceBesideALargeMean) {
  const OpCase test = bind_case<BatchNormForward>({.rows = 600, .channels = 3});
  std::vector<Values> call = random_call(test, 4);
  for (double& x : call[0].real) x = static_cast<double>(static_cast<float>(10000 + x));
  const std::vector<Values> expected = run(test, Implementation::kReference64, call);
  const std::vector<Values> got = DeviceCall(test, call).run();
  constexpr std::size_t kVariance = 7;
  ASSERT_EQ(test.buffers[kVariance].name, "variance");
  EXPECT_TRUE(relative_error(got[kVariance].real, expected[kVariance].real) <= 1e-6);
}

TEST_F(CudaKernels, LossAndGradientInOneLaunchAreThoseOfTwo) {
  const WeightedBceShape shape = {.rows = 61, .classes = 7};
  const OpCase forward = bind_case<WeightedBceForward>(shape);
  const OpCase backward = bind_case<WeightedBceBackward>(shape);
  const OpCase both = bind_case<WeightedBceLossAndGradient>(shape);
  std::vector<Values> call = random_call(backward, 6);
  call[3].real[0] = 1;                                           // dloss
  const std::vector<Values> got = DeviceCall(both, call).run();  // loss in its place
  EXPECT_EQ(got[4].real, DeviceCall(backward, call).run()[4].real);
  call.pop_back();
  EXPECT_EQ(got[3].real, DeviceCall(forward, call).run()[3].real);
}

}  // namespace
}  // namespace cardiograd::kernels
#endif
