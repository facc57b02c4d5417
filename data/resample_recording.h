// A recording at another sampling rate.
#pragma once

#include "ecg/recording.h"

namespace cardiograd::data {

inline constexpr double kHighestResampledRate = 10000;  // Hz

// The same signals at `rate` Hz, band-limited (dsp::resample_poly), ceil(samples * rate / recording.rate) of them; the
// ends are continued by odd reflection so that they do not pull towards zero. Gaps (NaN) are bridged for the filter and
// are gaps again afterwards. Rates are taken to a tenth of a hertz up to 1 kHz, above to one. Throws Error when one of
// the rates is not within 1 ... kHighestResampledRate.
ecg::Recording at_rate(const ecg::Recording& recording, double rate);

}  // namespace cardiograd::data
