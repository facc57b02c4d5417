#include "engine/device_check.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

namespace cardiograd {
namespace {

// Values of any type as numbers; integers differ by 0 or 1.
struct Difference {
  double absolute = 0;
  double expected = 0;
};

Difference difference_of(const Tensor& got, const Tensor& expected, std::int64_t i) {
  const auto bytes = static_cast<std::size_t>(dtype_bytes(got.dtype()));
  const std::byte* a = got.bytes() + static_cast<std::size_t>(i) * bytes;
  const std::byte* b = expected.bytes() + static_cast<std::size_t>(i) * bytes;
  const bool equal = std::memcmp(a, b, bytes) == 0;  // What neither has written is equal, whatever it is.
  if (got.dtype() != DType::kFloat32) return {equal ? 0.0 : 1.0, 1.0};
  float x = 0;
  float y = 0;
  std::memcpy(&x, a, sizeof x);
  std::memcpy(&y, b, sizeof y);
  if (equal) return {0, std::isfinite(y) ? static_cast<double>(y) : 0};
  return {std::abs(static_cast<double>(x) - static_cast<double>(y)), static_cast<double>(y)};
}

std::size_t bin_of(double difference) {
  if (difference == 0) return 0;
  double limit = DeviceCheck::kFirstBin;
  for (std::size_t bin = 1; bin + 1 < DeviceCheck::kBins; ++bin, limit *= 10)
    if (difference <= limit) return bin;
  return DeviceCheck::kBins - 1;
}

}  // namespace

DeviceCheck::DeviceCheck() : before_(std::exchange(current_check, this)) {}

DeviceCheck::~DeviceCheck() {
  current_check = before_;
}

void DeviceCheck::compare(const char* name, int argument, const Tensor& got, const Tensor& expected) {
  Kernel& kernel = kernels_[name];
  const Tensor here = got.to(Device::kCpu);
  const std::int64_t count = expected.count();
  if (count == 0) return;
  double differences = 0;
  double norm = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const Difference d = difference_of(here, expected, i);
    differences += d.absolute * d.absolute;
    norm += d.expected * d.expected;
  }
  const double scale = norm > 0 ? std::sqrt(norm / static_cast<double>(count)) : 1.0;
  for (std::int64_t i = 0; i < count; ++i) ++kernel.values[bin_of(difference_of(here, expected, i).absolute / scale)];
  double error = norm > 0 ? std::sqrt(differences / norm) : std::sqrt(differences);
  if (!std::isfinite(error)) error = std::numeric_limits<double>::quiet_NaN();
  // The first tensor, one that differs more, or the first that is not a number where it should be one.
  const bool first = kernel.shape.dims() == 0;
  if (!first && (std::isnan(kernel.worst) || error <= kernel.worst)) return;
  kernel.worst = error;
  kernel.argument = argument;
  kernel.shape = expected.shape();
  kernel.layer = current_layer();
}

}  // namespace cardiograd
