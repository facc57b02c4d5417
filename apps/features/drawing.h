// A record on ECG paper with the boundaries of its waves.
#pragma once

#include <string>

#include "apps/features/table.h"
#include "data/recording_stream.h"

namespace cardiograd::apps {

// An SVG file: 25 mm/s, 10 mm/mV (2.5 mm per unit where there is no voltage), at most 10 s of the recording `record`
// from `start_s` on, each lead about its median, with P, QRS and T of each lead marked; above it name, date, age and
// sex, and rate, PR, QRS, QTc and axis of the whole recording. Throws Error when the record ends before `start_s`, and
// what reading throws.
// `measures`: of the whole recording.
std::string features_drawing(const std::string& record, const data::RecordingStream& recording,
                             const RecordMeasures& measures, double start_s);

}  // namespace cardiograd::apps
