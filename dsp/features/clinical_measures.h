// What a reader of ECGs measures beyond the feature columns: intervals, axis, ST levels and wave heights, each with its
// unit, or why it is missing. For reports; the model is not fed with them.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dsp/delineation/beat_groups.h"
#include "dsp/delineation/delineation.h"
#include "dsp/statistics.h"
#include "ecg/person.h"
#include "ecg/recording.h"

namespace cardiograd::dsp {

// What is usual in adults at rest; infinite where there is no such limit.
struct UsualRange {
  double low;
  double high;
};

// One figure of a record, with what it means.
struct ClinicalMeasure {
  std::string_view name;
  std::string_view unit;
  std::string_view definition;
  std::string_view source;  // Of the definition and the usual range.
  std::optional<UsualRange> usual;
  double value = kMissing;  // NaN exactly where `reason` says why.
  std::string reason;
};

// Heights over the mean level of the 20 ms before QRS onset, in mV, medians over the beats.
struct LeadMeasures {
  double r_mv = kMissing;    // Of the highest point within the QRS complex, 0 where none is above the level.
  double s_mv = kMissing;    // Depth of the lowest point (S, Q or QS), 0 where none is below.
  double st_mv = kMissing;   // 60 ms after the end of the QRS complex over all leads (J + 60 ms).
  std::string reason;        // Why they are missing; empty where they are there.
  std::string_view st_note;  // "elevated" or "depressed" beyond the limits for this lead; else empty.
};

struct ClinicalMeasures {
  std::vector<ClinicalMeasure> record;
  std::vector<LeadMeasures> leads;  // One for each lead.
};

// Heights and areas in one lead, in the unit of the signal: one value for each beat whose QRS complex it has.
struct QrsHeights {
  std::vector<double> r, s, st;
  std::vector<double> net_area;  // Integral over the QRS of x - level, in unit * s.
};

// Adds the beats of a piece of a recording, one entry of `heights` for each lead.
void add_qrs_heights(const WorkingSignal& signal, const Delineation& waves, std::vector<QrsHeights>& heights);

// From the beats of `signal`, which working_signal made of `recording`; leads in one voltage unit
// (ecg::to_common_unit), else there is no voltage scale; their names in any case. The usual ranges of QTc and Cornell
// voltage and the limits of ST elevation depend on the person's sex; where it is unknown the wider one of both is
// taken.
//
//   p_waves_pct           beats with a P wave; those in which noise can hide one are left out (Delineation::p_hidden)
//   pr_interval_ms        median of QRS onset - P onset over all leads
//   p_duration_ms         median of P end - P onset
//   qtc_bazett_ms         QT / sqrt(RR / s), Bazett, Heart 7:353 (1920); QT and RR are the means of the feature columns
//   qtc_fridericia_ms     QT / cbrt(RR / s), Fridericia, Acta Med. Scand. 53:469 (1920)
//   qtc_framingham_ms     QT + 154 ms (1 - RR / s), Sagie et al., Am. J. Cardiol. 70:797 (1992)
//   frontal_axis_deg      direction of the net QRS area in the frontal plane, from leads I and aVF (aVF = II - I / 2 or
//                         III + I / 2 where it is missing), -180 to 180, 0 to the left, 90 down
//   sokolow_lyon_mv       S in V1 + the larger R of V5 and V6, Sokolow and Lyon, Am. Heart J. 37:161 (1949)
//   cornell_mv            R in aVL + S in V3, Casale et al., J. Am. Coll. Cardiol. 6:572 (1985)
//   pacing_stimuli        how many were recognized (stimuli.h); they are bridged before anything is measured
//
// Usual ranges: AHA/ACCF/HRS recommendations, Surawicz et al. (part III: PR, axis), Rautaharju et al. (IV: QTc),
// Hancock et al. (V: P duration, voltages), Wagner et al. (VI: ST), J. Am. Coll. Cardiol. 53:976-1011 (2009).
//
// `gaps_s`: RPeaks::gaps_s of the beats; RR intervals across them do not count.
//
// Throws Error when the number of names or units is not that of the leads.
ClinicalMeasures clinical_measures(const ecg::Recording& recording, const ecg::Person& person,
                                   const WorkingSignal& signal, const Delineation& waves, std::span<const Gap> gaps_s);

// The same from the heights of all beats; of `waves` only the global beats are looked at, and of the recording only
// names and units.
ClinicalMeasures clinical_measures(const ecg::Recording& recording, const ecg::Person& person,
                                   const std::vector<QrsHeights>& heights, const Delineation& waves,
                                   std::size_t stimuli, std::span<const Gap> gaps_s);

}  // namespace cardiograd::dsp
