#include "model/attribution.h"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "base/error.h"
#include "engine/autograd.h"

namespace cardiograd::model {
namespace {

// Evaluation mode, and no gradients of the weights, while it lives.
class FrozenModel {
 public:
  explicit FrozenModel(Model& net) : net_(net), was_training_(net.training()) {
    net.set_training(false);
    for (const nn::NamedTensor& parameter : net.parameters()) parameter.tensor->set_requires_grad(false);
  }
  ~FrozenModel() {
    net_.set_training(was_training_);
    for (const nn::NamedTensor& parameter : net_.parameters()) parameter.tensor->set_requires_grad(true);
  }
  FrozenModel(const FrozenModel&) = delete;
  FrozenModel& operator=(const FrozenModel&) = delete;

 private:
  Model& net_;
  bool was_training_;
};

void check(const Model& net, const ExplainedCase& c) {
  const DataShape& shape = net.shape();
  expect_shape("attribution", "signals", c.signals, {1, shape.samples, shape.leads});
  if (shape.features > 0) expect_shape("attribution", "features", c.features, {1, shape.features});
  if (c.target < 0 || c.target >= shape.classes)
    throw Error(fmt::format("class {} cannot be explained, the model has {}", c.target, shape.classes),
                "Name one of the model's classes.");
}

// `count` copies of the one record in `x`, each times its factor.
Tensor scaled_copies(const Tensor& x, const std::vector<double>& factors) {
  Tensor copies =
      Tensor::empty(x.shape().dims() == 3 ? Shape{static_cast<std::int64_t>(factors.size()), x.dim(1), x.dim(2)}
                                          : Shape{static_cast<std::int64_t>(factors.size()), x.dim(1)});
  for (std::size_t i = 0; i < factors.size(); ++i)
    for (std::int64_t j = 0; j < x.count(); ++j)
      copies.data()[static_cast<std::int64_t>(i) * x.count() + j] =
          static_cast<float>(factors[i] * static_cast<double>(x.data()[j]));
  return copies;
}

// The logits of one class, one for each record.
std::vector<double> logits_of(Model& net, const Tensor& signals, const Tensor& features, std::int64_t target) {
  const NoGrad no_grad;
  const Tensor logits = net.forward(signals, features);
  std::vector<double> values;
  for (std::int64_t n = 0; n < logits.dim(0); ++n)
    values.push_back(static_cast<double>(logits.data()[n * logits.dim(1) + target]));
  return values;
}

// Adds the gradients of the class's logit, summed over the records, to `signals` and `features`.
void add_gradients(Model& net, Tensor x, Tensor f, std::int64_t target, std::vector<double>& signals,
                   std::vector<double>& features) {
  x.set_requires_grad(true);
  if (f.defined()) f.set_requires_grad(true);
  const Tensor logits = net.forward(x, f);
  Tensor chosen = Tensor::zeros(logits.shape());
  for (std::int64_t n = 0; n < logits.dim(0); ++n) chosen.data()[n * logits.dim(1) + target] = 1;
  backward(logits, chosen);
  const auto add = [](const Tensor& gradient, std::vector<double>& to) {
    const auto count = static_cast<std::int64_t>(to.size());
    for (std::int64_t i = 0; i < gradient.count(); ++i)
      to[static_cast<std::size_t>(i % count)] += static_cast<double>(gradient.data()[i]);
  };
  add(x.grad(), signals);
  if (f.defined()) add(f.grad(), features);
}

}  // namespace

double Attribution::missed() const {
  return std::accumulate(signals.begin(), signals.end(), 0.0) + std::accumulate(features.begin(), features.end(), 0.0) -
         (logit - baseline_logit);
}

Attribution integrated_gradients(Model& net, const ExplainedCase& c, const IntegrationSettings& settings) {
  check(net, c);
  if (settings.steps < 1 || settings.batch_size < 1)
    throw Error(fmt::format("integrated gradients with {} steps, {} at once: expected 1 or more", settings.steps,
                            settings.batch_size),
                "Use the defaults.");
  const FrozenModel frozen(net);
  const bool with_features = net.shape().features > 0;
  Attribution result;
  result.signals.resize(static_cast<std::size_t>(c.signals.count()));
  result.features.resize(static_cast<std::size_t>(net.shape().features));
  for (std::int64_t first = 0; first < settings.steps; first += settings.batch_size) {
    std::vector<double> factors;
    for (std::int64_t i = first; i < std::min(first + settings.batch_size, settings.steps); ++i)
      factors.push_back((static_cast<double>(i) + 0.5) / static_cast<double>(settings.steps));
    add_gradients(net, scaled_copies(c.signals, factors), with_features ? scaled_copies(c.features, factors) : Tensor(),
                  c.target, result.signals, result.features);
  }
  const auto contribution = [&](const Tensor& x, std::vector<double>& sums) {
    for (std::size_t i = 0; i < sums.size(); ++i)
      sums[i] *= static_cast<double>(x.data()[static_cast<std::int64_t>(i)]) / static_cast<double>(settings.steps);
  };
  contribution(c.signals, result.signals);
  if (with_features) contribution(c.features, result.features);
  const std::vector<double> ends = {0, 1};
  const std::vector<double> logits = logits_of(net, scaled_copies(c.signals, ends),
                                               with_features ? scaled_copies(c.features, ends) : Tensor(), c.target);
  result.baseline_logit = logits[0];
  result.logit = logits[1];
  return result;
}

std::vector<double> plain_gradient(Model& net, const ExplainedCase& c) {
  check(net, c);
  const FrozenModel frozen(net);
  std::vector<double> signals(static_cast<std::size_t>(c.signals.count()));
  std::vector<double> features(static_cast<std::size_t>(net.shape().features));
  add_gradients(net, c.signals.clone(), net.shape().features > 0 ? c.features.clone() : Tensor(), c.target, signals,
                features);
  return signals;
}

std::vector<double> occlusion(Model& net, const ExplainedCase& c, std::int64_t window, std::int64_t batch_size) {
  check(net, c);
  if (window < 1 || batch_size < 1)
    throw Error(fmt::format("occlusion of {} samples, {} at once: expected 1 or more", window, batch_size),
                "Use a window of some tens of milliseconds.");
  const FrozenModel frozen(net);
  const DataShape& shape = net.shape();
  const std::int64_t windows = (shape.samples + window - 1) / window;
  const double whole = logits_of(net, c.signals, c.features, c.target).front();
  std::vector<double> falls;
  for (std::int64_t first = 0; first < windows * shape.leads; first += batch_size) {
    const std::vector<double> ones(static_cast<std::size_t>(std::min(batch_size, windows * shape.leads - first)), 1.0);
    Tensor signals = scaled_copies(c.signals, ones);
    for (std::int64_t n = 0; n < signals.dim(0); ++n) {
      const std::int64_t lead = (first + n) % shape.leads;
      const std::int64_t begin = (first + n) / shape.leads * window;
      for (std::int64_t t = begin; t < std::min(begin + window, shape.samples); ++t)
        signals.data()[(n * shape.samples + t) * shape.leads + lead] = 0;
    }
    const Tensor features = shape.features > 0 ? scaled_copies(c.features, ones) : Tensor();
    for (const double logit : logits_of(net, signals, features, c.target)) falls.push_back(whole - logit);
  }
  return falls;
}

}  // namespace cardiograd::model
