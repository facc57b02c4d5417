// The convolution kernels that a linear state space system can have, with the HiPPO-LegS matrices (Gu, Goel and Re,
// "Efficiently Modeling Long Sequences with Structured State Spaces", ICLR 2022, eq. 2 and appendix C):
//
//   x[l + 1] = Ad x[l], x[0] = Bd, kernel[l] = c Ad^l Bd
//
// with A[n][k] = -sqrt((2n + 1)(2k + 1)) below the diagonal, -(n + 1) on it and 0 above, B[n] = sqrt(2n + 1), Ad and Bd
// from the bilinear rule with step dt. A and B are fixed, so a kernel of L samples is a sum of N fixed functions; the
// output matrix c decides how much of each. As in the source the coefficients are those of c (I - Ad^L), real and
// imaginary parts in the unit eigenvectors of the normal part of A: steps of an optimizer depend on the choice.
#pragma once

#include <cstdint>
#include <vector>

namespace cardiograd::nn {

class LegsBasis {
 public:
  // N, an even number, and L, 1 or more.
  LegsBasis(std::int64_t states, std::int64_t length);

  // The functions for a step: (L, N), so that kernel[l] = sum over m of functions[l][m] * coefficients[m].
  std::vector<double> functions(double dt) const;
  // The coefficients (N) of an output matrix: real parts, then imaginary parts, of c (I - Ad^L) V, c being twice the
  // real part of `output` V^H; `output` (N) likewise real, then imaginary parts.
  std::vector<double> coefficients(double dt, const std::vector<double>& output) const;

 private:
  using Matrix = std::vector<double>;  // (N, N)
  struct Step;                         // the discrete system
  Step step(double dt) const;
  // V^H x, real parts and negative imaginary parts: what the functions are made of.
  std::vector<double> projected(const std::vector<double>& x) const;

  std::int64_t states_;
  std::int64_t length_;
  // Eigenvectors with positive imaginary eigenvalues, the largest first, first component real and positive: row m is
  // the real part, row N / 2 + m the imaginary part of V's column m.
  Matrix vectors_;
};

}  // namespace cardiograd::nn
