// The host runs what the GPU does.
#if defined(CARDIOGRAD_SIMT)
#include "kernels/common/divisor.cuh"

#include <gtest/gtest.h>

#include "base/philox.h"

namespace cardiograd::kernels {
namespace {

TEST(Divisor, IsExactUpToThirtyOneBits) {
  PhiloxStream random(3);
  constexpr unsigned kLargest = 0x7FFFFFFFU;
  const auto check = [](std::int64_t number, unsigned n) {
    const Divisor by = divisor_of(number);
    const auto expected = static_cast<unsigned>(n / number);
    EXPECT_EQ(by.quotient(n), expected) << n << " / " << number;
    EXPECT_EQ(by.rest(n), static_cast<unsigned>(n % number)) << n << " % " << number;
  };
  for (std::int64_t number = 1; number < 300; ++number)
    for (unsigned n = 0; n < 700; ++n) check(number, n);
  for (unsigned bit = 0; bit < 31; ++bit) {
    for (const std::int64_t off : {-1, 0, 1}) {
      const std::int64_t number = (std::int64_t{1} << bit) + off;
      if (number < 1) continue;
      check(number, kLargest);
      for (int i = 0; i < 200; ++i) {
        const unsigned multiple =
            random.below(static_cast<unsigned>(kLargest / number + 1)) * static_cast<unsigned>(number);
        check(number, multiple);
        if (multiple > 0) check(number, multiple - 1);
        check(number, random.below(kLargest));
        check(1 + random.below(kLargest), random.below(kLargest));
      }
    }
  }
}

}  // namespace
}  // namespace cardiograd::kernels
#endif
