// The shapes that a sweep times, beside those of the model's step: one list for each operation.
#pragma once

#include <string>
#include <vector>

#include "kernels/op_table.h"

namespace cardiograd::bench {

// The workload of the operation and, where it has one, its sweep, each shape once.
std::vector<kernels::OpCase> sweep_cases(const kernels::Op& op);

}  // namespace cardiograd::bench
