// Optimizers, clipping and schedules against PyTorch's values (scripts/golden/optim.py).
#include <cmath>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "engine/autograd.h"
#include "engine/optim/adam.h"
#include "engine/optim/clip.h"
#include "engine/optim/schedule.h"

namespace cardiograd::optim {
namespace {

using nlohmann::json;

json golden() {
  std::ifstream file(std::string(CARDIOGRAD_TESTS_DIR) + "/engine/golden/optim.json");
  return json::parse(file);
}

std::vector<Tensor> tensors_of(const json& values) {
  std::vector<Tensor> tensors;
  for (const json& list : values) {
    const auto floats = list.get<std::vector<float>>();
    tensors.push_back(Tensor::from(floats, {static_cast<std::int64_t>(floats.size())}));
    tensors.back().set_requires_grad(true);
  }
  return tensors;
}

std::vector<nn::NamedTensor> named(std::vector<Tensor>& tensors) {
  std::vector<nn::NamedTensor> result;
  for (std::size_t i = 0; i < tensors.size(); ++i) result.push_back({"p" + std::to_string(i), &tensors[i]});
  return result;
}

void set_gradients(std::vector<Tensor>& tensors, const json& values) {
  std::vector<Tensor> gradients = tensors_of(values);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    tensors[i].clear_grad();
    GradientSlot(tensors[i]).accumulate(gradients[i].detach());
  }
}

void expect_near(const Tensor& got, const json& expected, double tolerance, const std::string& what) {
  ASSERT_EQ(got.count(), static_cast<std::int64_t>(expected.size())) << what;
  for (std::int64_t i = 0; i < got.count(); ++i) {
    const double value = expected[static_cast<std::size_t>(i)];
    EXPECT_TRUE(std::abs(static_cast<double>(got.data()[i]) - value) <= tolerance * (1 + std::abs(value)))
        << what << " [" << i << "]: " << got.data()[i] << ", expected " << value;
  }
}

TEST(Adam, StepsAreThoseOfPyTorch) {
  const json cases = golden().at("optimizers");
  ASSERT_GE(cases.size(), 4U);
  for (const json& c : cases) {
    std::vector<Tensor> parameters = tensors_of(c.at("parameters")[0]);
    Adam adam(named(parameters), {.beta1 = c.at("betas")[0],
                                  .beta2 = c.at("betas")[1],
                                  .epsilon = c.at("eps"),
                                  .weight_decay = c.at("weight_decay"),
                                  .decoupled = c.at("algorithm") == "adamw"});
    for (std::size_t step = 0; step < c.at("gradients").size(); ++step) {
      set_gradients(parameters, c.at("gradients")[step]);
      adam.step(c.at("learning_rates")[step]);
      for (std::size_t i = 0; i < parameters.size(); ++i)
        expect_near(parameters[i], c.at("parameters")[step + 1][i], 1e-6,
                    c.at("name").get<std::string>() + " step " + std::to_string(step));
    }
  }
}

TEST(ClipGradients, NormsAndValuesAreThoseOfPyTorch) {
  const json cases = golden().at("clip_grad_norm");
  for (const json& c : cases) {
    std::vector<Tensor> parameters = tensors_of(c.at("gradients"));
    set_gradients(parameters, c.at("gradients"));
    const auto norm = static_cast<double>(clip_gradients(named(parameters), c.at("max_norm")).data()[0]);
    EXPECT_NEAR(norm, c.at("total_norm").get<double>(), 1e-6 * (1 + norm));
    for (std::size_t i = 0; i < parameters.size(); ++i)
      expect_near(parameters[i].grad(), c.at("clipped")[i], 1e-6, "clipped");
  }
}

TEST(Schedule, RatesAreThoseOfPyTorch) {
  const json cosine_cases = golden().at("cosine_annealing");
  for (const json& c : cosine_cases) {
    const std::int64_t epochs = c.at("epochs");
    for (std::int64_t epoch = 0; epoch <= epochs; ++epoch)
      EXPECT_NEAR(cosine_annealing(c.at("learning_rate"), epoch, epochs, c.at("minimum")),
                  c.at("learning_rates")[static_cast<std::size_t>(epoch)].get<double>(), 1e-15);
  }
  const json one_cycle_cases = golden().at("one_cycle");
  for (const json& c : one_cycle_cases) {
    const std::int64_t steps = c.at("total_steps");
    for (std::int64_t step = 0; step < steps; ++step) {
      const auto i = static_cast<std::size_t>(step);
      EXPECT_NEAR(one_cycle(c.at("max_learning_rate"), step, steps), c.at("learning_rates")[i].get<double>(), 1e-12);
      EXPECT_NEAR(one_cycle_beta1(step, steps), c.at("beta1s")[i].get<double>(), 1e-12);
    }
  }
}

// A run that goes on with larger batches has made more steps than it has now.
TEST(Schedule, OneCycleStaysAtItsEnd) {
  for (const std::int64_t step : {400, 500, 599}) {
    EXPECT_EQ(one_cycle(0.01, step, 400), one_cycle(0.01, 399, 400));
    EXPECT_EQ(one_cycle_beta1(step, 400), one_cycle_beta1(399, 400));
  }
}

}  // namespace
}  // namespace cardiograd::optim
