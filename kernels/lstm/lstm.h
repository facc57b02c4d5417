// The recurrence of a long short-term memory (Hochreiter and Schmidhuber 1997), as PyTorch's nn.LSTM has it: one layer
// in one direction, behind the product of its input, which a linear layer makes for all samples at once.
//
//   x, gates  (N, T, 4 * H)     w  (H, 4 * H)     b  (4 * H)     cells, h  (N, T, H)
//
// The four gates stand side by side in PyTorch's order: input i, forget f, cell g, output o. From sample to sample,
// with h and c of the sample before (0 before the first):
//
//   i, f, g, o = x[n, t] + h w + b, then sigmoid(i), sigmoid(f), tanh(g), sigmoid(o)
//   c = f c + i g
//   h = o tanh(c)
//
//   lstm_forward    h =, gates = (i, f, g, o), cells = (c)
//   lstm_backward   dx =, dw +=, db +=; dw and db null: left out
//
// With s.reverse time runs from the last sample to the first, each result at its sample. All products are of fp32
// factors, whatever the precision of others: each sample's result goes into that of the next, and rounding errors with
// it.
#pragma once

#include <cstdint>

#include "kernels/common/stream.h"

namespace cardiograd::kernels {

inline constexpr int kLstmGates = 4;

struct LstmShape {
  std::int64_t batch = 1;
  std::int64_t time = 1;
  std::int64_t width = 1;  // H
  bool reverse = false;

  constexpr std::int64_t gates() const { return kLstmGates * width; }
  // The sample that is the `step`th.
  constexpr std::int64_t sample(std::int64_t step) const { return reverse ? time - 1 - step : step; }
};

void lstm_forward_cpu(const LstmShape& s, const float* x, const float* w, const float* b, float* h, float* gates,
                      float* cells);
void lstm_backward_cpu(const LstmShape& s, const float* w, const float* h, const float* gates, const float* cells,
                       const float* dh, float* dx, float* dw, float* db);

// The same on the GPU; pointers are to device memory. One launch per sample.
void lstm_forward_cuda(const LstmShape& s, const float* x, const float* w, const float* b, float* h, float* gates,
                       float* cells, Stream stream);
void lstm_backward_cuda(const LstmShape& s, const float* w, const float* h, const float* gates, const float* cells,
                        const float* dh, float* dx, float* dw, float* db, Stream stream);

}  // namespace cardiograd::kernels
