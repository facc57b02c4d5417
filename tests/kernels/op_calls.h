// Random calls of operations from the table, and how far two results lie apart. For tests made from the op table.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "base/philox.h"
#include "kernels/op_table.h"

namespace cardiograd::kernels {

// The values of one buffer; float32 buffers are kept in double and converted for each implementation.
struct Values {
  std::vector<double> real;
  std::vector<std::int16_t> int16;
  std::vector<std::int32_t> int32;
  std::vector<std::uint8_t> uint8;
};

inline Values random_values(const BufferSpec& spec, PhiloxStream& stream) {
  Values values;
  const auto draw_index = [&] {
    return stream.below(static_cast<std::uint32_t>(std::max<std::int64_t>(1, spec.bound)));
  };
  for (std::int64_t i = 0; i < spec.count(); ++i) {
    switch (spec.element) {
      case Element::kFloat32: {
        double value = stream.normal();
        if (spec.fill == Fill::kPositive) value = stream.uniform(0.5, 2.0);
        if (spec.fill == Fill::kBinary) value = stream.below(2);
        values.real.push_back(static_cast<float>(value));  // The same number for float and double.
        break;
      }
      case Element::kInt16:
        values.int16.push_back(static_cast<std::int16_t>(static_cast<int>(stream.below(65536)) - 32768));
        break;
      case Element::kInt32:
        values.int32.push_back(static_cast<std::int32_t>(draw_index()));
        break;
      case Element::kUint8:
        values.uint8.push_back(static_cast<std::uint8_t>(spec.bound > 0 ? draw_index() : stream.below(256)));
        break;
    }
  }
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

// Runs one implementation on the host on copies and returns the buffers afterwards. Floats sit one element past a
// 64-byte boundary, so that a kernel that assumes alignment fails, and end at a red zone under AddressSanitizer.
inline std::vector<Values> run(const OpCase& test, Implementation implementation, const std::vector<Values>& call) {
  std::vector<Values> result = call;
  std::vector<std::vector<float>> floats(call.size());
  std::vector<void*> pointers;
  for (std::size_t i = 0; i < call.size(); ++i) {
    Values& values = result[i];
    switch (test.buffers[i].element) {
      case Element::kFloat32:
        if (implementation == Implementation::kReference64) {
          pointers.push_back(values.real.data());
        } else {
          floats[i].assign(1, 0.0F);
          for (const double value : values.real) floats[i].push_back(static_cast<float>(value));
          pointers.push_back(floats[i].data() + 1);
        }
        break;
      case Element::kInt16:
        pointers.push_back(values.int16.data());
        break;
      case Element::kInt32:
        pointers.push_back(values.int32.data());
        break;
      case Element::kUint8:
        pointers.push_back(values.uint8.data());
        break;
    }
  }
  test.run(implementation, pointers.data());
  for (std::size_t i = 0; i < call.size(); ++i)
    if (!floats[i].empty()) result[i].real.assign(floats[i].begin() + 1, floats[i].end());
  return result;
}

inline double relative_error(const std::vector<double>& got, const std::vector<double>& expected) {
  double difference = 0;
  double norm = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    difference += (got[i] - expected[i]) * (got[i] - expected[i]);
    norm += expected[i] * expected[i];
  }
  return norm == 0 ? std::sqrt(difference) : std::sqrt(difference / norm);
}

}  // namespace cardiograd::kernels
