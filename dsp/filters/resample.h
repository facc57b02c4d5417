// Change of the sampling rate by a ratio of integers.
#pragma once

#include <Eigen/Core>

namespace cardiograd::dsp {

// Band-limited polyphase resampling of each column (samples x leads) to `up` / `down` times the rate, equal to
// scipy.signal.resample_poly: low-pass by windowed sinc (Kaiser, beta 5, 20 * max(up, down) + 1 taps after cancelling
// common factors), zero outside the signal, ceil(samples * up / down) samples. Take a mean away first: the edges pull
// towards zero. Throws Error unless up and down are 1 ... 10000.
Eigen::ArrayXXd resample_poly(const Eigen::ArrayXXd& signal, int up, int down);

}  // namespace cardiograd::dsp
