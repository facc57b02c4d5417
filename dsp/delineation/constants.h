// All constants of delineation, and with them those of R-peak detection (r_peak_constants.h). docs/delineation.md
// explains the steps they belong to; docs/delineation-constants.md is written from both files by
// scripts/ci/delineation_constants.py, and a test fails where they differ.
//
// How to read an entry: the name ends in the unit (_s seconds, _hz, _fraction, _ratio and _weight pure numbers, _beats,
// _leads, ... counts; _backgrounds multiples of a lead's background, which is a low quantile of its slope's magnitude;
// _sigmas multiples of a Gaussian's width). The comment says what it means, then where it comes from:
//   "Paper: ..."     from the literature.
//   "Physiology: ..." a limit that hearts keep.
//   "Noise: ..."     from the distribution of the quantity in noise.
//   "Geometry: ..."  follows from another constant or from the sampling.
//   "Numerics: ..."  keeps a division or a logarithm finite; no effect on recordings.
//   "Tuned: ..."     set by hand; the marks named judge it: LUDB is the Lobachevsky University Database (120 records of
//                    12 leads), QTDB the QT Database (12 records of 2 leads), MITDB the MIT-BIH Arrhythmia Database
//                    (8 records). README.md has the errors that resulted; no log of the tuning has been kept.
//   "Judgment: ..."  set by reasoning alone.
// A change of any value changes fiducials and features: measure before and after (docs/delineation.md).
#pragma once

#include <cstddef>

#include <Eigen/Core>

#include "dsp/delineation/r_peak_constants.h"

namespace cardiograd::dsp {

// A constant that each wave has of its own.
struct PerWave {
  double p, qrs, t;
};
struct PerPAndT {
  double p, t;
};

// The working signal (working_signal.h).
struct WorkingSignalConstants {
  // The rate that the recording is resampled to, as nearly as a ratio with a denominator or numerator of 1 allows.
  // Paper: Kligfield et al. (AHA/ACCF/HRS part I), Circulation 115:1306 (2007): 500 samples per second for
  // measurements.
  double rate_hz = 500.0;
  // A recording is interpolated by this times rate_hz over its own rate, rounded. Judgment: 360 Hz stays as it is.
  double upsampling_fraction = 0.9;
  // Lower end of the band. Paper: Kligfield et al. (2007): 0.05 Hz, or 0.67 Hz with zero phase; lowered to spare T.
  double band_low_hz = 0.5;
  // Upper end of the band. Judgment: mains and muscle noise lie above, and hardly anything of P, QRS onset and T.
  double band_high_hz = 40.0;
  // Length of the odd reflection at both ends. Geometry: a time constant of the lower end.
  double padding_s = 1.0;
  // A lead whose range is no larger than this fraction of the median over the leads is flat. Judgment: an open input
  // has some steps of the converter, the smallest lead of a heart a fiftieth of the others.
  double flat_fraction = 0.005;
  // A lead with a larger fraction of missing samples is not used. Judgment: most of it would be interpolated.
  double max_missing_fraction = 0.5;
};
inline constexpr WorkingSignalConstants kWorkingSignal;

// Pacemaker stimuli, found in the recording before it is filtered (stimuli.h).
struct StimulusConstants {
  // Below this rate none are recognized. Geometry: QRS complexes reach to half the rate.
  double min_rate_hz = 90.0;
  // QRS complexes have hardly any energy above this frequency. Physiology: 1 % of that within the R peaks' band.
  double above_hz = 60.0;
  // It is no higher than this fraction of the rate. Geometry: there must be something above it.
  double above_rate_fraction = 0.35;
  // Recorders pass no more than this frequency. Paper: Kligfield et al. (2007): 150 Hz.
  double recorder_hz = 150.0;
  // Half the length over which the energy above is summed. Physiology: an impulse behind the recorder's low-pass.
  double half_above_s = 0.010;
  // Half the length over which the energy within the R peaks' band is summed. Physiology: less than half a complex.
  double half_within_s = 0.020;
  // Least ratio of energies, as a fraction of that of an impulse. Tuned: two thirds of the paced records of PTB-XL,
  // 0.4 % of those in sinus rhythm.
  double min_impulse_fraction = 0.09;
  // Least energy above, as a ratio to its median. Noise: muscle.
  double min_median_ratio = 30.0;
  // Below this rate a step cannot be told from a steep wave. Geometry: two samples in a step.
  double min_step_rate_hz = 400.0;
  // Half the length of a step. Physiology: pacemakers stimulate for 0.1 to 2 ms, widened by the amplifier's low-pass.
  double half_step_s = 0.002;
  // A step is larger than the changes beside it by more than this ratio. Judgment: no wave has such corners.
  double steepness_ratio = 3.0;
  // A step is at least this fraction of the lead's range. Judgment: noise is smaller.
  double min_step_fraction = 0.1;
  // The lead's range leaves out one sample in this many at either end. Judgment: artifacts.
  Eigen::Index range_tail_samples = 200;
  // One lead in this many must show a step. Judgment: a stimulus is seen in many leads, an artifact in one.
  Eigen::Index quorum_leads = 4;
  // After a stimulus none is found for this long. Physiology: less than between atrial and ventricular stimuli.
  double dead_s = 0.05;
  // A stimulus has others within this time before or after it. Judgment: two or three beats.
  double again_s = 5.0;
  // At least this many, itself included. Judgment: an artifact comes alone.
  Eigen::Index min_stimuli = 3;
  // Half the length that is bridged, two samples at least. Physiology: what is left of an impulse of 2 ms.
  double bridge_s = 0.008;
};
inline constexpr StimulusConstants kStimulus;

// Grouping, alignment and averaging of beats (beat_groups.h).
struct BeatGroupConstants {
  // Beats that are looked at together; the last neighborhood has up to half as many more. Judgment: about 10 s.
  std::size_t neighborhood_beats = 12;
  // What an average covers before the R peak. Physiology: a PR interval of 480 ms and half a QRS complex.
  double before_s = 0.62;
  // What an average covers after the R peak. Physiology: a QT interval of 700 ms.
  double after_s = 0.75;
  // Either side of the R peak over which shapes are compared. Physiology: the QRS complex without P and T.
  double shape_s = 0.08;
  // How far alignment may move a beat. Judgment: how far the R peak jumps between beats.
  double max_lag_s = 0.024;
  // Lags are tried this many samples apart, then each one around the best. Geometry: saves two thirds of the products.
  Eigen::Index lag_step_samples = 3;
  // A beat joins a group at this correlation or more. Tuned: ectopic and paced beats of LUDB and MITDB get a group of
  // their own, respiration makes none.
  double same_shape_correlation = 0.90;
  // Quantile over time of a lead's energy that is none of QRS: leads count the less, the more of it there is. Judgment:
  // QRS and T take up less than three quarters of the time.
  double rest_quantile = 0.25;
  // A beat joins a group only if their RMS differ by less than this ratio. Judgment: artifacts.
  double max_energy_ratio = 4.0;
  // Quantile of the intervals of a neighborhood that is the usual one. Geometry: where every second beat is early, half
  // of them is not.
  double usual_rr_quantile = 0.6;
  // Beats after an interval below this ratio to the usual one are premature. Physiology: sinus arrhythmia stays above.
  double premature_ratio = 0.85;
  // A beat owns nothing later than this before the next R peak. Physiology: there the next QRS complex begins.
  double next_qrs_s = 0.08;
  // At an RR interval of 1 s a beat owns nothing earlier than this after the R peak before; grows with sqrt(RR / s).
  // Paper: Bazett, Heart 7:353 (1920), for the square root; the value is that of a late T peak.
  double last_t_bazett_s = 0.32;
  // What a beat owns before its R peak however early it comes. Physiology: a P wave of usual PR interval.
  double min_own_s = 0.16;
  // Length over which the weight of a beat falls to 0 at the ends of what it owns. Judgment: no steps in the average.
  double fade_s = 0.04;
  // Where the weights of all beats sum to less than this the average goes on level. Numerics: a division.
  double min_weight_fraction = 1e-3;
  // The interval before or after a group none of whose beats has a neighbor. Physiology: 60 beats a minute.
  double default_rr_s = 1.0;
};
inline constexpr BeatGroupConstants kBeatGroup;

// What P, QRS and T have in common (qrs_search.h, p_t_search.h).
struct WaveConstants {
  // Width of the boxes whose difference is the slope. Tuned: boundaries of LUDB and QTDB; about half of a flank.
  PerWave slope_box_s = {.p = 0.030, .qrs = 0.026, .t = 0.055};
  // Quantile of a slope's magnitude over the average that is a lead's background. Judgment: P, QRS and T take up less
  // than the rest.
  PerWave background_quantile = {.p = 0.25, .qrs = 0.3, .t = 0.25};
  // The fraction that stays of the distance from a lead's boundary to the consensus of the leads. Tuned: spread of each
  // lead's boundaries in LUDB.
  PerWave own_fraction = {.p = 0.7, .qrs = 0.6, .t = 0.7};
};
inline constexpr WaveConstants kWave;

// QRS onset and offset (qrs_search.h).
struct QrsConstants {
  // The onset is no earlier than this before the R peak. Physiology: complexes last 200 ms at most, R is not at the
  // end.
  double max_before_s = 0.15;
  // The end is no later than this after the R peak. Physiology: as max_before_s.
  double max_after_s = 0.20;
  // A lead counts in proportion to the ratio of steepest slope to background, up to this. Judgment: clean leads are
  // alike.
  double trusted_ratio = 40.0;
  // Slope, as a fraction of the steepest, at which the complex of all leads begins and ends, and that of one lead
  // ends. Tuned: LUDB and QTDB.
  double all_leads_fraction = 0.12;
  // Slope at which the complex begins in one lead. Tuned: QRS onsets of LUDB and QTDB.
  double lead_onset_fraction = 0.09;
  // Both fractions are at least this many backgrounds. Noise: above what the background reaches.
  double min_backgrounds = 2.5;
  // Above this fraction of its slope beside it, both averaged over kRPeak.smoothing_s, no complex stands out, as in
  // flutter and fibrillation of the ventricles. Noise: 2 of 10,000 beats of PTB-XL have more, in one lead 3 of LUDB,
  // QTDB and MITDB; most of narrow-band noise of 3 to 6 Hz has.
  double max_beside_fraction = 0.35;
  // Longest stretch of little slope inside a complex. Physiology: notches and the tops of slurred complexes.
  double gap_s = 0.024;
  // What lies before such a stretch is P if its slope stays below this fraction of the steepest, and it is longer than
  // before_gap_s. Physiology: P is at most a third as steep where it runs into a complex.
  double before_gap_fraction = 0.35;
  // See before_gap_fraction. Physiology: Q lasts 40 ms at most.
  double before_gap_s = 0.04;
  // A lead's onset is no earlier than this before that of all leads. Tuned: QRS onsets of LUDB.
  double before_all_leads_s = 0.016;
  // A lead's end is no later than this after that of all leads. Tuned: QRS ends of LUDB.
  double after_all_leads_s = 0.020;
  // The complex begins no earlier than this after a stimulus. Tuned: the decay of the stimuli in LUDB's paced records.
  double after_stimulus_s = 0.014;
  // The fraction believed of the distance of a single beat's own boundary to that of the average. Judgment: its noise.
  double beat_fraction = 0.5;
  // A single beat's own boundary is sought this far around that of the average. Judgment: more is noise.
  double beat_margin_s = 0.02;
  // The fraction of that distance that leads follow; the rest is added to the boundary of all leads. Tuned: QRS
  // durations of single beats in LUDB.
  double lead_shift_fraction = 0.5;
};
inline constexpr QrsConstants kQrs;

// P and T (p_t_search.h). The side of a wave towards its QRS complex is "near", the other one "far".
struct PAndTConstants {
  // The peak is at least this far from the QRS complex. Physiology: P ends before QRS begins; ST lies before T.
  PerPAndT peak_from_qrs_s = {.p = 0.02, .t = 0.06};
  // The near boundary is at least this far from the QRS complex. Physiology: as peak_from_qrs_s.
  PerPAndT bound_from_qrs_s = {.p = 0.0, .t = 0.01};
  // The far boundary is at most this far beyond the farthest peak. Physiology: half a wave.
  PerPAndT bound_beyond_peak_s = {.p = 0.04, .t = 0.12};
  // Where the peak is expected: for P before the QRS onset, for T after the R peak at an RR interval of 1 s, growing
  // with sqrt(RR / s). Physiology: a PR interval of 170 ms with a P wave of 100 ms; a QT interval of 400 ms.
  PerPAndT expected_s = {.p = 0.12, .t = 0.30};
  // Width of the Gaussian by which places count less the farther they are from there. Tuned: waves found in LUDB and
  // QTDB.
  PerPAndT spread_s = {.p = 0.085, .t = 0.09};
  // Least weight of a place earlier than expected. Physiology: a PR interval of 300 ms is rare, but a wave there is
  // hardly anything else than P; before T lies ST.
  PerPAndT early_weight = {.p = 0.5, .t = 0.0};
  // Width of the Gaussian in which humps of different leads support each other. Judgment: peaks of leads differ by
  // that.
  double support_s = 0.03;
  // That Gaussian is cut off here. Numerics: 1 % of its height.
  double support_reach_sigmas = 3.0;
  // Strength from which on a hump supports no more. Judgment: one large lead must not decide alone.
  double trusted_backgrounds = 20.0;
  // A hump counts less below this roundness (Hump). Geometry: Gaussians have 0.64, level stretches between waves 0.1 to
  // 0.4.
  double full_roundness_ratio = 0.6;
  // By the ratio of its roundness to that, to the power of this. Tuned: T ends of LUDB; P on the slope of T is not
  // round.
  PerPAndT roundness_order = {.p = 0.0, .t = 1.0};
  // What is flatter than this fraction of a hump's strength is level. Judgment: less than half.
  double level_fraction = 0.4;
  // A hump counts less where less of it is steeper (Hump::turning). Geometry: a Gaussian has 0.75.
  double full_turning_fraction = 0.8;
  // By the ratio to that, to the power of this. Tuned: T of synthetic 2:1 block against T beside premature P waves.
  PerPAndT turning_order = {.p = 0.0, .t = 4.0};
  // A lead's own hump lies within this of the common place. Judgment: a third of its height.
  double near_reach_sigmas = 1.5;
  // Least strength, relative to the main hump, of a phase before it. Tuned: biphasic waves of LUDB and QTDB.
  PerPAndT phase_before_fraction = {.p = 0.7, .t = 0.7};
  // Least strength, relative to the main hump, of a phase after it. Tuned: T ends of LUDB and QTDB; after T it may be a
  // U wave, which does not belong to it.
  PerPAndT phase_after_fraction = {.p = 0.7, .t = 1.1};
  // Largest distance of a phase before the main hump. Physiology: half the wave's length.
  PerPAndT phase_before_s = {.p = 0.04, .t = 0.09};
  // Largest distance of a phase after the main hump. Physiology: as phase_before_s.
  PerPAndT phase_after_s = {.p = 0.04, .t = 0.13};
  // Distance from the rising flank within which the onset's corner is sought. Tuned: onsets of LUDB and QTDB.
  PerPAndT reach_before_s = {.p = 0.055, .t = 0.15};
  // Distance from the falling flank within which the end's corner is sought; for T at an RR interval of reference_rr_s.
  // Tuned: ends of LUDB and QTDB.
  PerPAndT reach_after_s = {.p = 0.032, .t = 0.12};
  // A wave falls at most this ratio as long after its falling flank as from its middle to that flank; T rises likewise
  // before its rising flank. For T at reference_rr_s. Tuned: T ends of LUDB and QTDB.
  double symmetry_ratio = 1.45;
  // That corner is sought over at least one part in this many of the reach. Judgment: narrow humps.
  Eigen::Index min_reach_parts = 3;
  // A lead's boundary farther from the consensus is taken as this far. Judgment: an outlier.
  double outlier_s = 0.05;
  // A lead's peak farther from the consensus than this ratio to outlier_s is replaced by it. Judgment: another wave.
  double outlier_peak_ratio = 2.0;
};
inline constexpr PAndTConstants kPAndT;

// What only P has: where its search begins, and whether it is there at all (p_t_search.h, group_waves.h).
struct PConstants {
  // The peak is no earlier than this before the R peak. Physiology: the longest PR intervals of AV block.
  double earliest_s = 0.48;
  // The T wave of the beat before ends at least this early: at an RR interval of 1 s after its R peak, growing with
  // sqrt(RR / s). Paper: Bazett (1920) for the square root; the value is that of a short QT interval.
  double last_t_end_bazett_s = 0.36;
  // The peak is at least this far after the end of the T wave of the beat before. Physiology: half a P wave.
  double after_last_t_s = 0.05;
  // P ends at least this before a stimulus that QRS follows within this. Numerics: the working signal's low-pass makes
  // a step begin half a wave of its upper end, and what is bridged, before it.
  double beside_stimulus_s = 0.03;
  // In groups of fewer beats no P is reported. Geometry: what beats have in common needs some.
  std::size_t min_group_beats = 3;
  // In some lead P is at least this fraction as steep as the QRS complex. Physiology: 99 % of sinus rhythms have 0.04.
  double min_qrs_fraction = 0.01;
  // Where it begins right behind T, P is in some lead at least this fraction as steep as T. Physiology: 99 % of sinus
  // rhythms have 0.7; what the high-pass makes of the end of T seldom has more than 0.5.
  double min_t_fraction = 0.5;
  // What the beats have in common there, as a ratio to chance (Consistency), where noise cannot hide P. Noise: the
  // largest hump of an average of noise alone seldom has more; 99 % of sinus rhythms have 7.
  double min_common_ratio = 2.5;
  // The slope beside P as a fraction of that of P, times the usual interval, above which P may be one wave of many.
  // Physiology: 98 % of sinus rhythms have less, half of all flutter more.
  double max_beside_s = 0.42;
  // It is one if it is repeated elsewhere by more than this: correlation times the ratio of sizes. Judgment: more alike
  // than not. T that fills the interval, at fast rates and in AV block, is another wave.
  double max_recurrence_ratio = 0.6;
  // Or if what the beats have in common there is less than this, as a ratio to chance. Noise: humps behind T.
  double min_beside_ratio = 10.0;
  // A beat has the P wave above this fraction of the beats' median correlation. Judgment: halfway between beats that
  // resemble the others little and beats that do not.
  double min_beat_fraction = 0.33;
  // The least P waves, as a fraction of the steepness of the QRS complex. Physiology: 99 % of sinus rhythms have more.
  double least_of_qrs_fraction = 0.04;
  // Where these stand out of the noise by less than this ratio, it can hide P. Noise: the ratio at which half of the P
  // waves of LUDB are lost.
  double hidden_ratio = 4.0;
};
inline constexpr PConstants kP;

// The evidence for a P wave (p_presence.h): log odds. Its weights are those of a logistic regression of sinus rhythm
// against fibrillation and flutter in PTB-XL, with all leads, two and one; over fifths of the records left out by
// turns their SD is 0.15 at most.
struct PEvidenceConstants {
  // Log odds where all below is 0. Tuned: regression.
  double intercept_weight = -8.1;
  // The ratio of Consistency counts up to here. Physiology: flutter has more.
  double max_ratio = 60.0;
  // Per factor e of the slope beside P. Tuned: regression.
  double beside_weight = -1.85;
  // Added to that slope; ratios count from here on. Noise: what is left of it in averages.
  double least_fraction = 0.05;
  // Per factor e of rr_irregularity. Tuned: regression.
  double irregularity_weight = -1.7;
  // It counts from here on. Physiology: breathing.
  double min_irregularity_fraction = 0.01;
  // It counts up to here. Physiology: three quarters of fibrillation have more.
  double max_irregularity_fraction = 0.1;
  // Per factor e of own_beat_ratio above 1, up to what irregularity has taken away. Tuned: on the same records, the
  // most that adds no more P waves to fibrillation than 1 % of its records.
  double own_beat_weight = 0.25;
  // For a second wave like P halfway to the next, at the interval of flutter that is conducted 2:1. Tuned: on the same
  // records at more than 80 a minute.
  double flutter_weight = -10.0;
  // That interval. Physiology: 150 a minute.
  double flutter_rr_s = 0.41;
  // Width of the Gaussian in the logarithm of the interval. Physiology: atria flutter 200 to 350 times a minute.
  double flutter_spread_ratio = 0.2;
  // Halfway at least this fraction of P must lie beside QRS to be compared. Judgment: a flank.
  double visible_fraction = 0.1;
  // What is counted where less does. Judgment: flutter is the more likely.
  double unseen_fraction = 0.7;
  // Probability that the atria change between sinus rhythm and another from one neighborhood to the next. Judgment:
  // rarer changes would let neighbors outvote what is seen.
  double change_fraction = 0.05;
  // There is a P wave above this. Tuned: sinus rhythms of LUDB have more, fibrillation and flutter less; of PTB-XL's,
  // 97.5 % and 3.5 % have more.
  double enough_weight = 1.5;
};
inline constexpr PEvidenceConstants kPEvidence;

// What only T has: how its search follows the heart rate (p_t_search.h).
struct TConstants {
  // The peak is no later than this fraction of the RR interval after the R peak less kP.after_last_t_s. Physiology:
  // the next P wave.
  double latest_rr_fraction = 0.9;
  // The peak is no later than this after the R peak at an RR interval of 1 s, growing with sqrt(RR / s), and
  // latest_extra_s. Paper: Bazett (1920) for the square root; the value is that of a long QT interval.
  double latest_bazett_s = 0.46;
  // See latest_bazett_s. Tuned: T peaks of LUDB at high rates.
  double latest_extra_s = 0.06;
  // The RR interval at which reach_after_s and symmetry_ratio hold; they grow in proportion to RR. Tuned: T ends of
  // LUDB: slow hearts' T waves fall longer.
  double reference_rr_s = 0.9;
  // They grow from here on. Physiology: 150 beats a minute.
  double min_scaled_rr_s = 0.4;
  // They grow up to here. Physiology: 37 beats a minute.
  double max_scaled_rr_s = 1.6;
};
inline constexpr TConstants kT;

// Whether a wave is the same in every beat of a group (consistency.h).
struct ConsistencyConstants {
  // Distance between slopes that are compared. Geometry: a fifth of the narrowest slope box.
  double step_s = 0.006;
  // How far a beat's wave may be shifted against the average. Physiology: how PR and QT vary from beat to beat.
  double max_shift_s = 0.03;
  // A shift is believed from this correlation on, if it gains min_gain_correlation. Judgment: noise finds a shift too.
  double trusted_correlation = 0.7;
  // A shift is believed if it improves the correlation by this. Judgment: as trusted_correlation.
  double min_gain_correlation = 0.02;
  // Below this median correlation the beats are compared again with those that resemble each other. Judgment: more than
  // a third differs.
  double enough_correlation = 0.6;
  // From this deviation of the intervals from their median on it shows to which beat a wave belongs. Geometry: a
  // fifth of a P wave.
  double min_irregular_s = 0.02;
  // How often the beats are compared again at most. Judgment: more change little.
  int max_rounds = 2;
};
inline constexpr ConsistencyConstants kConsistency;

// Boundaries of all leads together (delineation.h).
struct AllLeadsConstants {
  // A lead's boundary farther from the median of the leads is left out. Judgment: another wave; in right bundle branch
  // block V1 ends late.
  double outlier_s = 0.06;
  // From this number of leads on the second earliest onset and the second latest end count. Judgment: a second opinion.
  std::size_t second_opinion_leads = 4;
};
inline constexpr AllLeadsConstants kAllLeads;

}  // namespace cardiograd::dsp
