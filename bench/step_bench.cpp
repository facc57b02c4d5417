// Times a whole training step and inference of HC-CNN-TN on random data: what bench/peers/torch_twin.py --time measures
// of PyTorch. Prints the median and the fastest of each.
//
// Usage: step_bench [THREADS] [STEPS] [DEVICE]
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <vector>

#include <fmt/format.h>

#include "base/threads.h"
#include "engine/autograd.h"
#include "engine/cuda.h"
#include "engine/memory.h"
#include "engine/optim/adam.h"
#include "kernels/gemm/gemm_cpu.h"
#include "model/hc_cnn_tn.h"

namespace cardiograd {
namespace {

constexpr std::int64_t kBatch = 64;

Tensor random_tensor(const Shape& shape, PhiloxStream& random, bool binary = false) {
  Tensor tensor = Tensor::empty(shape);
  for (std::int64_t i = 0; i < tensor.count(); ++i)
    tensor.data()[i] = binary ? static_cast<float>(random.uniform() < 0.25) : static_cast<float>(random.normal());
  return tensor;
}

template <class Work>
void report(const char* name, int repeats, Device device, Work&& work) {
  const auto wait = [device] {
    if (device == Device::kCuda) cuda::synchronize();
  };
  for (int i = 0; i < std::max(2, repeats / 5); ++i) work();
  wait();
  std::vector<double> times;
  for (int i = 0; i < repeats; ++i) {
    const auto start = std::chrono::steady_clock::now();
    work();
    wait();
    times.push_back(1e3 * std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::sort(times.begin(), times.end());
  fmt::print("{}: {:.3f} ms, fastest {:.3f} ms\n", name, times[times.size() / 2], times.front());
}

void run(int repeats, Device device) {
  model::HcCnnTn net({}, 0);
  net.to(device);
  optim::Adam adam(net.parameters());
  PhiloxStream random(1);
  const Tensor signals = random_tensor({kBatch, 1000, 12}, random).to(device);
  const Tensor features = random_tensor({kBatch, 29}, random).to(device);
  const Tensor labels = random_tensor({kBatch, 5}, random, true).to(device);
  const Tensor weight = Tensor::from<float>({1.5F, 1.5F, 1.5F, 1.5F, 1.5F}, {5}).to(device);
  fmt::print("cardiograd {} threads {} {} params {}\n", describe_device(device), thread_count(),
             kernels::gemm_instruction_set(), net.parameter_count());
  std::uint32_t step = 0;
  net.set_training(true);
  report("train step batch 64", repeats, device, [&] {
    net.set_dropout_step(0, step++);
    backward(ops::weighted_bce(net.forward(signals, features), labels, weight));
    adam.step(3e-4);
    net.clear_gradients();
  });
  const MemoryStatistics memory = allocator(device).statistics();
  fmt::print("memory: {:.0f} MB at most in tensors, {:.0f} MB reserved, {} blocks taken\n",
             static_cast<double>(memory.peak_in_use) / 1e6, static_cast<double>(memory.reserved) / 1e6,
             memory.system_allocations);
  net.set_training(false);
  const NoGrad no_grad;
  const Tensor one_signal = random_tensor({1, 1000, 12}, random).to(device);
  const Tensor one_feature = random_tensor({1, 29}, random).to(device);
  report("inference batch 1", repeats, device, [&] { net.forward(one_signal, one_feature); });
  report("inference batch 64", repeats, device, [&] { net.forward(signals, features); });
}

}  // namespace
}  // namespace cardiograd

int main(int argc, char** argv) {
  cardiograd::set_thread_count(argc > 1 ? std::atoi(argv[1]) : 0);
  cardiograd::run(argc > 2 ? std::atoi(argv[2]) : 10, cardiograd::parse_device(argc > 3 ? argv[3] : "cpu"));
  return 0;
}
