// All measures of one record as text to read.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "data/beat_stream.h"
#include "data/beats.h"
#include "data/signal_csv.h"

namespace cardiograd::apps {

struct MeasureRow {
  std::string name;
  double value;  // NaN where it is missing: the note says why.
  std::string unit;
  std::string note;  // Usual range, or reason.
};

struct LeadRow {
  std::string lead;
  double r_mv, s_mv, st_mv, snr_db;  // NaN where missing.
  std::string note;                  // What its signal is like.
};

struct RecordMeasures {
  std::size_t beats = 0;
  std::string heading;               // Leads, rate, length, unit, beats.
  std::vector<std::string> remarks;  // What else is to be known.
  std::vector<MeasureRow> columns;   // Of the feature table.
  std::vector<MeasureRow> further;
  std::vector<LeadRow> leads;
};
RecordMeasures record_measures(const data::Beats& beats);
// Of a recording that is too long to be looked at whole (data::is_one_piece): the same, but that alternans, the
// correlation of P waves and the signal's quality are medians over pieces of some minutes.
RecordMeasures record_measures(const data::BeatStream& beats);
// Of a recording of any length.
RecordMeasures record_measures(const data::RecordingStream& recording);

// The feature columns, the further measures and those of each lead of the recording `record`, with units, usual
// ranges and, where a value is missing, the reason. Throws what reading throws.
std::string features_table(const std::string& record, const data::SignalCsvOptions& csv);

}  // namespace cardiograd::apps
