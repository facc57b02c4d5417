// cuDNN's handle and descriptors, freed with their owner.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>

#include <cudnn.h>
#include <fmt/format.h>

#include "base/error.h"

namespace cardiograd::bench {

inline void check_cudnn(cudnnStatus_t status, const char* what) {
  if (status != CUDNN_STATUS_SUCCESS) throw Error(fmt::format("cuDNN: {}: {}", what, cudnnGetErrorString(status)));
}

// Works in the default stream. Never destroyed: at the end of the program the driver may be gone first.
inline cudnnHandle_t cudnn_handle() {
  static cudnnHandle_t one = [] {
    cudnnHandle_t made = nullptr;
    check_cudnn(cudnnCreate(&made), "creating a handle");
    return made;
  }();
  return one;
}

// A descriptor: cudnn_make(cudnnCreateTensorDescriptor, cudnnDestroyTensorDescriptor).
template <class Descriptor>
std::shared_ptr<std::remove_pointer_t<Descriptor>> cudnn_make(cudnnStatus_t (*create)(Descriptor*),
                                                              cudnnStatus_t (*destroy)(Descriptor)) {
  Descriptor made = nullptr;
  check_cudnn(create(&made), "creating a descriptor");
  return {made, destroy};
}
using CudnnTensor = std::shared_ptr<std::remove_pointer_t<cudnnTensorDescriptor_t>>;

// (n, c, 1, time), channels last in memory where `format` is CUDNN_TENSOR_NHWC.
inline CudnnTensor cudnn_tensor(cudnnTensorFormat_t format, cudnnDataType_t type, std::int64_t n, std::int64_t c,
                                std::int64_t time) {
  CudnnTensor tensor = cudnn_make(cudnnCreateTensorDescriptor, cudnnDestroyTensorDescriptor);
  check_cudnn(cudnnSetTensor4dDescriptor(tensor.get(), format, type, static_cast<int>(n), static_cast<int>(c), 1,
                                         static_cast<int>(time)),
              "describing a tensor");
  return tensor;
}

}  // namespace cardiograd::bench
