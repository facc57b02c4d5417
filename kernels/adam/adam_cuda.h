// Launchers of CUDA Adam; adam_spec.h has the mathematics. Pointers are to device memory.
#pragma once

#include "kernels/adam/adam_shape.h"
#include "kernels/common/stream.h"

namespace cardiograd::kernels {

// Begins a step: counts it in *progress and computes its coefficients from progress->lr; count, lr and step of `s` are
// not used. When `loss` is given and not finite, the step and all later ones are left out.
void adam_begin_step_cuda(const AdamShape& s, const float* loss, AdamProgress* progress, Stream stream);

// The step that was begun, for all parameters in one launch. `blocks` is the sum of adam_blocks(count) over the table.
void adam_step_cuda(std::int64_t slices, std::int64_t blocks, const AdamSlice* table, const AdamProgress* progress,
                    Stream stream);

// Both for one parameter, with lr and step of `s`.
void adam_forward_cuda(const AdamShape& s, const float* gradient, float* parameter, float* m, float* v, Stream stream);

}  // namespace cardiograd::kernels
