#include "engine/nn/legs_basis.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

#include <fmt/format.h>

#include "base/error.h"

namespace cardiograd::nn {
namespace {

using Vector = std::vector<double>;

std::size_t at(std::int64_t size, std::int64_t row, std::int64_t column) {
  return static_cast<std::size_t>(row * size + column);
}

double root(std::int64_t n) {
  return std::sqrt(2.0 * static_cast<double>(n) + 1.0);
}

Vector product(std::int64_t size, const Vector& a, const Vector& b) {
  Vector c(a.size());
  for (std::int64_t i = 0; i < size; ++i)
    for (std::int64_t k = 0; k < size; ++k)
      for (std::int64_t j = 0; j < size; ++j) c[at(size, i, j)] += a[at(size, i, k)] * b[at(size, k, j)];
  return c;
}

Vector times_vector(std::int64_t size, const Vector& a, const Vector& x) {
  Vector y(x.size());
  for (std::int64_t i = 0; i < size; ++i)
    for (std::int64_t j = 0; j < size; ++j)
      y[static_cast<std::size_t>(i)] += a[at(size, i, j)] * x[static_cast<std::size_t>(j)];
  return y;
}

// y with a y = x, a lower triangular.
Vector solved(std::int64_t size, const Vector& a, Vector x) {
  for (std::int64_t i = 0; i < size; ++i) {
    double& value = x[static_cast<std::size_t>(i)];
    for (std::int64_t j = 0; j < i; ++j) value -= a[at(size, i, j)] * x[static_cast<std::size_t>(j)];
    value /= a[at(size, i, i)];
  }
  return x;
}

// Jacobi's rotations of a symmetric matrix until it is diagonal: its eigenvectors, one per row.
Vector eigenvectors(std::int64_t size, Vector& a) {
  Vector vectors(a.size());
  for (std::int64_t i = 0; i < size; ++i) vectors[at(size, i, i)] = 1;
  constexpr int kSweeps = 30;  // it converges quadratically
  for (int sweep = 0; sweep < kSweeps; ++sweep)
    for (std::int64_t p = 0; p < size; ++p)
      for (std::int64_t q = p + 1; q < size; ++q) {
        if (a[at(size, p, q)] == 0) continue;
        const double theta = (a[at(size, q, q)] - a[at(size, p, p)]) / (2 * a[at(size, p, q)]);
        const double t = std::copysign(1.0, theta) / (std::abs(theta) + std::hypot(theta, 1.0));
        const double cosine = 1 / std::hypot(t, 1.0), sine = t * cosine;
        const auto rotate = [&](double& x, double& y) {
          const double before = x;
          x = cosine * x - sine * y;
          y = sine * before + cosine * y;
        };
        for (std::int64_t k = 0; k < size; ++k) rotate(a[at(size, k, p)], a[at(size, k, q)]);
        for (std::int64_t k = 0; k < size; ++k) rotate(a[at(size, p, k)], a[at(size, q, k)]);
        for (std::int64_t k = 0; k < size; ++k) rotate(vectors[at(size, p, k)], vectors[at(size, q, k)]);
      }
  return vectors;
}

}  // namespace

struct LegsBasis::Step {
  Matrix before;  // I - dt / 2 A: what stands before x[l + 1]
  Matrix behind;  // I + dt / 2 A: before x[l]
  Matrix all;     // Ad^L
  Vector input;   // Bd
};

// A = -1/2 I + S - P P^T with P[n] = sqrt(n + 1/2), and S is skew-symmetric: eigenvalues of its normal part are
// -1/2 +- i w. S^T S is symmetric with each w^2 twice; a unit eigenvector `a` of it makes one of S, (a - i S a / w) /
// sqrt(2), that of i w.
LegsBasis::LegsBasis(std::int64_t states, std::int64_t length) : states_(states), length_(length) {
  if (states < 2 || states % 2 != 0 || length < 1)
    throw Error(fmt::format("a state space of {} states for {} samples, expected an even number of states and a sample",
                            states, length));
  Matrix skew(static_cast<std::size_t>(states * states)), minus(skew.size());
  for (std::int64_t n = 0; n < states; ++n)
    for (std::int64_t k = 0; k < n; ++k) {
      const double value = 0.5 * root(n) * root(k);
      skew[at(states, n, k)] = minus[at(states, k, n)] = -value;
      skew[at(states, k, n)] = minus[at(states, n, k)] = value;
    }
  Matrix squares = product(states, minus, skew);
  const Matrix rows = eigenvectors(states, squares);
  std::vector<std::int64_t> order(static_cast<std::size_t>(states));
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](std::int64_t i, std::int64_t j) { return squares[at(states, i, i)] > squares[at(states, j, j)]; });
  vectors_.resize(skew.size());
  for (std::int64_t m = 0; m < states / 2; ++m) {
    const std::int64_t pair = order[static_cast<std::size_t>(2 * m)];
    const double w = std::sqrt(squares[at(states, pair, pair)]);
    const Vector real(rows.begin() + pair * states, rows.begin() + (pair + 1) * states);
    const Vector turned = times_vector(states, skew, real);
    // Times the phase that makes the first component positive.
    const double size = std::hypot(real[0], turned[0] / w);
    const double cosine = real[0] / size, sine = turned[0] / w / size;
    for (std::int64_t n = 0; n < states; ++n) {
      const double re = real[static_cast<std::size_t>(n)] / std::sqrt(2.0);
      const double im = -turned[static_cast<std::size_t>(n)] / w / std::sqrt(2.0);
      vectors_[at(states, m, n)] = re * cosine - im * sine;
      vectors_[at(states, states / 2 + m, n)] = re * sine + im * cosine;
    }
  }
}

LegsBasis::Step LegsBasis::step(double dt) const {
  Step step;
  step.before.resize(vectors_.size());
  step.behind.resize(vectors_.size());
  Vector input(static_cast<std::size_t>(states_));
  for (std::int64_t n = 0; n < states_; ++n) {
    input[static_cast<std::size_t>(n)] = dt * root(n);
    for (std::int64_t k = 0; k <= n; ++k) {
      const double a = k < n ? -root(n) * root(k) : -static_cast<double>(n + 1);
      step.before[at(states_, n, k)] = (k == n ? 1 : 0) - dt / 2 * a;
      step.behind[at(states_, n, k)] = (k == n ? 1 : 0) + dt / 2 * a;
    }
  }
  step.input = solved(states_, step.before, input);
  Matrix power(vectors_.size());  // Ad
  for (std::int64_t k = 0; k < states_; ++k) {
    Vector column(static_cast<std::size_t>(states_));
    for (std::int64_t n = 0; n < states_; ++n) column[static_cast<std::size_t>(n)] = step.behind[at(states_, n, k)];
    column = solved(states_, step.before, column);
    for (std::int64_t n = 0; n < states_; ++n) power[at(states_, n, k)] = column[static_cast<std::size_t>(n)];
  }
  step.all.resize(vectors_.size());
  for (std::int64_t n = 0; n < states_; ++n) step.all[at(states_, n, n)] = 1;
  for (std::int64_t rest = length_; rest > 0; rest /= 2) {
    if (rest % 2 == 1) step.all = product(states_, step.all, power);
    power = product(states_, power, power);
  }
  return step;
}

Vector LegsBasis::projected(const Vector& x) const {
  return times_vector(states_, vectors_, x);
}

Vector LegsBasis::functions(double dt) const {
  const Step step = this->step(dt);
  Matrix rest(step.all.size());  // I - Ad^L
  for (std::int64_t n = 0; n < states_; ++n)
    for (std::int64_t k = 0; k <= n; ++k) rest[at(states_, n, k)] = (k == n ? 1 : 0) - step.all[at(states_, n, k)];
  Vector x = solved(states_, rest, step.input);
  Vector functions;
  for (std::int64_t l = 0; l < length_; ++l) {
    for (const double value : projected(x)) functions.push_back(2 * value);
    x = solved(states_, step.before, times_vector(states_, step.behind, x));
  }
  return functions;
}

Vector LegsBasis::coefficients(double dt, const Vector& output) const {
  const Step step = this->step(dt);
  Vector c(static_cast<std::size_t>(states_)), whole(c.size());
  for (std::int64_t n = 0; n < states_; ++n)
    for (std::int64_t m = 0; m < states_; ++m)
      c[static_cast<std::size_t>(n)] += 2 * output[static_cast<std::size_t>(m)] * vectors_[at(states_, m, n)];
  for (std::int64_t n = 0; n < states_; ++n) {
    double& value = whole[static_cast<std::size_t>(n)] = c[static_cast<std::size_t>(n)];
    for (std::int64_t k = 0; k < states_; ++k) value -= c[static_cast<std::size_t>(k)] * step.all[at(states_, k, n)];
  }
  return projected(whole);
}

}  // namespace cardiograd::nn
