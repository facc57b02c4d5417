#pragma once

#include <cstdint>

namespace cardiograd::kernels {

// The size of one activation; activation_spec.h says what it means.
struct ActivationShape {
  std::int64_t count = 1;
};

}  // namespace cardiograd::kernels
