// Sums over the rows of a matrix, the gradient of every bias.
#pragma once

#include <cstdint>

namespace cardiograd::kernels {

// sum[j] += sum over i of rows[i * columns + j], in pieces that depend on the shape alone.
void column_sum_cpu(std::int64_t count, std::int64_t columns, const float* rows, float* sum);

}  // namespace cardiograd::kernels
