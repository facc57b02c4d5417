// Which signals of a recording are ECG leads, and which are something recorded beside them.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ecg/recording.h"

namespace cardiograd::ecg {

// Whether a name is that of an ECG lead: the standard leads in all their spellings (standard_lead), also inverted or
// with a suffix ("-aVR", "V1 (mod.)"), "MLII", "MCL1", "CM5", "V4R", "Vx", differences of electrodes ("V2-V3",
// "RA-LL"), and whatever says "ECG" or "EKG" but for what is computed from one ("ECG_Rate", "ECG_R_Peaks").
bool is_ecg_name(std::string_view name);

// Whether a name is that of something else that monitors record: blood pressures, pulse, breathing, EEG, EMG, EOG,
// markers, status, time.
bool is_other_name(std::string_view name);

struct Channel {
  std::string name;
  std::string unit;
  double rate = 0;  // Hz; 0 where all have one
};

struct ChannelChoice {
  std::vector<std::size_t> leads;  // positions among the channels, ascending; all at `rate`
  double rate = 0;
  std::vector<LeftAside> others;
};

// The ECG leads among `channels`. Where names of ECG leads occur, these are the leads; otherwise all but what is known
// to be something else. "C1" to "C6" are leads where they are no electrodes of an EEG (has_chest_leads_as_c). "x", "y"
// and "z" are leads (Frank's) only where nothing else is one: beside others they are axes or numbers of rows. Beside a
// channel that says "ECG", "V", "D1" and the like, which are ambiguous, are leads only among others ("II", "V1"). Of
// "ECG_Raw" and "ECG_Clean" the first is taken. A channel whose unit is no voltage is no lead if another lead is in
// volts (standardized signals are all in "z"). Of leads at several rates those at the most frequent one are taken, at
// the highest of these.
ChannelChoice choose_ecg_channels(std::span<const Channel> channels);

// "ABP (unit mmHg), marker (no name of an ECG lead)"
std::string others_text(std::span<const LeftAside> others);

// Throws Error naming `record` and what was found where there is no lead.
void require_leads(const ChannelChoice& choice, const std::string& record);

}  // namespace cardiograd::ecg
