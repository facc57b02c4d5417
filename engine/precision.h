// How this thread's matrix products (conv1d, linear, attention) round their factors, as
// torch.set_float32_matmul_precision does: fp32 unless somebody says otherwise. Operations ask when they run forward;
// their backward pass keeps what they found.
#pragma once

#include "base/precision.h"

namespace cardiograd {

namespace internal {
inline thread_local Precision matmul_precision = Precision::kFp32;
}  // namespace internal

// Of this thread.
inline Precision matmul_precision() {
  return internal::matmul_precision;
}
// Of this thread, from now on.
inline void set_matmul_precision(Precision precision) {
  internal::matmul_precision = precision;
}

// Sets it while it lives.
class MatmulPrecision {
 public:
  explicit MatmulPrecision(Precision precision) : before_(matmul_precision()) { set_matmul_precision(precision); }
  ~MatmulPrecision() { set_matmul_precision(before_); }
  MatmulPrecision(const MatmulPrecision&) = delete;
  MatmulPrecision& operator=(const MatmulPrecision&) = delete;

 private:
  Precision before_;
};

}  // namespace cardiograd
