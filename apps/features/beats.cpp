#include "apps/features/beats.h"

#include <algorithm>

namespace cardiograd::apps {

std::string to_one_unit(data::Recording& recording) {
  if (recording.units.empty()) return "";
  const bool volts = std::all_of(recording.units.begin(), recording.units.end(),
                                 [](const std::string& unit) { return data::millivolts_per_unit(unit).has_value(); });
  if (!volts) {
    const bool same = std::all_of(recording.units.begin(), recording.units.end(),
                                  [&](const std::string& unit) { return unit == recording.units.front(); });
    return same ? recording.units.front() : "mixed";
  }
  for (std::size_t l = 0; l < recording.units.size(); ++l) {
    if (const double factor = *data::millivolts_per_unit(recording.units[l]); factor != 1.0)
      recording.signal.col(static_cast<Eigen::Index>(l)) *= factor;
    recording.units[l] = "mV";
  }
  return "mV";
}

Beats find_beats(const std::string& record) {
  Beats beats{data::read_wfdb(record), "", {}, {}, {}};
  beats.unit = to_one_unit(beats.recording);
  const Eigen::ArrayXXd& signal = beats.recording.signal;
  beats.peaks = dsp::detect_r_peaks(signal, beats.recording.rate);
  if (beats.peaks.times_s.empty()) {
    beats.waves = dsp::delineate(signal, beats.recording.rate, {});
  } else {
    beats.signal = dsp::working_signal(signal, beats.recording.rate);
    beats.waves = dsp::delineate(beats.signal, beats.peaks.times_s);
  }
  return beats;
}

std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

}  // namespace cardiograd::apps
