// One page of a single ECG: the drawing, what was measured, and how good the leads are.
#pragma once

#include <string>

#include "data/signal_csv.h"

namespace cardiograd::apps {

// An HTML page without scripts or links: the drawing of the recording `record` from `start_s` on (features_drawing),
// its measures with usual ranges or the reason why they are missing, its leads with their quality, and the 29 columns.
// Throws what features_drawing throws.
std::string single_report(const std::string& record, double start_s, const data::SignalCsvOptions& csv);

}  // namespace cardiograd::apps
