// Butterworth filters as second-order sections, equal to scipy.signal.butter(..., output="sos"), and the band-pass that
// the paper puts before everything (order 4, 0.5 to 45 Hz).
#pragma once

#include <optional>

#include <Eigen/Core>

#include "dsp/filters/sos.h"

namespace cardiograd::dsp {

// Cut-offs (-3 dB, one pass) and `rate` in Hz; `order` 1 ... 12 is that of the low-pass prototype: a band-pass of order
// N has 2 N poles. Throws Error unless 0 < cut-off < rate / 2 (and low < high).
Sos butterworth_lowpass(int order, double cutoff_hz, double rate);
Sos butterworth_highpass(int order, double cutoff_hz, double rate);
Sos butterworth_bandpass(int order, double low_hz, double high_hz, double rate);

// Zero-phase filtering of a recording (samples x leads) that may have gaps: missing samples (NaN, infinite) are
// interpolated linearly before filtering and are NaN afterwards; a lead without any finite sample stays NaN. `padlen`
// as in sosfiltfilt. Throws Error when the record is no longer than the padding.
Eigen::ArrayXXd zero_phase(const Sos& sos, const Eigen::ArrayXXd& signal,
                           std::optional<Eigen::Index> padlen = std::nullopt);

// zero_phase of butterworth_bandpass. Since it goes both ways the gain at the cut-offs is -6 dB.
Eigen::ArrayXXd butterworth_bandpass_zero_phase(const Eigen::ArrayXXd& signal, double rate, double low_hz,
                                                double high_hz, int order);

}  // namespace cardiograd::dsp
