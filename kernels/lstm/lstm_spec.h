// The specs of lstm.h for the op table.
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>

#include "kernels/kernel_spec.h"
#include "kernels/lstm/lstm.h"
#include "kernels/lstm/lstm_ref.h"

namespace cardiograd::kernels {

// What the two specs share.
struct LstmSpec {
  using Shape = LstmShape;
  static constexpr const char* kGradientOf = "";
  static constexpr double kTolerance = 2e-6;

  // Past a tile of records or of units, not both: the plain loops take long.
  static LstmShape sample(ShapeSampler& draw) {
    const bool wide = draw.coin();
    LstmShape s;
    s.batch = draw.size(1, wide ? 3 : 35);
    s.time = draw.size(1, 5);
    s.width = draw.size(1, wide ? 70 : 9);
    s.reverse = draw.coin();
    return s;
  }
  // The layers of the models lstm and lstm_bidir on crops of 2.5 s.
  static std::vector<LstmShape> workload() { return {{.batch = 128, .time = 250, .width = 256}}; }
  static std::string describe(const LstmShape& s) {
    return fmt::format("N{} T{} H{}{}", s.batch, s.time, s.width, s.reverse ? " reverse" : "");
  }
  static constexpr BufferSpec w(const LstmShape& s) { return {"w", {s.width, s.gates()}}; }
  static constexpr BufferSpec of_units(const LstmShape& s, const char* name, Role role = Role::kInput) {
    return {name, {s.batch, s.time, s.width}, role};
  }
  static constexpr BufferSpec of_gates(const LstmShape& s, const char* name, Role role = Role::kInput) {
    return {name, {s.batch, s.time, s.gates()}, role};
  }
  // Of one product with w from sample to sample.
  static double product_flop(const LstmShape& s) {
    return 2.0 * static_cast<double>(s.batch * (s.time - 1) * s.width * s.gates());
  }
  static double units(const LstmShape& s) { return static_cast<double>(s.batch * s.time * s.width); }
};

struct LstmForward : LstmSpec {
  static constexpr const char* kName = "lstm_forward";
  static int launches(const LstmShape& s) { return static_cast<int>(s.time); }
  static constexpr std::vector<BufferSpec> buffers(const LstmShape& s) {
    return {of_gates(s, "x"),
            w(s),
            {"b", {s.gates()}},
            of_units(s, "h", Role::kOutput),
            of_gates(s, "gates", Role::kOutput),
            of_units(s, "cells", Role::kOutput)};
  }
  // Of a unit: four sums with b, three sigmoids of 22 operations and two hyperbolic tangents of 20, and 4 for c and h.
  static Cost cost(const LstmShape& s) { return {product_flop(s) + 114 * units(s), least_bytes(buffers(s))}; }
  static constexpr auto reference = [](auto... a) { lstm_forward_ref(a...); };
  static constexpr auto cpu = lstm_forward_cpu;
  static constexpr auto cuda = lstm_forward_cuda;
};

struct LstmBackward : LstmSpec {
  static constexpr const char* kName = "lstm_backward";
  static constexpr const char* kGradientOf = LstmForward::kName;
  // Behind the samples, the product and the sums for dw and db.
  static int launches(const LstmShape& s) { return static_cast<int>(s.time) + 2; }
  static constexpr std::vector<BufferSpec> buffers(const LstmShape& s) {
    return {w(s),
            of_units(s, "h"),
            of_gates(s, "gates"),
            of_units(s, "cells"),
            of_units(s, "dh"),
            of_gates(s, "dx", Role::kOutput),
            {"dw", {s.width, s.gates()}, Role::kAccumulate},
            {"db", {s.gates()}, Role::kAccumulate}};
  }
  // Two products, 42 operations of a unit for its four gradients, and four sums for db.
  static Cost cost(const LstmShape& s) { return {2 * product_flop(s) + 46 * units(s), least_bytes(buffers(s))}; }
  static constexpr auto reference = [](auto... a) { lstm_backward_ref(a...); };
  static constexpr auto cpu = lstm_backward_cpu;
  static constexpr auto cuda = lstm_backward_cuda;
};

using LstmSpecs = SpecList<LstmForward, LstmBackward>;

}  // namespace cardiograd::kernels
