// The constants of R-peak detection; dsp/delineation/constants.h says how to read them.
#pragma once

#include <Eigen/Core>

namespace cardiograd::dsp {

// R peaks (r_peaks.h).
struct RPeakConstants {
  // Recordings with a lower sampling rate are refused. Geometry: the band below needs 2 * 24 Hz.
  double min_rate_hz = 50.0;
  // Recordings that are shorter get a reason instead of R peaks. Judgment: no heart at rest is sure to beat twice.
  double min_duration_s = 1.0;
  // Lower end of the band in which QRS complexes stand out; P and T waves and wander lie below. Paper: Elgendi, PLoS
  // ONE 8:e73557 (2013) finds 8 to 20 Hz best; widened for the wide complexes of ectopic beats.
  double band_low_hz = 6.0;
  // Upper end of that band; muscle noise lies above. Paper: as band_low_hz.
  double band_high_hz = 24.0;
  // Lower end of a second band, in which sharp complexes stand out of T waves and of wide complexes many times as high.
  // Physiology: T and wide complexes lie below.
  double sharp_low_hz = 15.0;
  // Upper end of that band. Judgment: muscle noise and mains lie above.
  double sharp_high_hz = 40.0;
  // Order of the Butterworth prototype of that band-pass. Judgment: steep enough, and rings for less than a complex.
  int band_order = 2;
  // The upper end is no higher than this fraction of the sampling rate. Geometry: below half the rate.
  double max_band_fraction = 0.45;
  // Length of the mirror image that is put before and after the recording while it is filtered. Geometry: of the
  // band-pass.
  double mirror_s = 0.5;
  // Length over which the band's energy is averaged, by two moving means of half of it each. Physiology: about the
  // length of a QRS complex.
  double smoothing_s = 0.10;
  // Length of the blocks whose maxima are QRS levels. Physiology: at 30 beats a minute a block still holds a beat.
  double level_block_s = 2.0;
  // Blocks on either side whose median is the level of a block. Judgment: a level over 18 s outlasts a lost contact.
  Eigen::Index level_blocks = 4;
  // A lead's level is no lower than this fraction of its median over the recording. Judgment: pauses and lost contacts
  // must not make noise large.
  double min_level_fraction = 0.25;
  // Ratio of QRS level to background from which on a lead gains no more weight. Judgment: all clean leads count alike.
  double trusted_ratio = 12.0;
  // The power of the ratio of a lead's local maxima to what is usual there, or of its inverse, that the lead's weight
  // is multiplied by. Judgment: as its background.
  double strange_order = 2.0;
  // A lead's background is taken as no less than this fraction of its level. Numerics: noiseless signals.
  double min_background_fraction = 1e-9;
  // A lead's envelope, in QRS levels, counts no more than this. Judgment: a spike in one lead must not make a beat.
  double max_height_ratio = 2.0;
  // Candidates are at least this far apart; the higher stays. Physiology: the refractory period of the ventricles.
  double separation_s = 0.20;
  // Median ratio of QRS level to background below which nothing is a beat. Noise: 5 % of 10 s of white noise in one
  // lead have 2.4 or more.
  double min_contrast_ratio = 2.5;
  // The same in recordings shorter than short_s, and in the sharp envelope. Noise: fewer blocks scatter more.
  double min_contrast_short_ratio = 2.9;
  // Recordings up to here need the larger contrast. Judgment: two blocks and a half.
  double short_s = 5.0;
  // Noise and rhythm at a candidate are medians over the candidates this far before and after. Judgment: long enough
  // for a median, short enough to follow a change of rhythm.
  double neighborhood_s = 10.0;
  // Candidates above this fraction of the local level are taken for beats in the first pass. Judgment: halfway between
  // T waves and ectopic beats in height.
  double first_height_fraction = 0.35;
  // How often beats are chosen, each time with noise and rhythm from the choice before. Judgment: more change nothing.
  int selection_passes = 3;
  // Height of the maxima that are no beats, where there is none nearby. Judgment: a quiet recording.
  double default_noise_fraction = 0.05;
  // Usual interval where fewer than two beats are chosen. Physiology: 75 beats a minute.
  double default_interval_s = 0.8;
  // Lowest threshold, in QRS levels; the threshold is the square root of the noise, between the two limits. Tuned: no
  // beat missed or added in LUDB, 99.9 % of MITDB.
  double min_threshold_fraction = 0.18;
  // Highest threshold, in QRS levels. Tuned: as min_threshold_fraction.
  double max_threshold_fraction = 0.45;
  // Height of maxima that are no beats, as a ratio to the sharp envelope's background. Noise: its larger maxima.
  double noise_maximum_ratio = 2.5;
  // At an interval of 1 s a T wave is no later than this after its beat; grows with the square root of the interval.
  // Paper: Bazett, Heart 7:353 (1920), for the square root; the value is that of a long QT interval.
  double latest_t_bazett_s = 0.40;
  // A candidate then is a T wave if its sharpness is less than this ratio to that of the beat. Physiology: T is duller.
  double dull_ratio = 0.25;
  // Intervals below this ratio to the usual one cost. Tuned: as min_threshold_fraction; atrial fibrillation and early
  // beats stay free, a T wave between two beats does not.
  double short_interval_ratio = 0.7;
  // Cost of a short interval for each factor e that it is too short. Tuned: as min_threshold_fraction.
  double short_interval_weight = 1.6;
  // Intervals above this ratio to the usual one cost. Tuned: as min_threshold_fraction; a beat left out doubles one.
  double long_interval_ratio = 1.5;
  // Cost of a long interval for each factor e that it is too long. Tuned: as min_threshold_fraction.
  double long_interval_weight = 1.0;
  // Intervals below this cost in addition, whatever is usual. Physiology: 167 beats a minute, and the time to the T
  // wave.
  double min_interval_s = 0.36;
  // Cost of such an interval for each factor e. Tuned: as min_threshold_fraction.
  double min_interval_weight = 2.0;
  // Pauses longer than this cost no more than this one. Judgment: bounds the search; longer pauses are asystoles.
  double max_pause_s = 6.0;
  // The time of a beat is the envelope's maximum within this of its candidate. Judgment: less than half a complex.
  double refine_s = 0.06;
};
inline constexpr RPeakConstants kRPeak;

// P waves and noise in pauses that are taken for beats (pause_waves.h).
struct PauseConstants {
  // Quantile of the sizes of beats that is a usual one. Judgment: P waves in a pause may be more than half.
  double size_quantile = 0.75;
  // A P wave is smaller than this fraction of that. Physiology: P is hardly a third of QRS over all leads.
  double max_size_fraction = 0.35;
  // The wave before a beat is looked for from this on. Physiology: most P waves, and hardly any beat before a beat.
  double earliest_s = 0.28;
  // Until here before the R peak. Physiology: QRS begins.
  double latest_s = 0.10;
  // In steps of this. Geometry: half the width that P's shape is alike over.
  double step_s = 0.008;
  // It is as large, up to this ratio. Judgment: respiration.
  double max_size_ratio = 1.6;
  // So many beats on either side are looked at. Judgment: the P wave of one may be hidden.
  std::size_t near_beats = 2;
  // At so many of them it is found. Judgment: once may be chance.
  std::size_t min_like_beats = 2;
  // Of all beats at least this fraction are large where small ones may be noise. Physiology: usual beats may be small
  // beside ventricular ones.
  double min_large_fraction = 0.6;
  // Quantile of the intervals between large beats that is the usual one. Judgment: half of them may be pauses.
  double usual_quantile = 0.25;
  // A pause between large beats lasts at least this ratio to their usual interval. Judgment: an early beat that is low
  // and the beat after it lie in two and a half.
  double min_pause_ratio = 3.0;
};
inline constexpr PauseConstants kPause;

// Beats of rhythms without pauses between them (periodic_beats.h).
struct PeriodicConstants {
  // Lower end of the band that is looked at. Physiology: 110 beats a minute lie above, the baseline wanders below.
  double band_low_hz = 1.2;
  // Upper end of that band. Judgment: three harmonics of the fastest rhythms.
  double band_high_hz = 15.0;
  // Length that is looked at by itself. Judgment: the rate hardly changes meanwhile.
  double stretch_s = 10.0;
  // Shortest period. Physiology: 315 beats a minute.
  double shortest_s = 0.19;
  // Longest period. Physiology: slower rhythms have pauses.
  double longest_s = 1.2;
  // Least correlation of a stretch with itself one period later, and of a cycle with the others. Noise: 10 s of noise
  // of one lead in that band reach 0.3.
  double min_correlation = 0.5;
  // The first period with this fraction of the best correlation is taken. Judgment: multiples fit as well.
  double first_fraction = 0.85;
  // Cycles are at least this fraction of the period apart. Judgment: no two in one.
  double min_interval_fraction = 0.6;
};
inline constexpr PeriodicConstants kPeriodic;

// Broad rhythms that are irregular (broad_beats.h).
struct BroadConstants {
  // Least ratio of a lead's RMS in the periodic beats' band to that from kRPeak.band_high_hz to sharp_high_hz. Noise: a
  // random walk has 6, white noise 0.9.
  double min_slow_ratio = 10.0;
};
inline constexpr BroadConstants kBroad;

// Leads that were not recorded at the same time (lead_times.h).
struct LeadTimesConstants {
  // Length of the recording that is looked at. Judgment: printed records are shorter.
  double looked_at_s = 20.0;
  // Rate at which it is. Geometry: the envelope is as wide as a complex.
  double rate_hz = 50.0;
  // Two leads coincide at this correlation of their envelopes. Physiology: equal beats 0.1 s apart have 0.2.
  double min_correlation = 0.4;
  // When shifted by up to this. Physiology: the middles of a complex in two leads.
  double reach_s = 0.04;
  // Fewer beats do not tell. Physiology: a printed lead of 2.5 s has three.
  double min_beats = 3.0;
  // Two leads have at least this ratio of beats, or one of them is no ECG. Judgment: the rhythm changes with time.
  double min_count_ratio = 0.6;
  // A lead of which the others explain this fraction of the energy was recorded with them. Noise: leads of PTB-XL that
  // are moved in time have 0.81 at most.
  double min_explained_fraction = 0.85;
};
inline constexpr LeadTimesConstants kLeadTimes;

}  // namespace cardiograd::dsp
