// Which parts of an ECG an answer comes from. The contributions of integrated gradients add up to the difference
// between the answer and that for a baseline, so "a third of it comes from V1" means something.
//   Sundararajan, Taly, Yan, "Axiomatic attribution for deep networks", ICML 2017
#pragma once

#include <cstdint>
#include <vector>

#include "model/data_loader.h"
#include "model/model.h"

namespace cardiograd::model {

// One record and the class whose logit is explained, on the CPU, as the model is. Signals (1, samples, leads) and
// features (1, features), or an undefined tensor where the model has none, both standardized as the model takes them.
struct ExplainedCase {
  Tensor signals;
  Tensor features;
  std::int64_t target = 0;
};

// What each input adds to the logit.
struct Attribution {
  std::vector<double> signals;   // (samples, leads)
  std::vector<double> features;  // one for each input of the feature branch
  double logit = 0;
  double baseline_logit = 0;  // of the mean ECG, a flat line, and the mean features
  std::int64_t steps = 0;     // of the integration

  // Sum of all contributions minus (logit - baseline_logit): what the integration missed. Zero when it is exact.
  double missed() const;
  // The same as a fraction of |logit - baseline_logit|.
  double missed_fraction() const;
};

struct IntegrationSettings {
  std::int64_t steps = 128;        // points of the midpoint rule; doubled while more than `tolerance` is missed,
  std::int64_t most_steps = 2048;  // up to here
  double tolerance = 0.01;         // of |logit - baseline_logit| and of |logit|
  std::int64_t batch_size = 16;    // points at once
};

// Integrated gradients along the straight line from the baseline, where every standardized input is zero. The model
// runs in evaluation mode. Throws Error for sizes that do not fit and a class that is not there.
Attribution integrated_gradients(Model& net, const ExplainedCase& c, const IntegrationSettings& settings = {});

// The gradient of the logit at the record itself, (samples, leads): what a small change would do. A yardstick for
// integrated gradients.
std::vector<double> plain_gradient(Model& net, const ExplainedCase& c);

// Inputs that are taken away, that is, set to the baseline.
struct Removal {
  struct Stretch {
    std::int64_t first = 0;
    std::int64_t count = 0;
  };
  std::vector<Stretch> samples{};
  std::vector<std::int64_t> leads{};     // in which the samples become flat
  std::vector<std::int64_t> features{};  // inputs of the feature branch
};

// The class's logit without the inputs of each removal. Throws Error for inputs that are not there.
std::vector<double> logits_without(Model& net, const ExplainedCase& c, const std::vector<Removal>& removals,
                                   std::int64_t batch_size = 16);

// How much the logit falls when a lead is flat during a window: (windows, leads), windows of `window` samples from the
// first on, the last one shorter where they do not divide. Throws Error for a window below 1.
//   Zeiler, Fergus, "Visualizing and understanding convolutional networks", ECCV 2014, section 4.2
std::vector<double> occlusion(Model& net, const ExplainedCase& c, std::int64_t window, std::int64_t batch_size = 16);

// What the convolutions of HC-CNN-TN point to: for each token (time step behind the last pooling) the sum over the
// channels of activation times mean gradient of the logit, where that is positive, else 0.
//   Selvaraju et al., "Grad-CAM", ICCV 2017, equations 1 and 2
// Throws Error for a model of another kind.
std::vector<double> grad_cam(Model& net, const ExplainedCase& c);

// How much of each token reaches the mean over all tokens through the attention layers of HC-CNN-TN, half of each layer
// being the residual connection; the values add up to 1, and equal ones mean no preference. It does not depend on the
// class.
//   Abnar, Zuidema, "Quantifying attention flow in transformers", ACL 2020, section 3
// Throws Error for a model of another kind.
std::vector<double> attention_rollout(Model& net, const ExplainedCase& c);

}  // namespace cardiograd::model
