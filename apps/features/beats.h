// A recording with its heartbeats: what the outputs of features are made of.
#pragma once

#include <string>

#include "data/wfdb.h"
#include "dsp/delineation/beat_groups.h"
#include "dsp/delineation/delineation.h"
#include "dsp/delineation/r_peaks.h"

namespace cardiograd::apps {

// Volts of any kind become mV. Returns the unit of all leads; "mixed" where other units are mixed: they have no scale.
std::string to_one_unit(data::Recording& recording);

struct Beats {
  data::Recording recording;
  std::string unit;           // of all leads
  dsp::WorkingSignal signal;  // empty where there are no beats
  dsp::RPeaks peaks;
  dsp::Delineation waves;
};

// Reads a WFDB record and finds its beats. Throws what the reader and detect_r_peaks throw, naming the record.
Beats find_beats(const std::string& record);

// A cell of a CSV file, quoted where it must be.
std::string csv_cell(const std::string& text);

}  // namespace cardiograd::apps
