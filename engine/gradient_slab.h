// The gradients of many leaves side by side in one block of memory: one fill clears them, one kernel goes over them.
#pragma once

#include <cstddef>
#include <vector>

#include "engine/tensor.h"

namespace cardiograd {

// The memory of the gradients of `leaves` leaves, each at a multiple of 256 bytes, zeros between them.
struct GradientSlab {
  Tensor all;
  std::size_t leaves = 0;
};

// From now on the gradients of `leaves` lie in one slab; gradients that are there are moved to it. A leaf without a
// gradient still has none: grad() is undefined until backward() reaches it. A handle of a gradient shows zeros when the
// gradient is cleared. Does nothing where the leaves have a slab already, or are not float32 on one device. Until
// set_requires_grad() is called again.
void keep_gradients_together(const std::vector<Tensor*>& leaves);

// The slab that holds the gradients of all `leaves` and of no other leaf; an undefined tensor where there is none.
// Parts of leaves without a gradient are zeros.
Tensor gradients_together(const std::vector<Tensor*>& leaves);

// The slabs that hold the gradients of `leaves`, each once, in the order of the leaves. Throws Error for a leaf
// without.
std::vector<Tensor> gradient_slabs(const std::vector<Tensor*>& leaves);

// clear_grad() of all `leaves`: one fill for all that share a slab.
void clear_gradients(const std::vector<Tensor*>& leaves);

}  // namespace cardiograd
