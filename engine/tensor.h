// Tensor: a handle to contiguous values in memory. Copying a handle shares the values.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "base/dtype.h"
#include "engine/device.h"
#include "engine/memory.h"

namespace cardiograd {

// Up to four sizes, outermost first; the last dimension is contiguous.
class Shape {
 public:
  static constexpr int kMaxDims = 4;

  // No dimensions: count() is 1.
  Shape() = default;
  // Throws Error for more than kMaxDims sizes and for a negative one.
  Shape(std::initializer_list<std::int64_t> dims);
  explicit Shape(const std::vector<std::int64_t>& dims);

  int dims() const { return count_; }
  // The size of dimension `index`, 0 ... dims()-1.
  std::int64_t operator[](int index) const { return sizes_[static_cast<std::size_t>(index)]; }
  // The size of the last dimension; dims() must not be 0.
  std::int64_t last() const { return sizes_[static_cast<std::size_t>(count_ - 1)]; }
  // Product of all sizes; 1 for no dimensions.
  std::int64_t count() const;
  bool operator==(const Shape& other) const = default;
  // "(64, 1000, 12)"
  std::string text() const;

 private:
  void assign(const std::int64_t* dims, std::size_t count);

  std::array<std::int64_t, kMaxDims> sizes_{};
  int count_ = 0;
};

struct AutogradMeta;  // autograd.h

class Tensor {
 public:
  // No tensor; defined() is false.
  Tensor() = default;

  // Undefined content. Throws OutOfMemory when memory runs out, and Error for a device that is not available; so do all
  // functions that make a tensor.
  static Tensor empty(const Shape& shape, DType dtype = DType::kFloat32, Device device = Device::kCpu);
  static Tensor zeros(const Shape& shape, DType dtype = DType::kFloat32, Device device = Device::kCpu);
  // float32, every value the same.
  static Tensor full(const Shape& shape, float value, Device device = Device::kCpu);
  // A copy on the CPU of `values`. Throws Error when their number is not the shape's.
  template <class T>
  static Tensor from(const std::vector<T>& values, const Shape& shape) {
    Tensor tensor = empty(shape, dtype_of<T>());
    tensor.copy_from(values.data(), values.size());
    return tensor;
  }

  // float32 with undefined content on this tensor's device.
  Tensor new_empty(const Shape& shape) const { return empty(shape, DType::kFloat32, device_); }

  bool defined() const { return storage_ != nullptr; }
  const Shape& shape() const { return shape_; }
  std::int64_t dim(int index) const { return shape_[index]; }
  std::int64_t count() const { return shape_.count(); }
  DType dtype() const { return dtype_; }
  Device device() const { return device_; }

  // The values of a tensor on the CPU; T must be the dtype's C++ type. Throws Error otherwise.
  template <class T = float>
  T* data() {
    check_host();
    return address<T>();
  }
  template <class T = float>
  const T* data() const {
    check_host();
    return address<T>();
  }
  // A copy of the values, wherever they are. Waits for the GPU.
  template <class T = float>
  std::vector<T> values() const {
    const Tensor here = to(Device::kCpu);
    return {here.data<T>(), here.data<T>() + count()};
  }
  // The value of a float32 tensor that has one, wherever it is. Waits for the GPU. Throws Error for other tensors.
  float item() const;
  // The values of a tensor on the CPU as raw memory, byte_count() of it.
  std::byte* bytes() {
    check_host();
    return storage_.get();
  }
  const std::byte* bytes() const {
    check_host();
    return storage_.get();
  }
  std::size_t byte_count() const { return static_cast<std::size_t>(count() * dtype_bytes(dtype_)); }

  // Where the values lie in the memory of the tensor's device, for kernels and copies.
  template <class T = float>
  T* address() {
    check_type(dtype_of<T>());
    return reinterpret_cast<T*>(storage_.get());
  }
  template <class T = float>
  const T* address() const {
    check_type(dtype_of<T>());
    return reinterpret_cast<const T*>(storage_.get());
  }

  // The same values on `device`, without history: this tensor's own when it is there, a copy otherwise. A copy to the
  // CPU waits for the GPU; one to the GPU does not.
  Tensor to(Device device) const;
  // Overwrites the values with those of a tensor of equal shape and type on any device. Throws Error when either
  // differs.
  void assign(const Tensor& from);

  // Where the values begin, wherever they are: tells whether two tensors share them.
  const std::byte* storage_address() const { return storage_.get(); }

  // True when another handle holds the same values.
  bool shared() const { return storage_.use_count() > 1; }

  // The same values without their history.
  Tensor detach() const;
  // The same values with another shape of equal count, without history (ops::reshape keeps it). Throws Error for
  // another count.
  Tensor view(const Shape& shape) const;
  // Values first ... of this tensor as one of `shape`, in the same memory, without history. Throws Error when there are
  // not as many.
  Tensor part(std::int64_t first, const Shape& shape) const;
  // Overwrites all values with zeros.
  void fill_zero();
  // A deep copy without history.
  Tensor clone() const;

  // Gradients are computed for tensors that require them (leaves) and for whatever is computed from those.
  bool requires_grad() const;
  void set_requires_grad(bool requires_grad);
  // The gradient that backward() left in a leaf; undefined before. Many leaves at once: gradient_slab.h.
  Tensor grad() const;
  void clear_grad();

  // The place in the graph, for autograd.h.
  const std::shared_ptr<AutogradMeta>& autograd() const { return autograd_; }
  void set_autograd(std::shared_ptr<AutogradMeta> meta) { autograd_ = std::move(meta); }

 private:
  void check_type(DType wanted) const;
  void check_host() const;
  void copy_from(const void* values, std::size_t count);

  Storage storage_;
  Shape shape_;
  DType dtype_ = DType::kFloat32;
  Device device_ = Device::kCpu;
  std::shared_ptr<AutogradMeta> autograd_;
};

// Throws Error "<where>: <name> has shape ..., expected ..." unless the shapes agree.
void expect_shape(const char* where, const char* name, const Tensor& tensor, const Shape& expected);

// False when a NaN or an infinity is among the values; throws Error unless they are float32. On the GPU they are looked
// at there; the host waits for the answer.
bool all_finite(const Tensor& tensor);

}  // namespace cardiograd
