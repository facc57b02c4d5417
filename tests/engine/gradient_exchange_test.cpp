#include "engine/gradient_exchange.h"

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engine/gradient_slab.h"
#include "engine/ops/ops.h"
#include "tests/common/expect_error.h"
#include "tests/engine/on_cuda.h"
#include "tests/engine/thread_group.h"

namespace cardiograd {
namespace {

using testing::as_ranks;
using testing::expect_error;
using testing::random_tensor;

constexpr int kLayers = 4;
constexpr std::int64_t kWidth = 9;  // no multiple of what a slab pads to

// Layers one behind the other, and a leaf that nothing uses.
struct Net {
  Net() {
    for (int i = 0; i < kLayers; ++i) {
      add({kWidth, kWidth});
      add({kWidth});
    }
    add({5});
    for (Tensor& tensor : tensors) leaves.push_back(&tensor);
    keep_gradients_together(leaves);
  }
  void add(const Shape& shape) {
    tensors.push_back(random_tensor(shape, tensors.size()));
    tensors.back().set_requires_grad(true);
  }
  Tensor forward(int rank) const {
    Tensor y = random_tensor({3, kWidth}, 100 + static_cast<std::uint64_t>(rank));
    for (std::size_t i = 0; i < kLayers; ++i) y = ops::gelu(ops::linear(y, tensors[2 * i], tensors[2 * i + 1]));
    return y;
  }
  std::vector<float> gradients() const { return gradients_together(leaves).values(); }

  std::vector<Tensor> tensors;
  std::vector<Tensor*> leaves;
};

const Tensor& cotangent() {
  static const Tensor values = random_tensor({3, kWidth}, 50);
  return values;
}

constexpr std::int64_t kLayerBytes = 4 * (128 + 64);  // each leaf has a multiple of 64 floats

TEST(GradientExchange, HasTheBitsOfOneSumInBucketsOfAnySize) {
  for (const int ranks : {2, 3}) {
    as_ranks(ranks, [](ProcessGroup& group) {
      const Net whole;
      backward(whole.forward(group.rank()), cotangent());
      Tensor slab = gradients_together(whole.leaves);
      group.sum("gradients", slab.data(), slab.count());
      for (const std::int64_t bytes : {std::int64_t{4}, kLayerBytes, 2 * kLayerBytes, kBucketBytes}) {
        const Net net;
        const std::unique_ptr<GradientExchange> exchange = exchange_between(group, net.leaves, bytes);
        for (int step = 0; step < 2; ++step) {
          clear_gradients(net.leaves);
          exchange->backward(net.forward(group.rank()), cotangent());
          EXPECT_EQ(net.gradients(), slab.values()) << bytes << " " << step;
        }
      }
    });
  }
}

// Remembers what came, with the gradients that were there by then.
class Watched : public GradientExchange {
 public:
  Watched(const Net& net, std::int64_t bytes) : GradientExchange(net.leaves, bytes), net_(net) {}

  std::vector<std::size_t> begun;
  std::vector<int> gradients_then;
  bool finished = false;

 protected:
  void begin(std::size_t number) override {
    begun.push_back(number);
    int there = 0;
    for (const Tensor* leaf : net_.leaves) there += leaf->grad().defined() ? 1 : 0;
    gradients_then.push_back(there);
    finished = false;
  }
  void finish() override { finished = true; }

 private:
  const Net& net_;
};

TEST(GradientExchange, BeginsWithTheLastLayersWhileThoseBeforeAreToCome) {
  const Net net;
  Watched exchange(net, kLayerBytes);
  // The leaf that is not used lies with the last layer, so nothing could go before the end of the backward pass.
  exchange.backward(net.forward(0), cotangent());
  EXPECT_TRUE(exchange.finished);
  EXPECT_EQ(exchange.begun, (std::vector<std::size_t>{0, 1, 2, 3}));
  EXPECT_EQ(exchange.gradients_then, std::vector<int>(4, 2 * kLayers));

  clear_gradients(net.leaves);
  exchange.begun.clear();
  exchange.gradients_then.clear();
  exchange.backward(ops::linear(net.forward(0), random_tensor({kWidth, 5}, 7), net.tensors.back()),
                    random_tensor({3, 5}, 8));
  EXPECT_EQ(exchange.begun, (std::vector<std::size_t>{0, 1, 2, 3}));
  EXPECT_EQ(exchange.gradients_then, (std::vector<int>{3, 5, 7, 9}));
}

TEST(GradientExchange, BucketsHoldEveryGradientOnce) {
  const Net net;
  for (const std::int64_t bytes : {std::int64_t{4}, std::int64_t{400}, kBucketBytes}) {
    Watched exchange(net, bytes);
    Tensor slab = gradients_together(net.leaves);
    slab.fill_zero();
    std::int64_t end = slab.count();
    for (Tensor bucket : exchange.buckets()) {
      end -= bucket.count();
      EXPECT_EQ(bucket.data(), slab.data() + end);
    }
    EXPECT_EQ(end, 0);
    EXPECT_EQ(exchange.buckets().size() == 1, bytes == kBucketBytes);
  }
}

TEST(GradientExchange, NeedsSlabs) {
  Tensor alone = random_tensor({3}, 1);
  alone.set_requires_grad(true);
  expect_error([&] { exchange_between(single_process(), {&alone}); }, {"lies in no slab"});
}

}  // namespace
}  // namespace cardiograd
