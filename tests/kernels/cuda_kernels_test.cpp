// What the op table's shapes do not reach: sizes that take several pieces, values that need two passes, and launchers
// that are not in the table.
#if defined(CARDIOGRAD_DEVICE_CODE)
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.h"
#include "kernels/attention/attention_spec.h"
#include "kernels/batch_norm/batch_norm_spec.h"
#include "kernels/common/check_cuda.h"
#include "kernels/conv1d/conv1d_spec.h"
#include "kernels/linear/linear_spec.h"
#include "kernels/op_table.h"
#include "kernels/weighted_bce/weighted_bce_spec.h"
#include "tests/kernels/device_calls.h"

namespace cardiograd::kernels {
namespace {

class CudaKernels : public DeviceTest {};

// Every written buffer against the double reference, by the table's rule.
template <KernelSpec Spec>
void expect_agreement(const typename Spec::Shape& shape) {
  const OpCase test = bind_case<Spec>(shape);
  const std::vector<Values> call = random_call(test, 3);
  const std::vector<Values> expected = run(test, Implementation::kReference64, call);
  const std::vector<Values> plain = run(test, Implementation::kReference32, call);
  const std::vector<Values> got = DeviceCall(test, call).run();
  for (std::size_t i = 0; i < call.size(); ++i) {
    if (!is_written(test.buffers[i])) continue;
    const double allowed = allowed_error(Spec::kTolerance, plain[i].real, expected[i].real);
    const double error = relative_error(got[i].real, expected[i].real);
    EXPECT_TRUE(error <= allowed) << Spec::kName << " " << test.buffers[i].name << " at " << test.shape << ": error "
                                  << error << ", allowed " << allowed;
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
  std::vector<Values> call = random_call(backward, 6);
  call[3].real[0] = 1;  // dloss
  const std::vector<double> gradient = DeviceCall(backward, call).run()[4].real;
  std::vector<Values> forward_call(call.begin(), call.begin() + 4);
  forward_call[3].real[0] = NAN;  // loss
  const std::vector<double> loss = DeviceCall(forward, forward_call).run()[3].real;

  // logits, targets, pos_weight, loss, dlogits
  OpCase both = backward;
  both.buffers[3] = forward.buffers[3];
  both.run = [&](Implementation, void* const* at) {
    using Signature = SignatureOf<decltype(&weighted_bce_loss_and_gradient_cuda)>;
    Signature::call<float>(weighted_bce_loss_and_gradient_cuda, shape, at);
  };
  call[3].real[0] = NAN;
  const std::vector<Values> got = DeviceCall(both, call).run();
  EXPECT_EQ(got[3].real, loss);
  EXPECT_EQ(got[4].real, gradient);
}

}  // namespace
}  // namespace cardiograd::kernels
#endif
