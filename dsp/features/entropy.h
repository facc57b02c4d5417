// Entropies of short series. All are NaN where the series is too short or has no spread.
#pragma once

#include <span>

namespace cardiograd::dsp {

// -ln(A / B): B and A count the pairs among the n - m templates whose m and m + 1 values differ by less than r, r =
// `tolerance` times the population SD. NaN where A or B is 0. Richman and Moorman, Am. J. Physiol. 278:H2039 (2000),
// with the strict comparison of antropy.
double sample_entropy(std::span<const double> series, int m = 2, double tolerance = 0.2);

// Phi_m - Phi_(m+1), Phi_m = mean over templates of ln of the fraction of templates (itself among them) within r (<=),
// r as above. Pincus, PNAS 88:2297 (1991).
double approximate_entropy(std::span<const double> series, int m = 2, double tolerance = 0.2);

// Shannon entropy of the orders of `order` (2 ... 6) values `delay` apart, divided by ln(order!): 0 ... 1. Equal values
// rank by time. Bandt and Pompe, Phys. Rev. Lett. 88:174102 (2002).
double permutation_entropy(std::span<const double> series, int order = 3, int delay = 1);

// Mean over scales 1 ... `scales` of the permutation entropy of the means of `scale` neighboring values. Aziz and
// Arif, IEEE INMIC (2005).
double multiscale_permutation_entropy(std::span<const double> series, int order = 3, int delay = 1, int scales = 3);

// -sum p ln p, p = d^2 / sum d^2, with 0 ln 0 = 0.
double energy_entropy(std::span<const double> coefficients);

}  // namespace cardiograd::dsp
