#include "data/beats.h"

#include <utility>

#include "data/source_recording.h"
#include "ecg/units.h"

namespace cardiograd::data {

Beats find_beats(const std::filesystem::path& record, const SignalCsvOptions& csv) {
  return beats_of(read_recording(record, csv).recording);
}

Beats beats_of(ecg::Recording recording) {
  Beats beats{std::move(recording), "", {}, {}, {}};
  const auto unit = ecg::common_unit(beats.recording.units);
  beats.unit = unit.value_or("mixed");
  if (unit) ecg::to_common_unit(beats.recording);
  const Eigen::ArrayXXd& signal = beats.recording.signal;
  beats.peaks = dsp::detect_r_peaks(signal, beats.recording.rate);
  if (beats.peaks.times_s.empty()) {
    beats.waves = dsp::delineate(signal, beats.recording.rate, {});
  } else {
    beats.signal = dsp::working_signal(signal, beats.recording.rate);
    beats.waves = dsp::delineate(beats.signal, beats.peaks);
  }
  return beats;
}

}  // namespace cardiograd::data
