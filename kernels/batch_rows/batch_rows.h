// The part of a training batch that is one row per record: which records it has, their features and their labels.
//
//   rows[n] = order[first + n],   x[n, :] = features[rows[n], :],   y[n, :] = labels[rows[n], :]
//
//   order  (records) int32, < records    first  (1) int32, first + N <= records    rows  (N) int32
//   features  (records, F)    labels  (records, C)    x  (N, F)    y  (N, C)
//
//   batch_rows_forward   rows =   x =   y =
//
// `first` is read when the kernel runs: a graph that has recorded it makes another batch each time. F may be 0.
#pragma once

#include <cstdint>

#include "kernels/common/stream.h"

namespace cardiograd::kernels {

struct BatchRowsShape {
  std::int64_t records = 1;
  std::int64_t batch = 1;
  std::int64_t width = 1;    // F
  std::int64_t classes = 1;  // C
};

void batch_rows_forward_cpu(const BatchRowsShape& s, const std::int32_t* order, const std::int32_t* first,
                            const float* features, const float* labels, std::int32_t* rows, float* x, float* y);

// The same on the GPU; pointers are to device memory.
void batch_rows_forward_cuda(const BatchRowsShape& s, const std::int32_t* order, const std::int32_t* first,
                             const float* features, const float* labels, std::int32_t* rows, float* x, float* y,
                             Stream stream);

}  // namespace cardiograd::kernels
