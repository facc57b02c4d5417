#include "bench/desk/check.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <limits>
#include <thread>

#include <fmt/format.h>

namespace cardiograd::bench {
namespace {

using kernels::Implementation;

std::vector<double> doubles(const float* values, std::int64_t count) {
  return {values, values + count};
}

// The norm of the difference over the norm of what is expected; NaN or infinite where a value is.
template <class Value>
double relative_error(const Value* got, const std::vector<double>& expected) {
  double difference = 0;
  double norm = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double off = static_cast<double>(got[i]) - expected[i];
    difference += off * off;
    norm += expected[i] * expected[i];
  }
  return norm == 0 ? std::sqrt(difference) : std::sqrt(difference / norm);
}

bool is_written(const kernels::BufferSpec& spec) {
  return spec.role != kernels::Role::kInput;
}

}  // namespace

Check::Check(const kernels::OpCase& work, const HostBuffers& inputs)
    : tolerance_(work.tolerance), buffers_(work.buffers), expected_(work.buffers.size()) {
  const HostBuffers plain = inputs;
  HostBuffers other = inputs;
  std::vector<std::vector<double>> wide(inputs.size());
  std::vector<void*> wide_pointers;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const bool real = buffers_[i].dtype == DType::kFloat32;
    if (real) wide[i] = doubles(inputs[i].floats(), buffers_[i].count());
    wide_pointers.push_back(real ? static_cast<void*>(wide[i].data()) : other[i].data());
  }
  std::exception_ptr failure;
  std::thread beside([&] {
    try {
      work.run(Implementation::kReference32, pointers_of(plain).data());
    } catch (...) {
      failure = std::current_exception();
    }
  });
  try {
    work.run(Implementation::kReference64, wide_pointers.data());
  } catch (...) {
    failure = std::current_exception();
  }
  beside.join();
  if (failure) std::rethrow_exception(failure);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!is_written(buffers_[i])) continue;
    if (buffers_[i].dtype != DType::kFloat32) {
      expected_[i].bytes.assign(other[i].data(), other[i].data() + other[i].bytes());
      continue;
    }
    expected_[i].values = std::move(wide[i]);
    const double error = relative_error(plain[i].floats(), expected_[i].values);
    // Where the float loops overflow, no error is allowed: nothing is less than or equal to NaN.
    expected_[i].plain_error = std::isfinite(error) ? error : std::numeric_limits<double>::quiet_NaN();
  }
}

std::string Check::failure(const HostBuffers& result, const std::vector<std::string>& only, double tolerance) const {
  for (std::size_t i = 0; i < buffers_.size(); ++i) {
    if (!is_written(buffers_[i])) continue;
    if (!only.empty() && std::find(only.begin(), only.end(), buffers_[i].name) == only.end()) continue;
    const Expected& expected = expected_[i];
    if (buffers_[i].dtype != DType::kFloat32) {
      if (!std::equal(expected.bytes.begin(), expected.bytes.end(), result[i].data()))
        return fmt::format("{} differs from the reference", buffers_[i].name);
      continue;
    }
    const double allowed = std::isnan(expected.plain_error)
                               ? expected.plain_error
                               : std::max({tolerance_, tolerance, 2 * expected.plain_error});
    const double error = relative_error(result[i].floats(), expected.values);
    if (!(error <= allowed))
      return fmt::format("{}: relative error {:.2g}, allowed {:.2g}", buffers_[i].name, error, allowed);
  }
  return "";
}

double opponent_tolerance(Precision precision) {
  switch (precision) {
    case Precision::kFp32:
      return 2e-5;
    case Precision::kTf32:
      return 2e-3;
    case Precision::kBf16:
      return 2e-2;
  }
  return 0;
}

}  // namespace cardiograd::bench
