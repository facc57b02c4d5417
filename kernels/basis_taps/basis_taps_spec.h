// The specs of basis_taps.h for the op table.
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>

#include "kernels/basis_taps/basis_taps.h"
#include "kernels/basis_taps/basis_taps_ref.h"
#include "kernels/kernel_spec.h"

namespace cardiograd::kernels {

// What the two specs share.
struct BasisTapsSpec {
  using Shape = BasisTapsShape;
  static constexpr const char* kGradientOf = "";
  static constexpr double kTolerance = 2e-6;

  static BasisTapsShape sample(ShapeSampler& draw) {
    BasisTapsShape s;
    s.length = draw.size(1, 130);
    s.terms = draw.size(1, 9);
    s.channels = draw.size(1, 97);
    return s;
  }
  // A layer of the model s4 on crops of 2.5 s.
  static std::vector<BasisTapsShape> workload() { return {{.length = 250, .terms = 8, .channels = 512}}; }
  static std::string describe(const BasisTapsShape& s) {
    return fmt::format("L{} M{} C{}", s.length, s.terms, s.channels);
  }
  static constexpr BufferSpec basis(const BasisTapsShape& s) { return {"basis", {s.length, s.terms, s.channels}}; }
  static constexpr BufferSpec coefficients(const BasisTapsShape& s, const char* name, Role role = Role::kInput) {
    return {name, {2, s.terms, s.channels}, role};
  }
  static constexpr BufferSpec per_channel(const BasisTapsShape& s, const char* name, Role role = Role::kInput) {
    return {name, {s.channels}, role};
  }
  static constexpr BufferSpec taps(const BasisTapsShape& s, const char* name, Role role = Role::kInput) {
    return {name, {s.taps(), s.channels}, role};
  }
  static double product_flop(const BasisTapsShape& s) {
    return 2.0 * static_cast<double>(s.taps() * s.terms * s.channels);
  }
};

struct BasisTapsForward : BasisTapsSpec {
  static constexpr const char* kName = "basis_taps_forward";
  static constexpr std::vector<BufferSpec> buffers(const BasisTapsShape& s) {
    return {basis(s), coefficients(s, "a"), per_channel(s, "skip"), taps(s, "w", Role::kOutput)};
  }
  static Cost cost(const BasisTapsShape& s) { return {product_flop(s), least_bytes(buffers(s))}; }
  static constexpr auto reference = [](auto... a) { basis_taps_forward_ref(a...); };
  static constexpr auto cpu = basis_taps_forward_cpu;
  static constexpr auto cuda = basis_taps_forward_cuda;
};

struct BasisTapsBackward : BasisTapsSpec {
  static constexpr const char* kName = "basis_taps_backward";
  static constexpr const char* kGradientOf = BasisTapsForward::kName;
  static constexpr std::vector<BufferSpec> buffers(const BasisTapsShape& s) {
    return {basis(s), taps(s, "dw"), coefficients(s, "da", Role::kAccumulate),
            per_channel(s, "dskip", Role::kAccumulate)};
  }
  static Cost cost(const BasisTapsShape& s) {
    return {product_flop(s) + static_cast<double>(s.channels), least_bytes(buffers(s))};
  }
  static constexpr auto reference = [](auto... a) { basis_taps_backward_ref(a...); };
  static constexpr auto cpu = basis_taps_backward_cpu;
  static constexpr auto cuda = basis_taps_backward_cuda;
};

using BasisTapsSpecs = SpecList<BasisTapsForward, BasisTapsBackward>;

}  // namespace cardiograd::kernels
