// Clipping of gradients by their common norm (Pascanu, Mikolov and Bengio 2013, section 3.2).
#pragma once

#include <vector>

#include "engine/nn/module.h"
#include "engine/tensor.h"

namespace cardiograd::optim {

// The Euclidean norm of all gradients together; gradients are scaled down to `max_norm` when it is more, as PyTorch's
// clip_grad_norm_ does. Returns the norm before: one value on the gradients' device, 0 when there are none. Parameters
// without a gradient are left out. On the GPU nothing waits, and an observer is notified of a scaling in any
// case, with the factor 1, because only the GPU knows it.
Tensor clip_gradients(const std::vector<nn::NamedTensor>& parameters, double max_norm);

}  // namespace cardiograd::optim
