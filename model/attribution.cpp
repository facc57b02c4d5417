#include "model/attribution.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "base/error.h"
#include "engine/autograd.h"
#include "model/frozen_model.h"
#include "model/hc_cnn_tn.h"

namespace cardiograd::model {
namespace {

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

// Integrated gradients with a certain number of points.
Attribution integrate(Model& net, const ExplainedCase& c, std::int64_t steps, std::int64_t batch_size) {
  const bool with_features = net.shape().features > 0;
  Attribution result;
  result.steps = steps;
  result.signals.resize(static_cast<std::size_t>(c.signals.count()));
  result.features.resize(static_cast<std::size_t>(net.shape().features));
  for (std::int64_t first = 0; first < steps; first += batch_size) {
    std::vector<double> factors;
    for (std::int64_t i = first; i < std::min(first + batch_size, steps); ++i)
      factors.push_back((static_cast<double>(i) + 0.5) / static_cast<double>(steps));
    add_gradients(net, scaled_copies(c.signals, factors), with_features ? scaled_copies(c.features, factors) : Tensor(),
                  c.target, result.signals, result.features);
  }
  const auto contribution = [&](const Tensor& x, std::vector<double>& sums) {
    for (std::size_t i = 0; i < sums.size(); ++i)
      sums[i] *= static_cast<double>(x.data()[static_cast<std::int64_t>(i)]) / static_cast<double>(steps);
  };
  contribution(c.signals, result.signals);
  if (with_features) contribution(c.features, result.features);
  return result;
}

HcCnnTn& as_hc_cnn_tn(Model& net, const char* what) {
  auto* found = dynamic_cast<HcCnnTn*>(&net);
  if (found == nullptr)
    throw Error(fmt::format("{} looks into the layers of HC-CNN-TN, and this is another model", what),
                "Integrated gradients and occlusion take any model.");
  return *found;
}

// Takes one removal's inputs from row `n` of the copies.
void remove(const Removal& removal, const DataShape& shape, std::int64_t n, Tensor& signals, Tensor& features) {
  const auto refuse = [](const char* what, std::int64_t found, std::int64_t count) {
    throw Error(fmt::format("{} {} cannot be removed, there are {}", what, found, count), "Count from 0.");
  };
  for (const std::int64_t lead : removal.leads) {
    if (lead < 0 || lead >= shape.leads) refuse("lead", lead, shape.leads);
    for (const Removal::Stretch& stretch : removal.samples) {
      if (stretch.first < 0 || stretch.count < 0 || stretch.first > shape.samples - stretch.count)
        refuse("sample", stretch.first < 0 ? stretch.first : stretch.first + stretch.count - 1, shape.samples);
      for (std::int64_t t = stretch.first; t < stretch.first + stretch.count; ++t)
        signals.data()[(n * shape.samples + t) * shape.leads + lead] = 0;
    }
  }
  for (const std::int64_t feature : removal.features) {
    if (feature < 0 || feature >= shape.features) refuse("feature", feature, shape.features);
    features.data()[n * shape.features + feature] = 0;
  }
}

}  // namespace

double Attribution::missed() const {
  return std::accumulate(signals.begin(), signals.end(), 0.0) + std::accumulate(features.begin(), features.end(), 0.0) -
         (logit - baseline_logit);
}

double Attribution::missed_fraction() const {
  return std::abs(missed()) / std::abs(logit - baseline_logit);
}

Attribution integrated_gradients(Model& net, const ExplainedCase& c, const IntegrationSettings& settings) {
  check(net, c);
  if (settings.steps < 1 || settings.batch_size < 1)
    throw Error(fmt::format("integrated gradients with {} steps, {} at once: expected 1 or more", settings.steps,
                            settings.batch_size),
                "Use the defaults.");
  const FrozenModel frozen(net);
  const std::vector<double> ends = {0, 1};
  const std::vector<double> logits =
      logits_of(net, scaled_copies(c.signals, ends),
                net.shape().features > 0 ? scaled_copies(c.features, ends) : Tensor(), c.target);
  for (std::int64_t steps = settings.steps;; steps *= 2) {
    Attribution result = integrate(net, c, steps, settings.batch_size);
    result.baseline_logit = logits[0];
    result.logit = logits[1];
    const double scale = std::min(std::abs(result.logit), std::abs(result.logit - result.baseline_logit));
    if (std::abs(result.missed()) <= settings.tolerance * scale || steps > settings.most_steps / 2) return result;
  }
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

std::vector<double> logits_without(Model& net, const ExplainedCase& c, const std::vector<Removal>& removals,
                                   std::int64_t batch_size) {
  check(net, c);
  const FrozenModel frozen(net);
  const DataShape& shape = net.shape();
  std::vector<double> logits;
  for (std::size_t first = 0; first < removals.size(); first += static_cast<std::size_t>(batch_size)) {
    const std::vector<double> ones(std::min(static_cast<std::size_t>(batch_size), removals.size() - first), 1.0);
    Tensor signals = scaled_copies(c.signals, ones);
    Tensor features = shape.features > 0 ? scaled_copies(c.features, ones) : Tensor();
    for (std::size_t n = 0; n < ones.size(); ++n)
      remove(removals[first + n], shape, static_cast<std::int64_t>(n), signals, features);
    for (const double logit : logits_of(net, signals, features, c.target)) logits.push_back(logit);
  }
  return logits;
}

std::vector<double> occlusion(Model& net, const ExplainedCase& c, std::int64_t window, std::int64_t batch_size) {
  if (window < 1 || batch_size < 1)
    throw Error(fmt::format("occlusion of {} samples, {} at once: expected 1 or more", window, batch_size),
                "Use a window of some tens of milliseconds.");
  const DataShape& shape = net.shape();
  std::vector<Removal> removals = {{}};  // The first takes nothing.
  for (std::int64_t begin = 0; begin < shape.samples; begin += window)
    for (std::int64_t lead = 0; lead < shape.leads; ++lead)
      removals.push_back({.samples = {{begin, std::min(window, shape.samples - begin)}}, .leads = {lead}});
  std::vector<double> falls = logits_without(net, c, removals, batch_size);
  const double whole = falls.front();
  falls.erase(falls.begin());
  for (double& fall : falls) fall = whole - fall;
  return falls;
}

std::vector<double> grad_cam(Model& net, const ExplainedCase& c) {
  check(net, c);
  HcCnnTn& hc_cnn_tn = as_hc_cnn_tn(net, "Grad-CAM");
  const FrozenModel frozen(net);
  Tensor tokens = [&] {
    const NoGrad no_grad;
    return hc_cnn_tn.convolve(c.signals);
  }();
  tokens.set_requires_grad(true);
  const Tensor logits = net.classify(hc_cnn_tn.encode_tokens(tokens), c.features);
  Tensor chosen = Tensor::zeros(logits.shape());
  chosen.data()[c.target] = 1;
  backward(logits, chosen);
  const std::int64_t time = tokens.dim(1), channels = tokens.dim(2);
  const Tensor gradient = tokens.grad();
  std::vector<double> map(static_cast<std::size_t>(time));
  for (std::int64_t channel = 0; channel < channels; ++channel) {
    double weight = 0;
    for (std::int64_t t = 0; t < time; ++t)
      weight += static_cast<double>(gradient.data()[t * channels + channel]) / static_cast<double>(time);
    for (std::int64_t t = 0; t < time; ++t)
      map[static_cast<std::size_t>(t)] += weight * static_cast<double>(tokens.data()[t * channels + channel]);
  }
  for (double& value : map) value = std::max(value, 0.0);
  return map;
}

std::vector<double> attention_rollout(Model& net, const ExplainedCase& c) {
  check(net, c);
  HcCnnTn& hc_cnn_tn = as_hc_cnn_tn(net, "attention rollout");
  const FrozenModel frozen(net);
  const NoGrad no_grad;
  const Tensor convolved = hc_cnn_tn.convolve(c.signals);
  const std::vector<Tensor> layers = hc_cnn_tn.attention_weights(convolved);
  const auto time = static_cast<std::size_t>(convolved.dim(1));
  // Pooling gives each token its part; from the last layer back to the first, a token passes half of its part on to
  // itself and half to the tokens that it attends to, by the mean over the heads.
  std::vector<double> part = hc_cnn_tn.pooled_parts(convolved);
  for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) {
    const auto heads = static_cast<std::size_t>(layer->dim(1));
    std::vector<double> before(time);
    for (std::size_t i = 0; i < time; ++i) {
      before[i] += part[i] / 2;
      for (std::size_t head = 0; head < heads; ++head) {
        const float* row = layer->data() + (head * time + i) * time;
        for (std::size_t j = 0; j < time; ++j)
          before[j] += part[i] / 2 * static_cast<double>(row[j]) / static_cast<double>(heads);
      }
    }
    part = std::move(before);
  }
  return part;
}

}  // namespace cardiograd::model
