// A number that counts the floating-point operations made with it, to check the cost of kernels by their references.
#pragma once

#include <cmath>
#include <numbers>
#include <type_traits>

#include "base/precision.h"

namespace cardiograd::kernels {

// Addition, subtraction, multiplication, division, square root and comparisons for order count one. exp, log, log1p and
// tanh count 20 and erfc 40: about what their polynomials cost (kernels/common/vector_math.h, activation_cpu.cpp).
// Signs, absolute values, roundings, and comparisons for equality, which look for NaN, count nothing.
class Counted {
 public:
  Counted() = default;
  template <class Number>
  requires std::is_arithmetic_v<Number>
  constexpr Counted(Number value) : value_(static_cast<double>(value)) {}  // implicit, as between numbers

  static double operations() { return operations_; }
  static void reset() { operations_ = 0; }

  friend Counted operator+(Counted a, Counted b) { return counted(a.value_ + b.value_, 1); }
  friend Counted operator-(Counted a, Counted b) { return counted(a.value_ - b.value_, 1); }
  friend Counted operator*(Counted a, Counted b) { return counted(a.value_ * b.value_, 1); }
  friend Counted operator/(Counted a, Counted b) { return counted(a.value_ / b.value_, 1); }
  Counted& operator+=(Counted b) { return *this = *this + b; }
  Counted& operator-=(Counted b) { return *this = *this - b; }
  Counted& operator*=(Counted b) { return *this = *this * b; }
  Counted operator-() const { return counted(-value_, 0); }

  friend bool operator<(Counted a, Counted b) { return counted(a.value_, 1).value_ < b.value_; }
  friend bool operator>(Counted a, Counted b) { return b < a; }
  friend bool operator<=(Counted a, Counted b) { return counted(a.value_, 1).value_ <= b.value_; }
  friend bool operator!=(Counted a, Counted b) { return a.value_ != b.value_; }

  friend Counted sqrt(Counted x) { return counted(std::sqrt(x.value_), 1); }
  friend Counted abs(Counted x) { return counted(std::abs(x.value_), 0); }
  friend Counted exp(Counted x) { return counted(std::exp(x.value_), 20); }
  friend Counted log(Counted x) { return counted(std::log(x.value_), 20); }
  friend Counted log1p(Counted x) { return counted(std::log1p(x.value_), 20); }
  friend Counted round_to(Precision, Counted x) { return x; }
  friend Counted tanh(Counted x) { return counted(std::tanh(x.value_), 20); }
  friend Counted erfc(Counted x) { return counted(std::erfc(x.value_), 40); }

 private:
  static Counted counted(double value, int operations) {
    operations_ += operations;
    return value;
  }
  static inline double operations_ = 0;
  double value_ = 0;
};

}  // namespace cardiograd::kernels

template <>
inline constexpr cardiograd::kernels::Counted std::numbers::sqrt2_v<cardiograd::kernels::Counted>{std::numbers::sqrt2};
template <>
inline constexpr cardiograd::kernels::Counted std::numbers::pi_v<cardiograd::kernels::Counted>{std::numbers::pi};
