// What is usual in adults at rest for the feature columns that have such a range.
#pragma once

#include <optional>
#include <string_view>

#include "dsp/features/clinical_measures.h"

namespace cardiograd::dsp {

// Of a column of feature_columns(); nothing where no range is in use. Heart rate 60 to 100 a minute; QRS duration by
// Surawicz et al., J. Am. Coll. Cardiol. 53:976 (2009); QT at such rates by Rijnbeek et al., J. Electrocardiol. 47:914
// (2014).
std::optional<UsualRange> usual_range(std::string_view column);

}  // namespace cardiograd::dsp
