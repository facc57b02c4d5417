// A record on ECG paper with the boundaries of its waves.
#pragma once

#include <string>

namespace cardiograd::apps {

// An SVG file: 25 mm/s, 10 mm/mV (2.5 mm per unit where there is no voltage), at most 10 s of the WFDB record `record`
// from `start_s` on, each lead about its median, with P, QRS and T of each lead marked. Throws Error when the record
// ends before `start_s`, and what reading throws.
std::string features_drawing(const std::string& record, double start_s);

}  // namespace cardiograd::apps
