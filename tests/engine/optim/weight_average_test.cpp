#include "engine/optim/weight_average.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "tests/engine/on_cuda.h"

namespace cardiograd::optim {
namespace {

using cardiograd::testing::CudaTest;
using cardiograd::testing::random_tensor;

// Three weights of odd and even sizes that change in every step.
struct Weights {
  explicit Weights(Device device) {
    for (const std::int64_t count : {1, 5000, 37}) tensors.push_back(random_tensor({count}, 1).to(device));
    for (Tensor& tensor : tensors) named.push_back({"w" + std::to_string(named.size()), &tensor});
  }
  void change(std::uint64_t step) {
    for (Tensor& tensor : tensors) tensor.assign(random_tensor(tensor.shape(), 10 + step).to(tensor.device()));
  }
  std::vector<float> values(std::size_t i) const { return tensors[i].values(); }

  std::vector<Tensor> tensors;
  std::vector<nn::NamedTensor> named;
};

TEST(WeightAverage, IsTheSumThatItsRatesMake) {
  Weights weights(Device::kCpu);
  std::vector<double> expected;
  for (const float value : weights.values(1)) expected.push_back(static_cast<double>(value));
  WeightAverage average(weights.named, 0.6);
  for (std::int64_t step = 0; step < 20; ++step) {
    weights.change(static_cast<std::uint64_t>(step));
    average.update(step);
    // (1 + step) / (10 + step) reaches 0.6 at step 12.5.
    const double decay = step < 13 ? (1.0 + static_cast<double>(step)) / (10.0 + static_cast<double>(step)) : 0.6;
    const std::vector<float> now = weights.values(1);
    for (std::size_t i = 0; i < now.size(); ++i)
      expected[i] = decay * expected[i] + (1 - decay) * static_cast<double>(now[i]);
  }
  const std::vector<float> found = average.state()[1].tensor->values();
  EXPECT_EQ(average.state()[1].name, "w1");
  for (std::size_t i = 0; i < found.size(); ++i) ASSERT_NEAR(found[i], expected[i], 1e-6) << i;
}

TEST(WeightAverage, ChangesPlacesAndComesBack) {
  Weights weights(Device::kCpu);
  WeightAverage average(weights.named, 0.9);
  weights.change(1);
  average.update(0);
  const std::vector<float> before = weights.values(2), averaged = average.state()[2].tensor->values();
  EXPECT_NE(before, averaged);
  {
    const AveragedWeights scope(&average);
    EXPECT_EQ(weights.values(2), averaged);
    EXPECT_EQ(average.state()[2].tensor->values(), before);
  }
  EXPECT_EQ(weights.values(2), before);
  EXPECT_EQ(average.state()[2].tensor->values(), averaged);
  const AveragedWeights none(nullptr);
  EXPECT_EQ(weights.values(2), before);
}

class CudaWeightAverage : public CudaTest {};

TEST_F(CudaWeightAverage, HasTheBitsOfTheCpuAlsoWithTheStepInItsMemory) {
  Weights cpu(Device::kCpu), gpu(Device::kCuda), recorded(Device::kCuda);
  WeightAverage on_cpu(cpu.named, 0.5), on_gpu(gpu.named, 0.5), at(recorded.named, 0.5);
  for (std::int32_t step = 0; step < 12; ++step) {
    for (Weights* weights : {&cpu, &gpu, &recorded}) weights->change(static_cast<std::uint64_t>(step));
    on_cpu.update(step);
    on_gpu.update(step);
    const Tensor done = Tensor::from(std::vector<std::int32_t>{step + 1}, {1}).to(Device::kCuda);
    at.update_at(reinterpret_cast<const std::uint32_t*>(done.address<std::int32_t>()));
    for (std::size_t i = 0; i < 3; ++i) {
      ASSERT_EQ(on_gpu.state()[i].tensor->values(), on_cpu.state()[i].tensor->values()) << step;
      ASSERT_EQ(at.state()[i].tensor->values(), on_cpu.state()[i].tensor->values()) << step;
    }
  }
}

}  // namespace
}  // namespace cardiograd::optim
