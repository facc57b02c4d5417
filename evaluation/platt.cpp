#include "evaluation/platt.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "base/error.h"

namespace cardiograd::evaluation {
namespace {

constexpr int kMaxIterations = 200;
constexpr int kMaxHalvings = 40;
constexpr double kEnough = 1e-9;  // of the gradient, per record
// Where the logits order the records the wrong way round, the best slope would turn the order.
constexpr double kMinSlope = 1e-3;

double sigmoid(double z) {
  return 1 / (1 + std::exp(-z));
}

// Of the mean negative log-likelihood, by the logarithm of the slope and by the offset.
struct Value {
  double loss = 0;
  std::array<double, 2> gradient = {};
  std::array<double, 3> hessian = {};  // Gauss-Newton: 00, 01, 11
};

struct Point {
  double log_slope = 0;
  double offset = 0;
};

// Probability of a record, and its derivatives by slope and offset.
struct Answer {
  double p = 0, by_slope = 0, by_offset = 0;
};

Answer answer(const PlattData& data, std::size_t record, double slope, double offset) {
  const auto windows = static_cast<std::size_t>(data.windows);
  const double* z = data.logits.data() + record * windows;
  const auto of = [&](double logit) {
    const double p = sigmoid(slope * logit + offset);
    return Answer{p, p * (1 - p) * logit, p * (1 - p)};
  };
  if (data.largest) return of(*std::max_element(z, z + windows));
  Answer mean;
  for (std::size_t w = 0; w < windows; ++w) {
    const Answer one = of(z[w]);
    mean.p += one.p;
    mean.by_slope += one.by_slope;
    mean.by_offset += one.by_offset;
  }
  const double scale = 1 / static_cast<double>(windows);
  return {mean.p * scale, mean.by_slope * scale, mean.by_offset * scale};
}

Value evaluate(const PlattData& data, const std::array<double, 2>& targets, const Point& at) {
  Value value;
  const double slope = std::exp(at.log_slope);
  const double scale = 1 / static_cast<double>(data.labels.size());
  for (std::size_t i = 0; i < data.labels.size(); ++i) {
    const Answer a = answer(data, i, slope, at.offset);
    const double p = std::clamp(a.p, 1e-12, 1 - 1e-12);
    const double t = targets[data.labels[i]];
    value.loss -= scale * (t * std::log(p) + (1 - t) * std::log1p(-p));
    const double by_p = scale * (p - t) / (p * (1 - p));
    const double curvature = scale / (p * (1 - p));
    const std::array<double, 2> d = {a.by_slope * slope, a.by_offset};
    value.gradient[0] += by_p * d[0];
    value.gradient[1] += by_p * d[1];
    value.hessian[0] += curvature * d[0] * d[0];
    value.hessian[1] += curvature * d[0] * d[1];
    value.hessian[2] += curvature * d[1] * d[1];
  }
  return value;
}

// The Newton step, damped where the curvature is nearly singular.
Point step_from(const Value& value) {
  const double damping = 1e-9 + 1e-6 * (value.hessian[0] + value.hessian[2]);
  const double a = value.hessian[0] + damping, b = value.hessian[1], c = value.hessian[2] + damping;
  const double determinant = a * c - b * b;
  return {-(c * value.gradient[0] - b * value.gradient[1]) / determinant,
          -(a * value.gradient[1] - b * value.gradient[0]) / determinant};
}

void check(const PlattData& data, std::size_t positives) {
  if (data.windows < 1 || data.logits.size() != data.labels.size() * static_cast<std::size_t>(data.windows))
    throw Error(fmt::format("Platt scaling: {} logits of {} records with {} windows", data.logits.size(),
                            data.labels.size(), data.windows),
                "Give one logit per record and window.");
  if (positives == 0 || positives == data.labels.size())
    throw Error(fmt::format("Platt scaling: {} positives of {} records, expected some and not all", positives,
                            data.labels.size()),
                "Fit it on more records.");
  if (!std::all_of(data.logits.begin(), data.logits.end(), [](double z) { return std::isfinite(z); }))
    throw Error("Platt scaling: a logit is not finite", "The model answers no number there: train it anew.");
}

}  // namespace

std::vector<double> platt_probabilities(const PlattData& data, const PlattScaling& scaling) {
  std::vector<double> probabilities;
  probabilities.reserve(data.labels.size());
  for (std::size_t i = 0; i < data.labels.size(); ++i)
    probabilities.push_back(answer(data, i, scaling.slope, scaling.offset).p);
  return probabilities;
}

PlattScaling fit_platt(const PlattData& data) {
  const auto positives =
      static_cast<std::size_t>(std::count_if(data.labels.begin(), data.labels.end(), [](auto y) { return y != 0; }));
  check(data, positives);
  const auto p = static_cast<double>(positives), n = static_cast<double>(data.labels.size() - positives);
  const std::array<double, 2> targets = {1 / (n + 2), (p + 1) / (p + 2)};
  Point at;
  Value value = evaluate(data, targets, at);
  for (int i = 0; i < kMaxIterations; ++i) {
    if (std::max(std::abs(value.gradient[0]), std::abs(value.gradient[1])) < kEnough) break;
    Point step = step_from(value);
    const double length = std::max({1.0, std::abs(step.log_slope), std::abs(step.offset) / 10});
    step = {step.log_slope / length, step.offset / length};
    Point next = at;
    Value better = value;
    for (int half = 0; half < kMaxHalvings; ++half, step = {step.log_slope / 2, step.offset / 2}) {
      next = {std::max(at.log_slope + step.log_slope, std::log(kMinSlope)), at.offset + step.offset};
      better = evaluate(data, targets, next);
      if (better.loss < value.loss) break;
    }
    if (!(better.loss < value.loss)) break;
    at = next;
    value = better;
  }
  return {std::exp(at.log_slope), at.offset};
}

}  // namespace cardiograd::evaluation
