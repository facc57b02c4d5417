// WFDB records of several segments, each a record of its own: one after the other as one recording.
#pragma once

#include "data/wfdb_header.h"
#include "ecg/recording.h"

namespace cardiograd::data {

// The ECG leads of a multi-segment record. With a layout segment (the first, of length 0) it names the signals, and a
// segment may lack some of them or store them otherwise; else all segments have the signals of the first, by name where
// both headers have names (in another order with a warning), and leads beyond them are left aside with a warning. Gaps
// ("~", a segment without stored signals) and signals that a segment lacks are NaN. Signals at another rate than most
// leads are left aside. `header` was read with WfdbFaults::kWarn. Throws Error naming the file: what read_wfdb_signals
// throws, a segment of another length, rate or signals than announced. Warns as that does.
ecg::Recording read_wfdb_segments(const WfdbHeader& header);

}  // namespace cardiograd::data
