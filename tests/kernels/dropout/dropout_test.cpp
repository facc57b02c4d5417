#include "kernels/dropout/dropout.h"

#include <cstdint>

#include <gtest/gtest.h>

#include "kernels/dropout/dropout_ref.h"

namespace cardiograd::kernels {
namespace {

// Groups of factors are made whole: a range may begin and end within one, and its counter may need more than 32 bits.
TEST(Dropout, RangesAnywhereHaveTheFactorsOfTheirElements) {
  DropoutKey key = {.probability = 0.3F, .seed = 0x0123456789ABCDEFU, .layer = 7, .step = 9};
  for (const std::int64_t shift : {0, 5}) {
    key.first = shift;
    for (const std::int64_t first : {std::int64_t{0}, std::int64_t{3}, std::int64_t{127}, std::int64_t{128},
                                     (std::int64_t{1} << 34) - 130, std::int64_t{5} << 36}) {
      for (const std::int64_t count : {1, 64, 131, 300}) {
        const float* factors = dropout_factors_cpu(key, first, count);
        for (std::int64_t i = 0; i < count; ++i)
          ASSERT_EQ(factors[i], dropout_keeps(key, first + i) ? dropout_scale(key.probability) : 0.0F)
              << "element " << i << " from " << first;
      }
    }
  }
}

}  // namespace
}  // namespace cardiograd::kernels
