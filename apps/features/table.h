// All measures of one record as text to read.
#pragma once

#include <string>

#include "data/signal_csv.h"

namespace cardiograd::apps {

// The feature columns, the further measures and those of each lead of the recording `record`, with units, usual
// ranges and, where a value is missing, the reason. Throws what reading throws.
std::string features_table(const std::string& record, const data::SignalCsvOptions& csv);

}  // namespace cardiograd::apps
