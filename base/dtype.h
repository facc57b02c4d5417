// Types of the values in a tensor or a kernel's buffer.
#pragma once

#include <cstdint>

namespace cardiograd {

enum class DType { kFloat32, kBFloat16, kInt16, kInt32, kUint8 };

// PyTorch's name of the type: "float32", "bfloat16", "int16", "int32", "uint8".
constexpr const char* dtype_name(DType dtype) {
  switch (dtype) {
    case DType::kFloat32:
      return "float32";
    case DType::kBFloat16:
      return "bfloat16";
    case DType::kInt16:
      return "int16";
    case DType::kInt32:
      return "int32";
    case DType::kUint8:
      return "uint8";
  }
  return "?";
}

// Bytes of one value.
constexpr std::int64_t dtype_bytes(DType dtype) {
  switch (dtype) {
    case DType::kFloat32:
    case DType::kInt32:
      return 4;
    case DType::kBFloat16:
    case DType::kInt16:
      return 2;
    case DType::kUint8:
      return 1;
  }
  return 0;
}

// The DType of a C++ type; of no others than these.
template <class T>
constexpr DType dtype_of();
template <>
constexpr DType dtype_of<float>() {
  return DType::kFloat32;
}
template <>
constexpr DType dtype_of<std::int16_t>() {
  return DType::kInt16;
}
template <>
constexpr DType dtype_of<std::int32_t>() {
  return DType::kInt32;
}
template <>
constexpr DType dtype_of<std::uint8_t>() {
  return DType::kUint8;
}

}  // namespace cardiograd
