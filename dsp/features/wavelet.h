// The discrete wavelet transform, equal to PyWavelets' wavedec with mode "symmetric".
#pragma once

#include <span>
#include <string_view>
#include <vector>

namespace cardiograd::dsp {

// Decomposition low-pass of "db4" or "db6" (Daubechies, 4 and 6 vanishing moments), as PyWavelets' dec_lo. Throws Error
// for other names.
std::span<const double> wavelet_lowpass(std::string_view name);

// The coefficients of one level, equally many of either kind.
struct WaveletLevel {
  std::vector<double> approximation;
  std::vector<double> detail;
};

// One level: floor((n + taps - 1) / 2) coefficients each, the signal mirrored at its ends with the end samples
// repeated. Throws Error for an empty signal.
WaveletLevel wavelet_step(std::span<const double> signal, std::span<const double> lowpass);

// Details of levels 1 (the upper half of the band) ... `levels`, then the last approximation.
std::vector<std::vector<double>> wavelet_decomposition(std::span<const double> signal, std::string_view name,
                                                       int levels);

}  // namespace cardiograd::dsp
