// Random calls of operations from the table, and how far two results lie apart. For tests made from the op table.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <vector>

#include "base/error.h"
#include "base/philox.h"
#include "kernels/op_table.h"

namespace cardiograd::kernels {

// The values of one buffer. Those of float32 are kept in double and converted for each implementation.
struct Values {
  std::vector<double> real;
  std::vector<std::byte> bytes;  // of all other types
  std::size_t offset = 0;        // floats between an aligned address and the buffer of a kernel
};

template <class T>
void append_bytes(std::vector<std::byte>& bytes, T value) {
  const std::size_t size = bytes.size();
  bytes.resize(size + sizeof value);
  std::memcpy(bytes.data() + size, &value, sizeof value);
}

inline Values random_values(const BufferSpec& spec, PhiloxStream& stream) {
  // Aligned as the engine's tensors are, off any vector's alignment, and on 16 bytes alone.
  constexpr std::size_t kOffsets[] = {0, 1, 4};
  Values values;
  const auto draw_index = [&] {
    return stream.below(static_cast<std::uint32_t>(std::max<std::int64_t>(1, spec.bound)));
  };
  for (std::int64_t i = 0; i < spec.count(); ++i) {
    switch (spec.dtype) {
      case DType::kFloat32: {
        double value = stream.normal();
        if (spec.fill == Fill::kPositive) value = stream.uniform(0.5, 2.0);
        if (spec.fill == Fill::kBinary) value = stream.below(2);
        values.real.push_back(static_cast<float>(value));  // The same number for float and double.
        break;
      }
      case DType::kInt16:
        append_bytes(values.bytes, static_cast<std::int16_t>(static_cast<int>(stream.below(65536)) - 32768));
        break;
      case DType::kInt32:
        append_bytes(values.bytes, static_cast<std::int32_t>(draw_index()));
        break;
      case DType::kUint8:
        append_bytes(values.bytes, static_cast<std::uint8_t>(spec.bound > 0 ? draw_index() : stream.below(256)));
        break;
      case DType::kBFloat16:
        throw Error("a buffer of bfloat16: no kernel has one");
    }
  }
  values.offset = kOffsets[stream.below(3)];
  return values;
}

inline bool is_written(const BufferSpec& spec) {
  return spec.role != Role::kInput;
}

// Inputs random, outputs NaN, accumulated buffers random.
inline std::vector<Values> random_call(const OpCase& test, std::uint64_t seed) {
  std::vector<Values> all;
  for (std::size_t i = 0; i < test.buffers.size(); ++i) {
    PhiloxStream stream(seed, i);
    all.push_back(random_values(test.buffers[i], stream));
    if (test.buffers[i].role == Role::kOutput)
      std::fill(all.back().real.begin(), all.back().real.end(), std::numeric_limits<double>::quiet_NaN());
  }
  return all;
}

// Floats at `offset` from a 64-byte boundary. They end where the allocation ends, at a red zone under AddressSanitizer.
class PlacedFloats {
 public:
  PlacedFloats(const std::vector<double>& values, std::size_t offset)
      : memory_(static_cast<float*>(::operator new((offset + values.size()) * sizeof(float), kAlignment))),
        offset_(offset) {
    for (std::size_t i = 0; i < values.size(); ++i) data()[i] = static_cast<float>(values[i]);
  }
  float* data() { return memory_.get() + offset_; }

 private:
  static constexpr std::align_val_t kAlignment{64};
  struct Free {
    void operator()(float* memory) const { ::operator delete(memory, kAlignment); }
  };
  std::unique_ptr<float, Free> memory_;
  std::size_t offset_;
};

// Runs one implementation on the host on copies and returns the buffers afterwards.
inline std::vector<Values> run(const OpCase& test, Implementation implementation, const std::vector<Values>& call) {
  std::vector<Values> result = call;
  std::vector<PlacedFloats> floats;
  floats.reserve(call.size());
  std::vector<void*> pointers;
  for (Values& values : result) {
    if (!values.bytes.empty())
      pointers.push_back(values.bytes.data());
    else if (implementation == Implementation::kReference64)
      pointers.push_back(values.real.data());
    else
      pointers.push_back(floats.emplace_back(values.real, values.offset).data());
  }
  test.run(implementation, pointers.data());
  auto copy = floats.begin();
  for (Values& values : result) {
    if (!values.bytes.empty() || implementation == Implementation::kReference64) continue;
    std::copy_n((copy++)->data(), values.real.size(), values.real.begin());
  }
  return result;
}

// The norm of the difference over the norm of what is expected. NaN or infinite where a value is.
inline double relative_error(const std::vector<double>& got, const std::vector<double>& expected) {
  double difference = 0;
  double norm = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    difference += (got[i] - expected[i]) * (got[i] - expected[i]);
    norm += expected[i] * expected[i];
  }
  return norm == 0 ? std::sqrt(difference) : std::sqrt(difference / norm);
}

// The largest relative error that a kernel may have: its tolerance, or twice the error of the plain float loops.
// Infinite values of those allow nothing: then the tolerance is NaN, which no error fulfills.
inline double allowed_error(double tolerance, const std::vector<double>& plain, const std::vector<double>& expected) {
  const double error = relative_error(plain, expected);
  return std::isfinite(error) ? std::max(tolerance, 2 * error) : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace cardiograd::kernels
