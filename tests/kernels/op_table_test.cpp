// Tests of every kernel, made from the op table: nothing here names an operation.
//
// An operation added to the table is tested without a line here: each implementation against the double reference at
// odd sizes with poisoned outputs, equal bits on any number of threads, and each gradient spec against central
// differences of its forward spec in double with a random cotangent.
#include "kernels/op_table.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "base/philox.h"
#include "base/threads.h"
#include "tests/kernels/op_calls.h"

namespace cardiograd::kernels {
namespace {

constexpr int kShapesPerOp = 24;
constexpr int kDirections = 3;

class EveryOp : public ::testing::TestWithParam<Op> {};

TEST_P(EveryOp, AgreesWithTheDoubleReference) {
  const Op& op = GetParam();
  for (std::uint64_t seed = 0; seed < kShapesPerOp; ++seed) {
    const OpCase test = op.sample(seed);
    const std::vector<Values> call = random_call(test, seed);
    const std::vector<Values> expected = run(test, Implementation::kReference64, call);
    const std::vector<Values> plain = run(test, Implementation::kReference32, call);
    const std::vector<Values> got = run(test, Implementation::kCpu, call);
    for (std::size_t i = 0; i < test.buffers.size(); ++i) {
      if (!is_written(test.buffers[i])) continue;
      EXPECT_EQ(got[i].bytes, expected[i].bytes) << test.shape;
      const double allowed = allowed_error(test.tolerance, plain[i].real, expected[i].real);
      const double error = relative_error(got[i].real, expected[i].real);
      EXPECT_TRUE(error <= allowed) << op.name << " " << test.buffers[i].name << " at " << test.shape << ": error "
                                    << error << ", allowed " << allowed;
    }
  }
}

TEST_P(EveryOp, WritesTheSameBitsOnAnyNumberOfThreads) {
  const Op& op = GetParam();
  const int before = thread_count();
  for (std::uint64_t seed = 100; seed < 100 + kShapesPerOp; ++seed) {
    const OpCase test = op.sample(seed);
    const std::vector<Values> call = random_call(test, seed);
    set_thread_count(1);
    const std::vector<Values> one = run(test, Implementation::kCpu, call);
    for (const int threads : {2, 3}) {
      set_thread_count(threads);
      const std::vector<Values> more = run(test, Implementation::kCpu, call);
      for (std::size_t i = 0; i < call.size(); ++i)
        EXPECT_TRUE(one[i].real.empty() ||
                    0 == std::memcmp(one[i].real.data(), more[i].real.data(), one[i].real.size() * sizeof(double)))
            << op.name << " " << test.buffers[i].name << " at " << test.shape << ", " << threads << " threads";
    }
  }
  set_thread_count(before);
}

const Op& find_op(const std::string& name) {
  for (const Op& op : op_table())
    if (op.name == name) return op;
  throw std::out_of_range(name);
}

std::map<std::string_view, std::size_t> index_by_name(const OpCase& test) {
  std::map<std::string_view, std::size_t> index;
  for (std::size_t i = 0; i < test.buffers.size(); ++i) index[test.buffers[i].name] = i;
  return index;
}

TEST_P(EveryOp, GradientAgreesWithCentralDifferences) {
  const Op& op = GetParam();
  if (op.gradient_of.empty()) GTEST_SKIP() << "a forward operation";
  const Op& forward_op = find_op(op.gradient_of);
  int checked = 0;
  for (std::uint64_t seed = 200; seed < 200 + kShapesPerOp; ++seed) {
    const OpCase forward = forward_op.gradient_sample(seed);
    const OpCase backward = op.gradient_sample(seed);
    ASSERT_EQ(forward.shape, backward.shape) << "forward and backward specs must draw the same shapes";
    const std::vector<Values> inputs = random_call(forward, seed);
    const std::vector<Values> outputs = run(forward, Implementation::kReference64, inputs);
    const auto forward_index = index_by_name(forward);

    // The backward call: what the forward read or wrote by name, random cotangents, gradients starting from zero.
    std::vector<Values> call = random_call(backward, seed + 1);
    std::map<std::size_t, std::size_t> cotangent_of;  // forward output -> backward input
    for (std::size_t i = 0; i < backward.buffers.size(); ++i) {
      const std::string_view name = backward.buffers[i].name;
      if (const auto same = forward_index.find(name); same != forward_index.end()) call[i] = outputs[same->second];
      if (backward.buffers[i].role == Role::kAccumulate) std::fill(call[i].real.begin(), call[i].real.end(), 0.0);
      if (backward.buffers[i].role == Role::kInput && name.starts_with("d") && forward_index.contains(name.substr(1)))
        cotangent_of[forward_index.at(name.substr(1))] = i;
    }
    ASSERT_FALSE(cotangent_of.empty()) << op.name << ": no cotangent";
    const std::vector<Values> gradients = run(backward, Implementation::kReference64, call);

    for (std::size_t i = 0; i < backward.buffers.size(); ++i) {
      if (!is_written(backward.buffers[i])) continue;
      const std::size_t variable = forward_index.at(backward.buffers[i].name.substr(1));
      for (int direction = 0; direction < kDirections; ++direction) {
        PhiloxStream stream(seed, 1000 + static_cast<std::uint64_t>(direction));
        std::vector<double> step(inputs[variable].real.size());
        for (double& value : step) value = stream.normal();
        const auto loss = [&](double scale) {
          std::vector<Values> moved = inputs;
          for (std::size_t j = 0; j < step.size(); ++j) moved[variable].real[j] += scale * step[j];
          const std::vector<Values> result = run(forward, Implementation::kReference64, moved);
          double sum = 0;
          for (const auto& [output, cotangent] : cotangent_of)
            for (std::size_t j = 0; j < result[output].real.size(); ++j)
              sum += result[output].real[j] * call[cotangent].real[j];
          return sum;
        };
        const double epsilon = 1e-6;
        const double numeric = (loss(epsilon) - loss(-epsilon)) / (2 * epsilon);
        double analytic = 0;
        double scale = 0;
        for (std::size_t j = 0; j < step.size(); ++j) {
          analytic += gradients[i].real[j] * step[j];
          scale += gradients[i].real[j] * gradients[i].real[j];
        }
        const double allowed = 1e-6 * (1 + std::sqrt(scale));
        EXPECT_TRUE(std::abs(numeric - analytic) <= allowed)
            << op.name << " " << backward.buffers[i].name << " at " << forward.shape << ": numeric " << numeric
            << ", analytic " << analytic;
        ++checked;
      }
    }
  }
  EXPECT_GT(checked, 0);
}

INSTANTIATE_TEST_SUITE_P(Kernels, EveryOp, ::testing::ValuesIn(op_table()),
                         [](const auto& test) { return test.param.name; });

// An infinite value of the plain float loops must not allow an infinite error.
TEST(OpTable, NoErrorIsAllowedWhereTheFloatReferenceOverflows) {
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_FALSE(0 <= allowed_error(1e-6, {1, infinity}, {1, 2}));
  EXPECT_EQ(allowed_error(1e-6, {1, 2}, {1, 2}), 1e-6);
  EXPECT_TRUE(allowed_error(1e-6, {1, 1.9}, {1, 2}) > 0.08);
}

TEST(OpTable, EveryOpHasAWorkloadThatMovesBytes) {
  for (const Op& op : op_table()) {
    EXPECT_FALSE(op.workload().empty()) << op.name;
    for (const OpCase& work : op.workload()) EXPECT_TRUE(work.cost.bytes > 0) << op.name;
    if (!op.gradient_of.empty()) {
      EXPECT_NO_THROW(find_op(op.gradient_of));
    }
  }
}

}  // namespace
}  // namespace cardiograd::kernels
