// A recording with its heartbeats.
#pragma once

#include <filesystem>
#include <string>

#include "data/signal_csv.h"
#include "dsp/delineation/beat_groups.h"
#include "dsp/delineation/delineation.h"
#include "dsp/delineation/r_peaks.h"
#include "ecg/recording.h"

namespace cardiograd::data {

struct Beats {
  ecg::Recording recording;   // in its common unit, where there is one
  std::string unit;           // of all leads; "mixed" where they have no common unit and thus no scale
  dsp::WorkingSignal signal;  // empty where there are no beats
  dsp::RPeaks peaks;
  dsp::Delineation waves;
};

// The beats of a recording in memory. Throws what detect_r_peaks throws.
Beats beats_of(ecg::Recording recording);

// Reads a recording (read_recording) and finds its beats. Throws what read_recording and detect_r_peaks throw.
Beats find_beats(const std::filesystem::path& record, const SignalCsvOptions& csv = {});

}  // namespace cardiograd::data
