// Trains a small network on two moons with an installed engine; exit status 1 unless it gets more than 97 % right.
#include <cmath>
#include <cstdio>
#include <vector>

#include "base/philox.h"
#include "engine/autograd.h"
#include "engine/nn/layers.h"
#include "engine/ops/ops.h"
#include "engine/optim/adam.h"

using namespace cardiograd;

int main() {
  constexpr int kPoints = 500;
  PhiloxStream random(1);
  std::vector<float> points, labels;
  for (int i = 0; i < kPoints; ++i) {
    const bool lower = i % 2 == 1;
    const double angle = random.uniform(0, 3.14159265);
    const double x = lower ? 1 - std::cos(angle) : std::cos(angle);
    const double y = lower ? 0.5 - std::sin(angle) : std::sin(angle);
    points.push_back(static_cast<float>(x + random.uniform(-0.1, 0.1)));
    points.push_back(static_cast<float>(y + random.uniform(-0.1, 0.1)));
    labels.push_back(lower ? 1.0F : 0.0F);
  }
  const Tensor x = Tensor::from(points, {kPoints, 2});
  const Tensor y = Tensor::from(labels, {kPoints, 1});
  const Tensor weight = Tensor::full({1}, 1.0F);

  nn::Linear hidden(2, 32, random);
  nn::Linear output(32, 1, random);
  optim::Adam adam_hidden(hidden.parameters());
  optim::Adam adam_output(output.parameters());
  Tensor logits;
  for (int step = 0; step < 500; ++step) {
    hidden.clear_gradients();
    output.clear_gradients();
    logits = output.forward(ops::relu(hidden.forward(x)));
    backward(ops::weighted_bce(logits, y, weight));
    adam_hidden.step(0.02);
    adam_output.step(0.02);
  }
  int right = 0;
  const std::vector<float> values = logits.values();
  for (std::size_t i = 0; i < values.size(); ++i) right += (values[i] > 0) == (labels[i] > 0.5F);
  const double accuracy = static_cast<double>(right) / kPoints;
  std::printf("accuracy %.3f\n", accuracy);
  return accuracy > 0.97 ? 0 : 1;
}
