// The recurrence of an LSTM in plain loops: the text to read first, and in double the oracle for every other version.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/lstm/lstm.h"

namespace cardiograd::kernels {

template <class Real>
Real lstm_sigmoid_ref(Real x) {
  using std::exp;
  return 1 / (1 + exp(-x));
}

template <class Real>
void lstm_forward_ref(const LstmShape& s, const Real* x, const Real* w, const Real* b, Real* h, Real* gates,
                      Real* cells) {
  using std::tanh;
  for (std::int64_t n = 0; n < s.batch; ++n) {
    for (std::int64_t step = 0; step < s.time; ++step) {
      const std::int64_t row = n * s.time + s.sample(step);
      const std::int64_t before = n * s.time + s.sample(step - 1);  // not there at step 0
      Real* gate = gates + row * s.gates();
      for (std::int64_t j = 0; j < s.gates(); ++j) {
        Real sum = x[row * s.gates() + j] + b[j];
        for (std::int64_t k = 0; k < s.width && step > 0; ++k) sum += h[before * s.width + k] * w[k * s.gates() + j];
        gate[j] = j / s.width == 2 ? tanh(sum) : lstm_sigmoid_ref(sum);
      }
      for (std::int64_t u = 0; u < s.width; ++u) {
        const Real last = step > 0 ? cells[before * s.width + u] : Real(0);
        const Real cell = gate[s.width + u] * last + gate[u] * gate[2 * s.width + u];
        cells[row * s.width + u] = cell;
        h[row * s.width + u] = gate[3 * s.width + u] * tanh(cell);
      }
    }
  }
}

// dx of one sample, from the gradient of its h; `carried` is that of its cell from the sample behind it, and becomes
// that of the cell before it.
template <class Real>
void lstm_cell_backward_ref(Real dh, Real cell, Real cell_before, std::int64_t width, const Real* gate, Real& carried,
                            Real* dx) {
  using std::tanh;
  const Real i = gate[0], f = gate[width], g = gate[2 * width], o = gate[3 * width];
  const Real squashed = tanh(cell);
  const Real dc = carried + dh * o * (1 - squashed * squashed);
  dx[0] = dc * g * i * (1 - i);
  dx[width] = dc * cell_before * f * (1 - f);
  dx[2 * width] = dc * i * (1 - g * g);
  dx[3 * width] = dh * squashed * o * (1 - o);
  carried = dc * f;
}

template <class Real>
void lstm_backward_ref(const LstmShape& s, const Real* w, const Real* h, const Real* gates, const Real* cells,
                       const Real* dh, Real* dx, Real* dw, Real* db) {
  for (std::int64_t n = 0; n < s.batch; ++n) {
    std::vector<Real> carried(static_cast<std::size_t>(s.width), Real(0));
    for (std::int64_t step = s.time - 1; step >= 0; --step) {
      const std::int64_t row = n * s.time + s.sample(step);
      const std::int64_t before = n * s.time + s.sample(step - 1);
      const std::int64_t behind = n * s.time + s.sample(step + 1);
      for (std::int64_t u = 0; u < s.width; ++u) {
        Real sum = dh[row * s.width + u];
        for (std::int64_t j = 0; j < s.gates() && step + 1 < s.time; ++j)
          sum += dx[behind * s.gates() + j] * w[u * s.gates() + j];
        lstm_cell_backward_ref(sum, cells[row * s.width + u], step > 0 ? cells[before * s.width + u] : Real(0), s.width,
                               gates + row * s.gates() + u, carried[static_cast<std::size_t>(u)],
                               dx + row * s.gates() + u);
      }
      for (std::int64_t j = 0; j < s.gates(); ++j) {
        const Real d = dx[row * s.gates() + j];
        if (db != nullptr) db[j] += d;
        for (std::int64_t k = 0; k < s.width && step > 0 && dw != nullptr; ++k)
          dw[k * s.gates() + j] += h[before * s.width + k] * d;
      }
    }
  }
}

}  // namespace cardiograd::kernels
