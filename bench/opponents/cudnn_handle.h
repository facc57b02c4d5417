// cuDNN's handle and descriptors, freed with their owner.
#pragma once

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

template <auto kDestroy>
struct CudnnDestroy {
  template <class T>
  void operator()(T* object) const {
    kDestroy(object);
  }
};
template <class Descriptor, auto kDestroy>
using CudnnOwner = std::shared_ptr<std::remove_pointer_t<Descriptor>>;

// A descriptor made by `create`: cudnn_make<cudnnCreateTensorDescriptor, cudnnDestroyTensorDescriptor>().
template <auto kCreate, auto kDestroy>
auto cudnn_make() {
  using Object = std::remove_pointer_t<std::remove_pointer_t<decltype([] {
    auto object = []<class D>(cudnnStatus_t (*)(D*)) { return static_cast<D*>(nullptr); }(kCreate);
    return object;
  }())>>;
  Object* made = nullptr;
  check_cudnn(kCreate(&made), "creating a descriptor");
  return std::shared_ptr<Object>(made, CudnnDestroy<kDestroy>());
}

}  // namespace cardiograd::bench
