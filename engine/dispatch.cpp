#include "engine/dispatch.h"

#include <fmt/format.h>

#include "base/error.h"

namespace cardiograd::ops {

Device common_device(const char* operation, std::initializer_list<const Tensor*> tensors) {
  const Tensor* first = nullptr;
  for (const Tensor* tensor : tensors) {
    if (tensor == nullptr) continue;
    if (!tensor->defined()) throw Error(fmt::format("{}: a tensor is not defined", operation));
    if (first == nullptr) first = tensor;
    if (tensor->device() != first->device())
      throw Error(
          fmt::format("{}: a tensor of shape {} is on {}, another of shape {} on {}", operation, first->shape().text(),
                      device_name(first->device()), tensor->shape().text(), device_name(tensor->device())),
          "Bring all of them to one device with to().");
  }
  return first == nullptr ? Device::kCpu : first->device();
}

}  // namespace cardiograd::ops
