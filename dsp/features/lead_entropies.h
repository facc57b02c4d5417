// Entropies of a lead's samples, nine of them: how evenly amplitudes, frequencies and patterns are spread. What the
// stand-in for the CNN with entropy features reads beside the signal (Smigiel, Palczynski and Ledzinski, Entropy
// 23:1121, 2021); its authors' settings are not at hand.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

namespace cardiograd::dsp {

inline constexpr std::size_t kLeadEntropies = 9;
inline constexpr std::array<std::string_view, kLeadEntropies> kLeadEntropyNames = {
    "shannon", "renyi", "tsallis", "extropy", "approximate", "sample", "permutation", "spectral", "svd"};

// In the order of the names, with p the fractions of the samples in kAmplitudeBins bins of equal width from the least
// to the largest, and 0 ln 0 = 0:
//   shannon      -sum p ln p
//   renyi        of order 2, -ln sum p^2
//   tsallis      of order 2, 1 - sum p^2
//   extropy      -sum (1 - p) ln(1 - p)
//   approximate, sample, permutation    of entropy.h, m = 2 and a tolerance of 0.2 SD, order 3
//   spectral     -sum q ln q / ln(number of q), q the periodogram of the samples less their mean, divided by its sum
//   svd          -sum s ln s, s the singular values of all triples of neighboring samples, divided by their sum
// All NaN where a sample is not finite, there are fewer than 4 or all are equal.
std::array<double, kLeadEntropies> lead_entropies(std::span<const double> samples);

inline constexpr std::size_t kAmplitudeBins = 16;

}  // namespace cardiograd::dsp
