// Which parts of an ECG an answer comes from. The contributions of integrated gradients add up to the difference
// between the answer and that for a baseline, so "a third of it comes from V1" means something.
//   Sundararajan, Taly, Yan, "Axiomatic attribution for deep networks", ICML 2017
#pragma once

#include <cstdint>
#include <vector>

#include "model/data_loader.h"
#include "model/model.h"

namespace cardiograd::model {

// One record and the class whose logit is explained. Signals (1, samples, leads) and features (1, features), or an
// undefined tensor where the model has none, both standardized as the model takes them.
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

  // Sum of all contributions minus (logit - baseline_logit): what the integration missed. Zero when it is exact.
  double missed() const;
};

struct IntegrationSettings {
  std::int64_t steps = 128;      // points of the midpoint rule
  std::int64_t batch_size = 16;  // points at once
};

// Integrated gradients along the straight line from the baseline, where every standardized input is zero. The model
// runs in evaluation mode. Throws Error for sizes that do not fit and a class that is not there.
Attribution integrated_gradients(Model& net, const ExplainedCase& c, const IntegrationSettings& settings = {});

// The gradient of the logit at the record itself, (samples, leads): what a small change would do. A yardstick for
// integrated gradients.
std::vector<double> plain_gradient(Model& net, const ExplainedCase& c);

// How much the logit falls when a lead is flat during a window: (windows, leads), windows of `window` samples from the
// first on, the last one shorter where they do not divide. Throws Error for a window below 1.
std::vector<double> occlusion(Model& net, const ExplainedCase& c, std::int64_t window, std::int64_t batch_size = 16);

}  // namespace cardiograd::model
