// When the atria and the ventricles are excited.
// Source of the variability: the bimodal spectrum of McSharry et al., IEEE Trans. Biomed. Eng. 50:289 (2003): one band
// around 0.1 Hz (Mayer waves), one at the breathing rate (respiratory sinus arrhythmia).
#pragma once

#include <vector>

#include "base/philox.h"
#include "data/synthetic/heart.h"

namespace cardiograd::data::synthetic {

struct Respiration {
  double rate_hz = 0.25;
  double phase = 0;           // radians at time 0
  double depth = 1;           // how much the axis turns, relative to the usual
  double at(double t) const;  // -1 ... 1
};

// Rate 0.15 to 0.40 Hz around 0.25, any phase, log-normal depth around 1.
Respiration draw_respiration(PhiloxStream& random);

// One excitation: of the atria, of the ventricles, or, conducted, of both.
struct Beat {
  bool has_p = true;
  bool has_qrs = true;
  bool ectopic = false;  // the ventricles begin by themselves
  double p_onset_s = 0;
  double qrs_onset_s = 0;
  double cycle_s = 0.8;  // interval to the ventricles' previous beat, for QT
};

struct RhythmOptions {
  int premature_beats = 0;  // ventricular ones with a compensatory pause, 0 ... 2 (sinus rhythm only)
};

// All beats of which something may show between 0 and `seconds`, in the order of their first wave. A P wave without
// conduction is a beat without QRS; in third-degree block no beat has both.
std::vector<Beat> make_rhythm(const Heart& heart, const Respiration& respiration, const RhythmOptions& options,
                              double seconds, PhiloxStream& random);

}  // namespace cardiograd::data::synthetic
