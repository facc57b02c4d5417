// The ECG leads of a WFDB record, whatever is wrong with its other signals.
#pragma once

#include "data/wfdb.h"
#include "ecg/channels.h"
#include "ecg/recording.h"

namespace cardiograd::data {

struct WfdbLeads {
  DigitalRecording digital;  // of these leads alone
  ecg::Recording recording;  // with all samples of their frames, at their own rate
};

// Chooses the ECG leads of a header that was read with WfdbFaults::kWarn (ecg::choose_ecg_channels); those whose lines
// cannot be read are left aside. Throws Error where none is left.
ecg::ChannelChoice choose_wfdb_leads(const WfdbHeader& header);

// `header`: of a record of one segment, read with WfdbFaults::kWarn. Throws what choose_wfdb_leads and
// read_wfdb_signals throw.
WfdbLeads read_wfdb_leads(WfdbHeader header);

}  // namespace cardiograd::data
