// The cost that each kernel states, against the operations that its reference makes: the reference runs on numbers that
// count them (counted.h). An operation added to the table is checked without a line here.
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/all_specs.h"
#include "tests/kernels/counted.h"
#include "tests/kernels/op_calls.h"

namespace cardiograd::kernels {
namespace {

constexpr std::uint64_t kShapesPerSpec = 8;

// Operations of one run of the reference on random values.
template <KernelSpec Spec>
double count_operations(const OpCase& test, const typename Spec::Shape& shape, std::uint64_t seed) {
  std::vector<Values> call = random_call(test, seed);
  std::vector<std::vector<Counted>> numbers;
  std::vector<void*> pointers;
  for (Values& values : call) {
    numbers.emplace_back(values.real.begin(), values.real.end());
    if (values.bytes.empty())
      pointers.push_back(numbers.back().data());
    else
      pointers.push_back(values.bytes.data());
  }
  Counted::reset();
  SignatureOf<decltype(Spec::cpu)>::template call<Counted>(Spec::reference, shape, pointers.data());
  return Counted::operations();
}

template <KernelSpec Spec>
typename Spec::Shape draw_shape(std::uint64_t seed) {
  ShapeSampler sampler(seed);
  if constexpr (requires { Spec::flop_sample(sampler); })
    return Spec::flop_sample(sampler);
  else
    return Spec::sample(sampler);
}

template <class Spec>
class Flop : public ::testing::Test {};

struct NameOfSpec {
  template <class Spec>
  static std::string GetName(int) {
    return Spec::kName;
  }
};

TYPED_TEST_SUITE(Flop, AllSpecs<::testing::Types>, NameOfSpec);

TYPED_TEST(Flop, AgreesWithTheOperationsOfTheReference) {
  for (std::uint64_t seed = 300; seed < 300 + kShapesPerSpec; ++seed) {
    const auto shape = draw_shape<TypeParam>(seed);
    const OpCase test = bind_case<TypeParam>(shape);
    const double flop = test.cost.flop;
    const double count = count_operations<TypeParam>(test, shape, seed);
    if constexpr (requires { TypeParam::kFlopFactor; }) {
      // What is done once per element written, such as the division of a mean, may be in one number and not in the
      // other.
      double written = 0;
      for (const BufferSpec& buffer : test.buffers)
        if (is_written(buffer)) written += static_cast<double>(buffer.count());
      EXPECT_TRUE(flop <= TypeParam::kFlopFactor * (count + written)) << test.shape << ": " << flop << " " << count;
      EXPECT_TRUE(count <= TypeParam::kFlopFactor * (flop + written)) << test.shape << ": " << flop << " " << count;
    } else {
      EXPECT_EQ(flop, count) << test.shape << ": cost() says " << flop << " operations, the reference makes " << count;
    }
  }
}

}  // namespace
}  // namespace cardiograd::kernels
