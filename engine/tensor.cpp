#include "engine/tensor.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "engine/autograd.h"
#include "engine/cuda.h"
#include "engine/observer.h"
#include "engine/transfer.h"
#include "kernels/common/device_code.h"
#include "kernels/common/device_values_cuda.h"

namespace cardiograd {

Shape::Shape(std::initializer_list<std::int64_t> dims) {
  assign(dims.begin(), dims.size());
}

Shape::Shape(const std::vector<std::int64_t>& dims) {
  assign(dims.data(), dims.size());
}

void Shape::assign(const std::int64_t* dims, std::size_t count) {
  if (count > kMaxDims) throw Error(fmt::format("shape with {} dimensions, expected at most {}", count, kMaxDims));
  for (std::size_t i = 0; i < count; ++i) {
    if (dims[i] < 0) throw Error(fmt::format("shape: dimension {} is {}, expected 0 or more", i, dims[i]));
    sizes_[i] = dims[i];
  }
  count_ = static_cast<int>(count);
}

std::int64_t Shape::count() const {
  std::int64_t product = 1;
  for (int i = 0; i < count_; ++i) product *= (*this)[i];
  return product;
}

std::string Shape::text() const {
  return fmt::format("({})", fmt::join(sizes_.begin(), sizes_.begin() + count_, ", "));
}

Tensor Tensor::empty(const Shape& shape, DType dtype, Device device) {
  Tensor tensor;
  tensor.shape_ = shape;
  tensor.dtype_ = dtype;
  tensor.device_ = device;
  tensor.storage_ = tensor_memory(device, tensor.byte_count());
  // NaN, so that reading what nobody wrote shows, in used blocks too.
  if (device == Device::kCuda && cuda::emulated() && !dry_run())
    cuda::fill_bytes(tensor.storage_.get(), 0xFF, tensor.byte_count());
  return tensor;
}

Tensor Tensor::zeros(const Shape& shape, DType dtype, Device device) {
  Tensor tensor = empty(shape, dtype, device);
  tensor.fill_zero();
  return tensor;
}

void Tensor::fill_zero() {
  if (dry_run()) return;
  if (device_ == Device::kCpu)
    std::memset(storage_.get(), 0, byte_count());
  else
    cuda::fill_bytes(storage_.get(), 0, byte_count());
}

Tensor Tensor::full(const Shape& shape, float value, Device device) {
  Tensor tensor = empty(shape, DType::kFloat32, device);
  if (dry_run()) return tensor;
  if (device == Device::kCpu)
    std::fill_n(tensor.data(), tensor.count(), value);
  else if constexpr (kernels::kHasDeviceCode)
    kernels::fill_cuda(tensor.count(), value, tensor.address(), cuda::stream());
  return tensor;
}

Tensor Tensor::to(Device device) const {
  if (device == device_) return detach();
  Tensor copy = empty(shape_, dtype_, device);
  copy.assign(*this);
  return copy;
}

void Tensor::assign(const Tensor& from) {
  if (!(from.shape_ == shape_) || from.dtype_ != dtype_)
    throw Error(fmt::format("assign: a {} of shape {} to a {} of shape {}", dtype_name(from.dtype_), from.shape_.text(),
                            dtype_name(dtype_), shape_.text()));
  if (dry_run()) return;
  std::byte* to = storage_.get();
  const std::byte* source = from.storage_.get();
  if (device_ == Device::kCpu && from.device_ == Device::kCpu) {
    std::memcpy(to, source, byte_count());
  } else if (from.device_ == Device::kCpu) {
    upload(to, source, byte_count());
  } else if (device_ == Device::kCpu) {
    cuda::copy(to, source, byte_count(), cuda::Direction::kToHost);
    cuda::synchronize();
  } else {
    cuda::copy(to, source, byte_count(), cuda::Direction::kOnDevice);
  }
}

float Tensor::item() const {
  if (count() != 1) throw Error(fmt::format("item of a tensor of shape {}, expected one value", shape_.text()));
  return values()[0];
}

void Tensor::copy_from(const void* values, std::size_t count) {
  if (static_cast<std::int64_t>(count) != shape_.count())
    throw Error(fmt::format("tensor of shape {}: {} values, expected {}", shape_.text(), count, shape_.count()));
  if (count > 0) std::memcpy(storage_.get(), values, byte_count());
}

void Tensor::check_type(DType wanted) const {
  if (!defined()) throw Error("tensor: no values");
  if (dtype_ != wanted) throw Error(fmt::format("tensor of {}: read as {}", dtype_name(dtype_), dtype_name(wanted)));
}

void Tensor::check_host() const {
  if (device_ != Device::kCpu)
    throw Error(fmt::format("tensor of shape {} on {}: its values cannot be read in place", shape_.text(),
                            device_name(device_)),
                "Read a copy: to(Device::kCpu) or values().");
}

Tensor Tensor::detach() const {
  Tensor copy = *this;
  copy.autograd_ = nullptr;
  return copy;
}

Tensor Tensor::view(const Shape& shape) const {
  if (shape.count() != shape_.count())
    throw Error(fmt::format("view of shape {} as {}: {} values, expected {}", shape_.text(), shape.text(),
                            shape_.count(), shape.count()));
  Tensor copy = detach();
  copy.shape_ = shape;
  return copy;
}

Tensor Tensor::part(std::int64_t first, const Shape& shape) const {
  if (first < 0 || first + shape.count() > count())
    throw Error(fmt::format("part of shape {} from value {} of a tensor of {}", shape.text(), first, count()));
  Tensor copy = detach();
  copy.shape_ = shape;
  copy.storage_ = Storage(storage_, storage_.get() + first * dtype_bytes(dtype_));
  return copy;
}

Tensor Tensor::clone() const {
  Tensor copy = empty(shape_, dtype_, device_);
  copy.assign(*this);
  return copy;
}

bool Tensor::requires_grad() const {
  return autograd_ != nullptr;
}

void Tensor::set_requires_grad(bool requires_grad) {
  autograd_ = requires_grad ? std::make_shared<AutogradMeta>() : nullptr;
}

Tensor Tensor::grad() const {
  return autograd_ == nullptr ? Tensor() : autograd_->grad;
}

void Tensor::clear_grad() {
  if (autograd_ == nullptr) return;
  if (autograd_->grad.defined() && autograd_->place.defined()) autograd_->place.fill_zero();
  autograd_->grad = Tensor();
}

void expect_shape(const char* where, const char* name, const Tensor& tensor, const Shape& expected) {
  if (!tensor.defined()) throw Error(fmt::format("{}: {} is not defined", where, name));
  if (!(tensor.shape() == expected))
    throw Error(fmt::format("{}: {} has shape {}, expected {}", where, name, tensor.shape().text(), expected.text()));
}

bool all_finite(const Tensor& tensor) {
  if (dry_run()) return true;
  if (tensor.device() == Device::kCuda) {
    Tensor found = Tensor::zeros({1}, DType::kInt32, Device::kCuda);
    if constexpr (kernels::kHasDeviceCode)
      kernels::find_not_finite_cuda(tensor.count(), tensor.address(), found.address<std::int32_t>(), cuda::stream());
    return found.values<std::int32_t>()[0] == 0;
  }
  const float* values = tensor.data();
  return std::none_of(values, values + tensor.count(),
                      [](float value) { return (std::bit_cast<std::uint32_t>(value) & 0x7f800000U) == 0x7f800000U; });
}

}  // namespace cardiograd
