// P, QRS and T waves of every beat: onset, peak and end, for each lead and for all leads together.
#pragma once

#include <span>
#include <vector>

#include <Eigen/Core>

#include "dsp/delineation/beat_groups.h"
#include "dsp/delineation/r_peaks.h"
#include "dsp/statistics.h"
#include "ecg/wave.h"

namespace cardiograd::dsp {

using ecg::BeatWaves;
using ecg::Wave;

// A wave that is absent or not found is all NaN. The peak of a QRS complex is its largest deflection; of the global
// beat the R peak as detected.
struct Delineation {
  std::vector<BeatWaves> global;              // One for each R peak.
  std::vector<char> p_hidden;                 // Per beat: no P is found, but there is enough noise to hide one.
  std::vector<std::vector<BeatWaves>> leads;  // [lead][beat]; flat or missing leads have absent waves.
};

// `signal` is (samples, leads), NaN = missing sample, at `rate` Hz, `r_peaks_s` in seconds, ascending, as from
// detect_r_peaks. docs/delineation.md explains every step, constants.h has every constant.
//
// Beats of a neighborhood are grouped by the shape of their QRS complex over all leads, aligned by cross-correlation
// and averaged; boundaries are searched on the averages, where noise and wander are small, and moved to each beat with
// the shift that its own QRS, P and T waves show against the average. Boundaries of P and T are those of the largest
// trapezium under the flank (Vazquez-Seisdedos et al., BioMed. Eng. OnLine 10:43, 2011), of the QRS where slopes sink
// to the background. A lead's boundary is drawn to the consensus of the leads, to which clear leads contribute most.
// Global boundaries are the second earliest onset and the second latest end where four or more leads have the wave,
// else the earliest and latest after removal of outliers. Where no QRS complex stands out of the other waves, as in
// fibrillation of the ventricles, all waves are absent, and the global beat has its R peak alone.
//
// Throws Error when the band-pass of working_signal does not fit the rate. Without R peaks nothing is looked at.
Delineation delineate(const Eigen::ArrayXXd& signal, double rate, std::span<const double> r_peaks_s);

// The same from a signal that is already prepared. Never throws.
Delineation delineate(const WorkingSignal& signal, std::span<const double> r_peaks_s);

// The same where leads may lie apart (RPeaks): the global beats are without them, and each set of them has beats of its
// own, as many of them as there are global ones; absent ones fill up.
Delineation delineate(const WorkingSignal& signal, const RPeaks& peaks);

}  // namespace cardiograd::dsp
