// What the first variant of the loss does where the others do not.
#if defined(CARDIOGRAD_DEVICE_CODE)
#include <cmath>
#include <string>
#include <vector>

#include "kernels/weighted_bce/weighted_bce_spec.h"
#include "tests/kernels/device_calls.h"

namespace cardiograd::kernels {
namespace {

class WeightedBceLadder : public DeviceTest {};

// One logit of class 0 with weight 1.
double loss_of(const std::string& variant, double logit, double target) {
  OpCase test = bind_case<WeightedBceLossAndGradient>({.rows = 1, .classes = 1});
  for (const BoundVariant& bound : test.cuda_variants)
    if (bound.name == variant) test.run = [run = bound.run](Implementation, void* const* at) { run(at); };
  std::vector<Values> call = random_call(test, 1);
  call[0].real = {logit};
  call[1].real = {target};
  call[2].real = {1};
  return DeviceCall(test, call).run()[3].real[0];
}

TEST_F(WeightedBceLadder, TheNaiveSoftplusOverflows) {
  EXPECT_NEAR(loss_of("naive", 80, 0), 80, 1e-4);
  EXPECT_TRUE(std::isinf(loss_of("naive", 89, 0)));
  EXPECT_TRUE(std::isinf(loss_of("naive", -89, 1)));
  EXPECT_EQ(loss_of("naive", -20, 0), 0) << "1 + exp(-20) is 1";
  for (const std::string variant : {"stable", "tree", "shipped"}) {
    EXPECT_NEAR(loss_of(variant, 89, 0), 89, 1e-4) << variant;
    EXPECT_NEAR(loss_of(variant, -1000, 1), 1000, 1e-3) << variant;
    EXPECT_NEAR(loss_of(variant, -20, 0), std::exp(-20), 1e-14) << variant;
  }
}

}  // namespace
}  // namespace cardiograd::kernels
#endif
