// What the files with cuDNN share.
#pragma once

#include <memory>
#include <type_traits>

#include "bench/opponents/cudnn_handle.h"
#include "bench/opponents/libraries.h"

namespace cardiograd::bench {

using CudnnActivation = std::shared_ptr<std::remove_pointer_t<cudnnActivationDescriptor_t>>;

inline CudnnActivation cudnn_activation(cudnnActivationMode_t mode) {
  CudnnActivation made = cudnn_make(cudnnCreateActivationDescriptor, cudnnDestroyActivationDescriptor);
  check_cudnn(cudnnSetActivationDescriptor(made.get(), mode, CUDNN_PROPAGATE_NAN, 0), "describing an activation");
  return made;
}

OpponentList cudnn_conv1d(const kernels::Op& op, const kernels::OpCase& work, Precision precision);
OpponentList cudnn_rows(const kernels::Op& op, const kernels::OpCase& work);

}  // namespace cardiograd::bench
