// Adam and clipping on the GPU against the CPU.
#include "engine/autograd.h"
#include "engine/memory.h"
#include "engine/optim/adam.h"
#include "engine/optim/clip.h"
#include "tests/engine/on_cuda.h"

namespace cardiograd::optim {
namespace {

using testing::expect_close;
using testing::random_tensor;

// Some parameters on a device, sizes around those of a block of the kernel.
struct Parameters {
  explicit Parameters(Device device) {
    std::uint64_t stream = 0;
    for (const Shape& shape : {Shape{3}, Shape{2048}, Shape{1}, Shape{2049}, Shape{41, 101}, Shape{7}}) {
      tensors.push_back(random_tensor(shape, ++stream).to(device));
      tensors.back().set_requires_grad(true);
    }
    for (Tensor& tensor : tensors) named.push_back({"p" + std::to_string(named.size()), &tensor});
  }
  void set_gradients(std::uint64_t step) {
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      tensors[i].clear_grad();
      if (i != 5)  // one without a gradient
        GradientSlot(tensors[i]).accumulate(random_tensor(tensors[i].shape(), 100 * step + i).to(tensors[i].device()));
    }
  }
  std::vector<Tensor> tensors;
  std::vector<nn::NamedTensor> named;
};

void expect_same(const Parameters& a, const Parameters& b, double tolerance, const std::string& what) {
  for (std::size_t i = 0; i < a.tensors.size(); ++i)
    expect_close(a.tensors[i], b.tensors[i], tolerance, what + ", parameter " + std::to_string(i));
}

class CudaOptim : public testing::CudaTest {};

TEST_F(CudaOptim, AdamEqualsTheCpu) {
  for (const bool decoupled : {false, true}) {
    Parameters cpu(Device::kCpu);
    Parameters cuda(Device::kCuda);
    const AdamOptions options = {.weight_decay = 0.02, .decoupled = decoupled};
    Adam on_cpu(cpu.named, options);
    Adam on_cuda(cuda.named, options);
    for (std::uint64_t step = 0; step < 5; ++step) {
      cpu.set_gradients(step);
      cuda.set_gradients(step);
      const double rate = step < 3 ? 0.01 : 0.003;
      for (Adam* adam : {&on_cpu, &on_cuda}) adam->set_beta1(step < 2 ? 0.9 : 0.9 - 0.02 * static_cast<double>(step));
      on_cpu.step(rate);
      on_cuda.step(rate);
      expect_same(cuda, cpu, 1e-6, "step " + std::to_string(step));
    }
    const auto state_cpu = on_cpu.state();
    const auto state_cuda = on_cuda.state();
    ASSERT_EQ(state_cpu.size(), state_cuda.size());
    for (std::size_t i = 0; i < state_cpu.size(); ++i)
      expect_close(*state_cuda[i].tensor, *state_cpu[i].tensor, 1e-6, state_cuda[i].name);
  }
}

// Three steps, then the state in another optimizer, then two: the bits of five.
TEST_F(CudaOptim, AdamGoesOnFromItsState) {
  Parameters whole(Device::kCuda);
  Parameters parts(Device::kCuda);
  Adam five(whole.named);
  Adam three(parts.named);
  for (std::uint64_t step = 0; step < 5; ++step) {
    whole.set_gradients(step);
    five.step(0.01);
    if (step >= 3) continue;
    parts.set_gradients(step);
    three.step(0.01);
  }
  Adam two(parts.named);
  const auto from = three.state();
  const auto to = two.state();
  for (std::size_t i = 0; i < to.size(); ++i) to[i].tensor->assign(from[i].tensor->to(Device::kCpu));
  two.set_steps(three.steps());
  for (std::uint64_t step = 3; step < 5; ++step) {
    parts.set_gradients(step);
    two.step(0.01);
  }
  EXPECT_EQ(two.steps(), 5);
  for (std::size_t i = 0; i < whole.tensors.size(); ++i)
    EXPECT_EQ(parts.tensors[i].values(), whole.tensors[i].values()) << i;
}

TEST_F(CudaOptim, ALossThatIsNotFiniteStopsAdam) {
  for (const Device device : {Device::kCpu, Device::kCuda}) {
    for (const float bad : {NAN, INFINITY, -INFINITY}) {
      Parameters parameters(device);
      Adam adam(parameters.named);
      parameters.set_gradients(1);
      adam.step(0.01, Tensor::full({1}, 0.5F, device));
      const std::vector<float> before = parameters.tensors[3].values();
      EXPECT_NE(before, random_tensor({2049}, 4).values()) << "the first step was made";
      adam.step(0.01, Tensor::full({1}, bad, device));
      adam.step(0.01, Tensor::full({1}, 0.5F, device));
      EXPECT_EQ(parameters.tensors[3].values(), before) << device_name(device);
      adam.set_steps(1);
      adam.step(0.01, Tensor::full({1}, 0.5F, device));
      EXPECT_NE(parameters.tensors[3].values(), before) << device_name(device);
    }
  }
}

TEST_F(CudaOptim, ClippingEqualsTheCpu) {
  for (const double largest : {0.5, 1e6}) {
    Parameters cpu(Device::kCpu);
    Parameters cuda(Device::kCuda);
    cpu.set_gradients(1);
    cuda.set_gradients(1);
    expect_close(clip_gradients(cuda.named, largest), clip_gradients(cpu.named, largest), 1e-6, "norm");
    for (std::size_t i = 0; i < 5; ++i)
      expect_close(cuda.tensors[i].grad(), cpu.tensors[i].grad(), 1e-6, "gradient " + std::to_string(i));
    EXPECT_FALSE(cuda.tensors[5].grad().defined());
  }
}

}  // namespace
}  // namespace cardiograd::optim
