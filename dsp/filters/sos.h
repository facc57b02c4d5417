// Filters as cascades of second-order sections: one direction, and zero phase (forwards and backwards). The results are
// those of scipy.signal.sosfilt, sosfilt_zi and sosfiltfilt.
#pragma once

#include <optional>

#include <Eigen/Core>

namespace cardiograd::dsp {

// One section per row: b0 b1 b2 a0 a1 a2, a0 = 1. Direct forms of order 8 lose their poles near 0.5 Hz to rounding;
// sections keep them.
using Sos = Eigen::Matrix<double, Eigen::Dynamic, 6, Eigen::RowMajor>;

// Filters each column of `signal` (samples x leads) from rest, in the transposed direct form II.
Eigen::ArrayXXd sosfilt(const Sos& sos, const Eigen::ArrayXXd& signal);

// The state (sections x 2) that a constant input of 1 leaves behind: starting there, a step has no transient.
// Throws Error when a section has a pole at z = 1.
Eigen::MatrixX2d sosfilt_zi(const Sos& sos);

// SciPy's default padding for sosfiltfilt: 3 * (2 * sections + 1 - number of sections of first order).
Eigen::Index default_padlen(const Sos& sos);

// Zero phase: each column is extended at both ends by `padlen` samples (default_padlen when not given) through odd
// reflection, filtered forwards, then backwards. A larger padlen shortens the transients that poles near z = 1 leave at
// the ends. The columns must be finite. Throws Error when the signal has no more than padlen samples.
Eigen::ArrayXXd sosfiltfilt(const Sos& sos, const Eigen::ArrayXXd& signal,
                            std::optional<Eigen::Index> padlen = std::nullopt);

}  // namespace cardiograd::dsp
