// Two moons: a small network learns to tell two interleaved half circles apart. The engine alone, no ECG.
//
//   two_moons     prints the loss while it falls and the accuracy on new points; exit status 1 below 97 %
#include <cmath>
#include <numbers>
#include <vector>

#include <fmt/format.h>

#include "base/threads.h"
#include "engine/autograd.h"
#include "engine/nn/layers.h"
#include "engine/optim/adam.h"

using namespace cardiograd;

namespace {

struct Moons {
  Tensor points;  // (N, 2)
  Tensor labels;  // (N, 1): 0 for the upper moon, 1 for the lower one
};

Moons draw_moons(std::int64_t count, PhiloxStream& random) {
  constexpr double kNoise = 0.15;
  std::vector<float> points;
  std::vector<float> labels;
  for (std::int64_t i = 0; i < count; ++i) {
    const bool lower = i % 2 == 1;
    const double angle = std::numbers::pi * random.uniform();
    const double x = lower ? 1 - std::cos(angle) : std::cos(angle);
    const double y = lower ? 0.5 - std::sin(angle) : std::sin(angle);
    points.push_back(static_cast<float>(x + kNoise * random.normal()));
    points.push_back(static_cast<float>(y + kNoise * random.normal()));
    labels.push_back(lower ? 1.0F : 0.0F);
  }
  return {Tensor::from(points, {count, 2}), Tensor::from(labels, {count, 1})};
}

}  // namespace

int main() {
  set_thread_count(1);  // There is too little work to divide.
  PhiloxStream random(0);
  const Moons train = draw_moons(1000, random);
  const Moons test = draw_moons(1000, random);

  nn::Sequential net;
  net.append<nn::Linear>("0", 2, 32, random);
  net.append<nn::BatchNorm1d>("1", 32, /*relu=*/true);
  net.append<nn::Linear>("2", 32, 32, random);
  net.append<nn::Relu>("3");
  net.append<nn::Linear>("4", 32, 1, random);

  optim::Adam optimizer(net.parameters());
  net.set_training(true);
  for (int step = 0; step <= 200; ++step) {
    const Tensor loss = ops::bce_with_logits(net.forward(train.points), train.labels);
    backward(loss);
    optimizer.step(0.01);
    net.clear_gradients();
    if (step % 40 == 0) fmt::print("step {:3}  loss {:.4f}\n", step, loss.item());
  }

  const NoGrad no_grad;
  net.set_training(false);
  const std::vector<float> logits = net.forward(test.points).values();
  int right = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) right += (logits[i] > 0) == (test.labels.data()[i] == 1) ? 1 : 0;
  const double accuracy = right / static_cast<double>(logits.size());
  fmt::print("accuracy {:.3f}\n", accuracy);
  return accuracy > 0.97 ? 0 : 1;
}
