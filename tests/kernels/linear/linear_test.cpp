// The shipped kernels and the variants of the linear layer at aligned shapes, with everything that may be behind a
// product; the op table's random offsets mostly miss their fast kernels.
#include "kernels/linear/linear.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/op_table.h"
#include "tests/kernels/op_calls.h"

namespace cardiograd::kernels {
namespace {

TEST(Linear, ChoosesSmallTilesWhereLargeOnesWouldBeFew) {
  EXPECT_TRUE(linear_is_small(64, 768));
  EXPECT_FALSE(linear_is_small(8000, 256));
  EXPECT_TRUE(linear_backward_is_small({.rows = 64, .inputs = 320, .outputs = 128}));
  EXPECT_FALSE(linear_backward_is_small({.rows = 8000, .inputs = 64, .outputs = 64}));
}

}  // namespace
}  // namespace cardiograd::kernels

#if defined(CARDIOGRAD_DEVICE_CODE)
#include "tests/kernels/device_calls.h"

namespace cardiograd::kernels {
namespace {

class LinearVariants : public DeviceTest {
 protected:
#if defined(CARDIOGRAD_SIMT)
  void TearDown() override {
    simt::settings() = {};
  }
#endif
};

// The shipped kernels and their variants.
std::vector<OpCase> versions(const OpCase& shipped) {
  std::vector<OpCase> all = {shipped};
  all.back().shape += ", " + shipped.path;
  for (const BoundVariant& variant : shipped.cuda_variants) {
    all.push_back(shipped);
    all.back().shape += ", " + variant.name;
    all.back().tolerance = std::max(shipped.tolerance, variant.tolerance);
    all.back().run = [run = variant.run](Implementation, void* const* pointers) { run(pointers); };
  }
  return all;
}

void expect_reference(const std::string& name, const OpCase& test, const std::vector<Values>& call,
                      const std::vector<Values>& expected, const std::vector<Values>& plain) {
  const std::vector<Values> got = DeviceCall(test, call).run();
  for (std::size_t i = 0; i < call.size(); ++i) {
    if (!is_written(test.buffers[i])) continue;
    const double error = relative_error(got[i].real, expected[i].real);
    const double allowed = allowed_error(test.tolerance, plain[i].real, expected[i].real);
    EXPECT_TRUE(error <= allowed) << name << ", " << test.buffers[i].name << " at " << test.shape << ": error " << error
                                  << ", allowed " << allowed;
  }
}

// In the order of threads and blocks that is set.
void expect_references(const LinearShape& s) {
  for (const char* name : {"linear_forward", "linear_backward_input", "linear_backward_weight", "linear_backward"}) {
    const OpCase test = find_op(name)->bind(&s);
    std::vector<Values> call = random_call(test, 1);
    for (Values& values : call) values.offset = 0;
    const std::vector<Values> expected = run(test, Implementation::kReference64, call);
    const std::vector<Values> plain = run(test, Implementation::kReference32, call);
    for (const OpCase& version : versions(test)) expect_reference(name, version, call, expected, plain);
  }
}

std::vector<LinearShape> aligned_shapes() {
  const DropoutKey dropout = {.probability = 0.25F, .seed = 5, .layer = 1, .step = 7};
  std::vector<LinearShape> shapes;
  for (const Precision precision : {Precision::kFp32, Precision::kTf32, Precision::kBf16})
    for (const LinearShape& plain : {LinearShape{130, 32, 68}, LinearShape{257, 12, 64}, LinearShape{64, 320, 128},
                                     LinearShape{700, 20, 4}, LinearShape{2500, 132, 20}}) {
      LinearShape s = plain;
      s.precision = precision;
      shapes.push_back(s);
      s.relu = s.masked = true;
      s.dropout = dropout;
      shapes.push_back(s);
    }
  for (LinearShape s : {LinearShape{130, 32, 68}, LinearShape{2500, 20, 12}}) {
    s.adds = s.relu = true;
    shapes.push_back(s);
  }
  return shapes;
}

TEST_F(LinearVariants, ReluMakesNegativeInfinityZeroAndKeepsNan) {
  for (const std::int64_t rows : {6, 2600}) {  // small tiles and large ones
    const LinearShape s = {.rows = rows, .inputs = 32, .outputs = 64, .relu = true};
    const OpCase test = find_op("linear_forward")->bind(&s);
    std::vector<Values> call = random_call(test, 1);
    for (Values& values : call) {
      values.offset = 0;
      std::fill(values.real.begin(), values.real.end(), 1.0);
    }
    call[0].real[0] = -std::numeric_limits<double>::infinity();
    call[0].real[32] = std::numeric_limits<double>::quiet_NaN();
    call[0].real[64] = std::numeric_limits<double>::infinity();
    for (const OpCase& version : versions(test)) {
      const std::vector<double> y = DeviceCall(version, call).run()[3].real;
      for (std::size_t column = 0; column < 64; ++column) {
        EXPECT_EQ(y[column], 0.0) << version.shape;
        EXPECT_TRUE(std::isnan(y[64 + column])) << version.shape;
        EXPECT_EQ(y[128 + column], std::numeric_limits<double>::infinity()) << version.shape;
        EXPECT_EQ(y[192 + column], 33.0) << version.shape;
      }
    }
  }
}

TEST_F(LinearVariants, AgreeWithTheReferenceAtAlignedShapes) {
  for (const LinearShape& s : aligned_shapes()) expect_references(s);
}

#if defined(CARDIOGRAD_SIMT)
TEST_F(LinearVariants, AgreeWithTheReferenceInEveryOrder) {
  for (const simt::Order order : {simt::Order::kReverse, simt::Order::kRandom}) {
    simt::settings() = {.order = order, .seed = 3};
    for (LinearShape s : {LinearShape{300, 36, 68}, LinearShape{2500, 20, 12}}) {
      s.relu = s.masked = true;
      s.dropout = {.probability = 0.25F, .seed = 5};
      expect_references(s);
    }
  }
}
#endif

}  // namespace
}  // namespace cardiograd::kernels

#endif
