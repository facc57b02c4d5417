// What the first variant of batch normalization does where the others do not.
#if defined(CARDIOGRAD_DEVICE_CODE)
#include <cmath>
#include <vector>

#include "kernels/batch_norm/batch_norm_spec.h"
#include "tests/kernels/device_calls.h"

namespace cardiograd::kernels {
namespace {

class BatchNormLadder : public DeviceTest {};

// The relative error of the variance that `run` computes for normal values about `center`.
double variance_error(decltype(&batch_norm_forward_cuda) run, double center) {
  const BatchNormShape shape = {.rows = 1000, .channels = 5};
  OpCase test = bind_case<BatchNormForward>(shape);
  std::vector<Values> call = random_call(test, 4);
  for (double& x : call[0].real) x = static_cast<double>(static_cast<float>(center + x));
  const std::vector<Values> expected = cardiograd::kernels::run(test, Implementation::kReference64, call);
  test.run = [&](Implementation, void* const* at) { SignatureOf<decltype(run)>::template call<float>(run, shape, at); };
  const std::vector<Values> got = DeviceCall(test, call).run();
  constexpr std::size_t kVariance = 7;
  return relative_error(got[kVariance].real, expected[kVariance].real);
}

TEST_F(BatchNormLadder, SumsOfSquaresLoseASmallVarianceBesideALargeMean) {
  EXPECT_TRUE(variance_error(batch_norm_forward_sum_of_squares, 0) <= 1e-5);
  EXPECT_TRUE(variance_error(batch_norm_forward_sum_of_squares, 100) >= 1e-3) << "three of seven digits are left";
  EXPECT_TRUE(variance_error(batch_norm_forward_sum_of_squares, 10000) >= 0.5) << "no digit is left";
  for (const auto& variant : BatchNormForward::cuda_variants)
    EXPECT_TRUE(variance_error(variant.run, 10000) <= 1e-5) << variant.name;
  EXPECT_TRUE(variance_error(batch_norm_forward_cuda, 10000) <= 1e-6);
}

}  // namespace
}  // namespace cardiograd::kernels
#endif
