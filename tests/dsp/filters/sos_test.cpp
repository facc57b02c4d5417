// Against the difference equation itself; equality with SciPy's numbers is in butterworth_test.cpp.
#include "dsp/filters/sos.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/philox.h"

namespace cardiograd::dsp {
namespace {

// Two sections: one pole pair at radius 0.9, one real pole.
Sos two_sections() {
  Sos sos(2, 6);
  sos << 0.2, 0.3, 0.1, 1.0, -1.2, 0.81,  //
      1.0, -0.5, 0.0, 1.0, -0.4, 0.0;
  return sos;
}

Eigen::ArrayXXd noise(Eigen::Index samples, Eigen::Index leads) {
  Eigen::ArrayXXd x(samples, leads);
  PhiloxStream random(21);
  for (double& value : x.reshaped()) value = random.normal();
  return x;
}

// y[t] = b0 x[t] + b1 x[t-1] + b2 x[t-2] - a1 y[t-1] - a2 y[t-2], section by section.
Eigen::ArrayXd difference_equation(const Sos& sos, Eigen::ArrayXd x) {
  for (Eigen::Index s = 0; s < sos.rows(); ++s) {
    Eigen::ArrayXd y(x.size());
    const auto past = [](const Eigen::ArrayXd& of, Eigen::Index t) { return t < 0 ? 0.0 : of[t]; };
    for (Eigen::Index t = 0; t < x.size(); ++t) {
      y[t] = sos(s, 0) * x[t] + sos(s, 1) * past(x, t - 1) + sos(s, 2) * past(x, t - 2) - sos(s, 4) * past(y, t - 1) -
             sos(s, 5) * past(y, t - 2);
    }
    x = y;
  }
  return x;
}

TEST(Sos, EqualsTheDifferenceEquationForAnyNumberOfLeads) {
  for (const Eigen::Index leads : {1, 3, 4, 5, 12}) {
    const Eigen::ArrayXXd x = noise(60, leads), y = sosfilt(two_sections(), x);
    for (Eigen::Index l = 0; l < leads; ++l) {
      const double error = (y.col(l) - difference_equation(two_sections(), x.col(l))).abs().maxCoeff();
      EXPECT_TRUE(error <= 1e-12) << leads << " " << l;
    }
  }
}

TEST(Sos, AStepFromTheSteadyStateHasNoTransient) {
  const Sos sos = two_sections();
  const Eigen::MatrixX2d zi = sosfilt_zi(sos);
  // The first section's output of a constant 1 is its gain at 0 Hz.
  const double gain_1 = (0.2 + 0.3 + 0.1) / (1.0 - 1.2 + 0.81), gain_2 = 0.5 / 0.6;
  EXPECT_NEAR(sos(0, 0) + zi(0, 0), gain_1, 1e-12);
  EXPECT_NEAR(sos(1, 0) * gain_1 + zi(1, 0), gain_1 * gain_2, 1e-12);
  const Eigen::ArrayXXd level = Eigen::ArrayXXd::Constant(50, 1, 3.0);
  const double squared = 3.0 * gain_1 * gain_2 * gain_1 * gain_2;
  EXPECT_TRUE((sosfiltfilt(sos, level) - squared).abs().maxCoeff() <= 1e-10);
}

TEST(Sos, ZeroPhaseForwardEqualsBackward) {
  Eigen::ArrayXXd x = Eigen::ArrayXXd::Zero(401, 1);
  x(200, 0) = 1.0;
  const Eigen::ArrayXXd y = sosfiltfilt(two_sections(), x);
  const Eigen::ArrayXXd mirrored = y.colwise().reverse();
  EXPECT_TRUE((y - mirrored).abs().maxCoeff() <= 1e-8);
  Eigen::Index peak = 0;
  y.col(0).abs().maxCoeff(&peak);
  EXPECT_EQ(peak, 200);
}

TEST(Sos, PaddingCountsFirstOrderSections) {
  EXPECT_EQ(default_padlen(two_sections()), 3 * (2 * 2 + 1 - 1));
  Sos second = two_sections();
  second(1, 5) = 0.1;
  EXPECT_EQ(default_padlen(second), 3 * (2 * 2 + 1));
}

TEST(Sos, RefusesIntegratorsAndShortSignals) {
  Sos integrator = two_sections();
  integrator.row(1) << 1.0, 0.0, 0.0, 1.0, -1.0, 0.0;
  EXPECT_THROW(sosfilt_zi(integrator), Error);
  const Eigen::Index pad = default_padlen(two_sections());
  EXPECT_THROW(sosfiltfilt(two_sections(), noise(pad, 1)), Error);
  EXPECT_TRUE(sosfiltfilt(two_sections(), noise(pad + 1, 1)).isFinite().all());
  EXPECT_THROW(sosfiltfilt(two_sections(), noise(10, 1), -1), Error);
}

}  // namespace
}  // namespace cardiograd::dsp
