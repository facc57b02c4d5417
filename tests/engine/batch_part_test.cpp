// Parts of a batch give what the whole batch gives.
#include "engine/batch_part.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "engine/autograd.h"
#include "engine/ops/ops.h"
#include "tests/engine/on_cuda.h"
#include "tests/engine/thread_group.h"

namespace cardiograd {
namespace {

using testing::as_ranks;
using testing::random_tensor;

constexpr kernels::DropoutKey kKey = {.probability = 0.3F, .seed = 5, .layer = 2, .step = 3};

// Rows first ... first + count - 1 of a tensor.
Tensor rows_of(const Tensor& tensor, std::int64_t first, std::int64_t count) {
  std::vector<std::int64_t> dims = {count};
  for (int i = 1; i < tensor.shape().dims(); ++i) dims.push_back(tensor.dim(i));
  return tensor.part(first * tensor.count() / tensor.dim(0), Shape(dims)).clone();
}

using Operation = std::function<Tensor(const Tensor& x)>;

// The answers and gradients of x of the whole batch, and of its parts 0 ... 1, 2 ... 4: the same but for rounding.
void expect_parts(const char* name, const Operation& operation, const Shape& shape, Device device) {
  Tensor x = random_tensor(shape, 1).to(device);
  x.set_requires_grad(true);
  const Tensor whole = operation(x);
  const Tensor dy = random_tensor(whole.shape(), 2);
  backward(whole, dy.to(device));
  for (const RankPart& rows : {RankPart{0, 2}, RankPart{2, 5}}) {
    const std::int64_t first = rows.first, count = rows.count();
    const BatchPart part({.first = first}, nullptr);
    Tensor own = rows_of(x.to(Device::kCpu), first, count).to(device);
    own.set_requires_grad(true);
    const Tensor y = operation(own);
    backward(y, rows_of(dy, first, count).to(device));
    const auto expect_near = [&](const Tensor& found, const Tensor& all) {
      const std::vector<float> expected = rows_of(all.to(Device::kCpu), first, count).values();
      const std::vector<float> values = found.values();
      ASSERT_EQ(values.size(), expected.size());
      for (std::size_t i = 0; i < values.size(); ++i)
        ASSERT_TRUE(std::abs(values[i] - expected[i]) <= 1e-5F) << name << " row " << first << " element " << i;
    };
    expect_near(y, whole.detach());
    expect_near(own.grad(), x.grad());
  }
}

// Rows of widths that are multiples of four, and that are not: the GPU has a block of random words for four elements.
void expect_dropouts_of_parts(Device device) {
  expect_parts(
      "dropout", [](const Tensor& x) { return ops::dropout(x, kKey); }, {5, 7, 3}, device);
  expect_parts(
      "dropout", [](const Tensor& x) { return ops::dropout(x, kKey); }, {5, 7, 8}, device);
  for (const std::int64_t width : {3, 8})
    expect_parts(
        "channel_dropout", [](const Tensor& x) { return ops::channel_dropout(x, kKey); }, {5, 7, width}, device);
  expect_parts(
      "attention", [](const Tensor& x) { return ops::attention(x, 2, kKey); }, {5, 6, 24}, device);
  for (const std::int64_t width : {5, 8}) {
    const std::int64_t hidden = width == 5 ? 9 : 12;
    const auto parameter = [&](const Shape& shape, std::uint64_t stream) {
      return random_tensor(shape, stream).to(device);
    };
    const Tensor w1 = parameter({width, hidden}, 3), b1 = parameter({hidden}, 4), w2 = parameter({hidden, width}, 5),
                 b2 = parameter({width}, 6), gamma = parameter({width}, 7);
    for (const Shape& shape : {Shape{5, width}, Shape{5, 3, width}})
      expect_parts(
          "feed_forward",
          [&](const Tensor& x) {
            return ops::feed_forward(x, {w1, b1, ""}, kKey, {w2, b2, ""});
          },
          shape, device);
    const auto none = [&](const Tensor& x) { return Tensor::zeros(x.shape()).to(device); };
    expect_parts(
        "residual_layer_norm",
        [&](const Tensor& x) { return ops::residual_layer_norm(x, b2, none(x), gamma, b2, kKey); }, {5, 3, width},
        device);
    expect_parts(
        "residual_layer_norm_mean",
        [&](const Tensor& x) { return ops::residual_layer_norm_mean(x, b2, none(x), gamma, b2, {}, kKey); },
        {5, 3, width}, device);
  }
}

TEST(BatchPart, DropoutCountsTheElementsOfTheWholeBatch) {
  expect_dropouts_of_parts(Device::kCpu);
}

using CudaBatchPart = testing::CudaTest;

TEST_F(CudaBatchPart, DropoutCountsTheElementsOfTheWholeBatch) {
  expect_dropouts_of_parts(Device::kCuda);
}

// What a batch norm makes of a batch, and its gradients.
struct Normalized {
  std::vector<float> y, dx, dgamma, dbeta, mean, variance;
};

Normalized normalize(const Tensor& x, const Tensor& dy, bool relu) {
  Tensor input = x.clone(), gamma = random_tensor({x.shape().last()}, 3), beta = random_tensor({x.shape().last()}, 4);
  Tensor mean = Tensor::full({x.shape().last()}, 0.5F), variance = Tensor::full({x.shape().last()}, 2);
  for (Tensor* leaf : {&input, &gamma, &beta}) leaf->set_requires_grad(true);
  const Tensor y = ops::batch_norm(input, gamma, beta, mean, variance, {.relu = relu, .training = true});
  backward(y, dy);
  return {y.values(),           input.grad().values(), gamma.grad().values(),
          beta.grad().values(), mean.values(),         variance.values()};
}

void expect_near(const std::vector<float>& found, const std::vector<float>& expected, const char* what) {
  ASSERT_EQ(found.size(), expected.size()) << what;
  for (std::size_t i = 0; i < found.size(); ++i)
    ASSERT_TRUE(std::abs(found[i] - expected[i]) <= 2e-5F * (1 + std::abs(expected[i])))
        << what << " " << i << ": " << found[i] << ", expected " << expected[i];
}

// More ranks than rows too: those without rows compute one that counts for nothing.
TEST(BatchPart, StatisticsOfABatchNormAreThoseOfTheWholeBatch) {
  for (const Shape& shape : {Shape{5, 300, 4}, Shape{5, 4}, Shape{2, 4}})
    for (const int ranks : {2, 3})
      for (const bool relu : {false, true}) {
        const Tensor x = random_tensor(shape, 1), dy = random_tensor(shape, 2);
        const Normalized whole = normalize(x, dy, relu);
        std::vector<Normalized> parts(static_cast<std::size_t>(ranks));
        as_ranks(ranks, [&](ProcessGroup& group) {
          const RankPart own = part_of_rank(shape[0], group.rank(), ranks);
          const bool counts = own.count() > 0;
          const std::int64_t count = std::max<std::int64_t>(own.count(), 1);
          Tensor own_dy = rows_of(dy, counts ? own.first : 0, count);
          if (!counts) own_dy.fill_zero();
          const BatchPart part({.first = own.first, .counts = counts}, &group);
          Normalized& result = parts[static_cast<std::size_t>(group.rank())];
          result = normalize(rows_of(x, counts ? own.first : 0, count), own_dy, relu);
          if (counts) return;
          EXPECT_TRUE(std::all_of(result.dx.begin(), result.dx.end(), [](float v) { return v == 0; }));
          result.y = result.dx = {};
        });
        Normalized joined;
        for (const Normalized& part : parts) {
          joined.y.insert(joined.y.end(), part.y.begin(), part.y.end());
          joined.dx.insert(joined.dx.end(), part.dx.begin(), part.dx.end());
          EXPECT_EQ(part.mean, parts[0].mean);
          EXPECT_EQ(part.variance, parts[0].variance);
          joined.dgamma.resize(part.dgamma.size());
          joined.dbeta.resize(part.dbeta.size());
          for (std::size_t c = 0; c < part.dgamma.size(); ++c) {
            joined.dgamma[c] += part.dgamma[c];
            joined.dbeta[c] += part.dbeta[c];
          }
        }
        expect_near(joined.y, whole.y, "y");
        expect_near(joined.dx, whole.dx, "dx");
        expect_near(joined.dgamma, whole.dgamma, "dgamma");
        expect_near(joined.dbeta, whole.dbeta, "dbeta");
        expect_near(parts[0].mean, whole.mean, "running mean");
        expect_near(parts[0].variance, whole.variance, "running variance");
      }
}

TEST(BatchPart, WithoutAGroupStatisticsAreOfTheRowsAlone) {
  const Tensor x = random_tensor({4, 3}, 1), dy = random_tensor({4, 3}, 2);
  const Normalized whole = normalize(x, dy, false);
  const BatchPart part({.first = 8}, nullptr);
  EXPECT_EQ(normalize(x, dy, false).y, whole.y);
}

}  // namespace
}  // namespace cardiograd
